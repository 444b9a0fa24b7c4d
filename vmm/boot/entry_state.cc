// See entry_state.h.
#include "vmm/boot/entry_state.h"

#include <vector>

#include "vmm/boot/guest_image.h"
#include "vmm/boot/little_endian.h"
#include "vmm/boot/memory_layout.h"

namespace lockstitch::boot {

namespace {

constexpr std::uint32_t code32 = 0xc09b, code64 = 0xa09b, data32 = 0xc093, busy_tss = 0x008b, unusable = 1u << 16;
constexpr std::uint16_t code32_selector = 0x08, code64_selector = 0x10, data_selector = 0x18, tss_selector = 0x20;
constexpr std::uint16_t gdt_bytes = 0x30;  // a TSS descriptor has 16 bytes in 64-bit mode
constexpr Gpa tss_gpa = entry_gdt_gpa + 0x100;
constexpr std::uint32_t tss_limit = 0x67;

/// A descriptor in memory form (SDM 3A 3.4.5) from its hidden-part form.
std::uint64_t descriptor(std::uint32_t base, std::uint32_t limit20, std::uint32_t attributes) {
  return (limit20 & 0xffffull) | (base & 0xff'ffffull) << 16 | std::uint64_t{attributes & 0xf0ff} << 40 |
         (limit20 >> 16 & 0xfull) << 48 | std::uint64_t{base >> 24} << 56;
}

Outcome store_gdt(GuestMemory& memory) {
  std::array<std::uint8_t, gdt_bytes> gdt{};
  put<std::uint64_t>(gdt, code32_selector, descriptor(0, 0xf'ffff, code32));
  put<std::uint64_t>(gdt, code64_selector, descriptor(0, 0xf'ffff, code64));
  put<std::uint64_t>(gdt, data_selector, descriptor(0, 0xf'ffff, data32));
  put<std::uint64_t>(gdt, tss_selector, descriptor(tss_gpa, tss_limit, busy_tss));
  if (auto stored = store(memory, entry_gdt_gpa, gdt, "the boot descriptor table"); !stored) return stored;
  return store_zeros(memory, tss_gpa, tss_limit + 1, "the boot TSS");
}

Outcome store_page_tables(GuestMemory& memory) {
  constexpr std::uint64_t present_writable = 3, large = 0x80;
  std::vector<std::uint8_t> tables(6 * page_bytes);
  const Gpa pointers = page_tables_gpa + page_bytes, directories = page_tables_gpa + 2 * page_bytes;
  put<std::uint64_t>(tables, 0, pointers | present_writable);
  for (unsigned i = 0; i < 4; ++i)
    put<std::uint64_t>(tables, page_bytes + 8 * i, (directories + i * page_bytes) | present_writable);
  for (unsigned i = 0; i < 2048; ++i)
    put<std::uint64_t>(tables, 2 * page_bytes + 8 * i, std::uint64_t{i} << 21 | present_writable | large);
  return store(memory, page_tables_gpa, tables, "the boot page table");
}

/// Write-back everywhere but the VGA window (uncached), the ROM area (write-protected) and the top GiB below 4 GiB
/// (uncached): what SeaBIOS leaves behind. Without it Linux turns PAT off.
void set_memory_types(CpuState& cpu) {
  constexpr std::uint64_t write_back = 0x0606'0606'0606'0606, write_protect = 0x0505'0505'0505'0505;
  cpu.mtrr_fixed = {write_back, write_back, 0};
  for (unsigned i = 3; i < cpu.mtrr_fixed.size(); ++i) cpu.mtrr_fixed[i] = write_protect;
  cpu.mtrr_variable[0] = 0xc000'0000;
  cpu.mtrr_variable[1] = 0xff'c000'0800;  // 40 address bits; bit 11: valid
  cpu.mtrr_default_type = 0xc06;          // enabled, fixed ranges enabled, write-back
}

CpuState entered(std::uint16_t code_selector, std::uint32_t code) {
  CpuState cpu = cpu_at_reset();
  for (auto& segment : cpu.segment) segment = {data_selector, 0, 0xffff'ffff, data32};
  cpu.segment[unsigned(SegmentName::cs)] = {code_selector, 0, 0xffff'ffff, code};
  cpu.segment[unsigned(SegmentName::tr)] = {tss_selector, tss_gpa, tss_limit, busy_tss};
  cpu.segment[unsigned(SegmentName::ldtr)] = {0, 0, 0, unusable};
  cpu.gdtr = {entry_gdt_gpa, gdt_bytes - 1};
  cpu.idtr = {0, 0};
  cpu.gpr = {};
  cpu.cr0 = 0x31;  // PE, ET, NE
  cpu.fpu_control = 0x37f;
  set_memory_types(cpu);
  return cpu;
}

}  // namespace

CpuState real_mode_entry(std::uint16_t segment, std::uint16_t offset) {
  CpuState cpu = cpu_at_reset();
  cpu.segment[unsigned(SegmentName::cs)] = {segment, std::uint64_t{segment} << 4, 0xffff, 0x009b};
  cpu.rip = offset;
  cpu.gpr = {};
  cpu.gpr[unsigned(Gpr::rsp)] = 0x7c00;
  cpu.idtr = {0, 0x3ff};
  cpu.cr0 = 0x10;
  set_memory_types(cpu);
  return cpu;
}

Result<CpuState> protected_mode_entry(GuestMemory& memory, std::uint32_t eip) {
  if (auto stored = store_gdt(memory); !stored) return stored.error();
  CpuState cpu = entered(code32_selector, code32);
  cpu.rip = eip;
  return cpu;
}

Result<CpuState> long_mode_entry(GuestMemory& memory, std::uint64_t rip) {
  if (auto stored = store_gdt(memory); !stored) return stored.error();
  if (auto stored = store_page_tables(memory); !stored) return stored.error();
  CpuState cpu = entered(code64_selector, code64);
  cpu.cr0 |= 0x8000'0000;
  cpu.cr3 = page_tables_gpa;
  cpu.cr4 = 0x20;    // PAE
  cpu.efer = 0x500;  // LME, LMA
  cpu.rip = rip;
  return cpu;
}

}  // namespace lockstitch::boot

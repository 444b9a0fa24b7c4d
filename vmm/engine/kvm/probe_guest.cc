// See probe_guest.h. Sources: SDM 3A 3.4.5 (descriptors), 4.5 (4-level paging), 6.14.1 (64-bit gates), 7.7 (64-bit
// TSS).
#include "vmm/engine/kvm/probe_guest.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstring>

namespace lockstitch::kvm {

namespace {

// Guest-physical.
constexpr std::uint64_t gdt = 0x1000, idt = 0x2000, tss = 0x3000, pml4 = 0x4000, pdpt = 0x5000, user_directory = 0x6000,
                        kernel_directory = 0x7000, handlers = 0x8000, kernel_stack_top = 0x1'0000,
                        user_stack_top = 0x2'0000;
/// What the kernel adds to an address.
constexpr std::uint64_t kernel_base = 0x4000'0000;
constexpr std::uint64_t handler_bytes = 16, vectors = 256;

constexpr std::uint16_t kernel_cs = 0x08, kernel_ss = 0x10, user_ss = 0x1b, user_cs = 0x23, tss_selector = 0x28;
constexpr std::uint16_t tss_limit = 0x67;

constexpr std::uint64_t cr0_pe = 1, cr0_mp = 2, cr0_et = 16, cr0_ne = 32, cr0_wp = 1 << 16, cr0_pg = 1u << 31;
constexpr std::uint64_t cr4_pae = 1 << 5, cr4_osfxsr = 1 << 9, cr4_osxmmexcpt = 1 << 10;
constexpr std::uint64_t efer_sce = 1, efer_lme = 1 << 8, efer_lma = 1 << 10, efer_nxe = 1 << 11;
constexpr std::uint32_t msr_star = 0xc000'0081, msr_lstar = 0xc000'0082, msr_fmask = 0xc000'0084;

kvm_segment code_segment(std::uint16_t selector, std::uint8_t privilege) {
  kvm_segment segment{};
  segment.limit = 0xffff'ffff;
  segment.selector = selector;
  segment.type = 11;
  segment.present = segment.s = segment.l = segment.g = 1;
  segment.dpl = privilege;
  return segment;
}

kvm_segment data_segment(std::uint16_t selector, std::uint8_t privilege) {
  kvm_segment segment = code_segment(selector, privilege);
  segment.type = 3;
  segment.l = 0;
  segment.db = 1;
  return segment;
}

}  // namespace

Result<std::unique_ptr<ProbeGuest>> ProbeGuest::make(const KvmSystem& system, bool logs_writes) {
  auto vm = system.make_vm();
  if (!vm.ok()) return vm.error();
  void* memory = ::mmap(nullptr, memory_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return refused("memory for a guest of the probe");
  MemorySlot slot;
  slot.bytes = memory_bytes;
  slot.memory = memory;
  slot.logs_writes = logs_writes;
  auto vcpu = vm.value().make_vcpu(0);
  Outcome made = vcpu.ok() ? vm.value().set_memory(slot) : Outcome(vcpu.error());
  if (!made) {
    ::munmap(memory, memory_bytes);
    return made.error();
  }
  std::unique_ptr<ProbeGuest> guest(
      new ProbeGuest(std::move(vm).value(), std::move(vcpu).value(), slot, static_cast<std::uint8_t*>(memory)));
  guest->lay_out();
  const auto cpuid = system.supported_cpuid();
  if (!cpuid.empty()) {
    if (const Outcome told = guest->vcpu_.set_cpuid(cpuid); !told) return told.error();
  }
  return guest;
}

ProbeGuest::~ProbeGuest() { ::munmap(memory_, memory_bytes); }

template <class T>
void ProbeGuest::put(std::uint64_t at, T value) {
  std::memcpy(memory_ + at, &value, sizeof value);
}

void ProbeGuest::lay_out() {
  constexpr std::uint64_t descriptors[] = {0, 0x00af'9b00'0000'ffff, 0x00cf'9300'0000'ffff, 0x00cf'f300'0000'ffff,
                                           0x00af'fb00'0000'ffff};
  for (std::size_t i = 0; i < std::size(descriptors); ++i) put(gdt + 8 * i, descriptors[i]);
  constexpr std::uint64_t busy_tss = 0x8b;
  constexpr std::uint64_t tss_base = kernel_base + tss;
  put(gdt + tss_selector, tss_limit | (tss_base & 0xff'ffff) << 16 | busy_tss << 40 | (tss_base >> 24 & 0xff) << 56);
  put(gdt + tss_selector + 8, tss_base >> 32);
  put(tss + 4, kernel_base + kernel_stack_top);
  put(tss + 0x66, static_cast<std::uint16_t>(tss_limit + 1));  // no I/O bitmap

  for (std::uint64_t vector = 0; vector < vectors; ++vector) {
    constexpr std::uint64_t user_gate = 0xee;
    const std::uint64_t handler = kernel_base + handlers + vector * handler_bytes;
    put(idt + 16 * vector,
        (handler & 0xffff) | std::uint64_t{kernel_cs} << 16 | user_gate << 40 | (handler >> 16 & 0xffff) << 48);
    put(idt + 16 * vector + 8, handler >> 32);
    constexpr std::uint8_t hlt_again[] = {0xf4, 0xeb, 0xfd};
    std::memcpy(memory_ + handlers + vector * handler_bytes, hlt_again, sizeof hlt_again);
  }

  constexpr std::uint64_t present = 1, writable = 2, user = 4, accessed = 0x20, dirty = 0x40, large = 0x80;
  put(pml4, pdpt | present | writable | user | accessed);
  put(pdpt, user_directory | present | writable | user | accessed);
  put(pdpt + 8, kernel_directory | present | writable | user | accessed);
  put(user_directory, present | writable | user | accessed | dirty | large);
  put(kernel_directory, present | writable | accessed | dirty | large);
}

Outcome ProbeGuest::load(Ring ring, std::span<const std::uint8_t> code, std::uint64_t rcx) {
  const std::uint64_t entry = ring == Ring::kernel ? kernel_code : user_code;
  std::copy(code.begin(), code.end(), memory_ + (entry & (kernel_base - 1)));

  auto special = vcpu_.special_registers();
  if (!special.ok()) return special.error();
  kvm_sregs& s = special.value();
  const auto privilege = static_cast<std::uint8_t>(ring);
  s.cs = code_segment(ring == Ring::kernel ? kernel_cs : user_cs, privilege);
  s.ss = s.ds = s.es = s.fs = s.gs = data_segment(ring == Ring::kernel ? kernel_ss : user_ss, privilege);
  s.tr = {};
  s.tr.base = kernel_base + tss;
  s.tr.limit = tss_limit;
  s.tr.selector = tss_selector;
  s.tr.type = 11;
  s.tr.present = 1;
  s.ldt = {};
  s.ldt.unusable = 1;
  s.gdt.base = kernel_base + gdt;
  s.gdt.limit = tss_selector + 15;
  s.idt.base = kernel_base + idt;
  s.idt.limit = 16 * vectors - 1;
  s.cr0 = cr0_pe | cr0_mp | cr0_et | cr0_ne | cr0_wp | cr0_pg;
  s.cr3 = pml4;
  s.cr4 = cr4_pae | cr4_osfxsr | cr4_osxmmexcpt;
  s.efer = efer_sce | efer_lme | efer_lma | efer_nxe;
  if (const Outcome set = vcpu_.set_special_registers(s); !set) return set;
  constexpr std::uint64_t sysret_base = 0x13;
  if (const Outcome set = vcpu_.set_msr(msr_star, sysret_base << 48 | std::uint64_t{kernel_cs} << 32); !set) return set;
  if (const Outcome set = vcpu_.set_msr(msr_lstar, kernel_base + handlers + handler_bytes * (vectors - 1)); !set)
    return set;
  if (const Outcome set = vcpu_.set_msr(msr_fmask, 0x200); !set) return set;

  kvm_regs registers{};
  registers.rip = entry;
  registers.rsp = ring == Ring::kernel ? kernel_base + kernel_stack_top : user_stack_top;
  registers.rcx = rcx;
  registers.rflags = 2;
  return vcpu_.set_registers(registers);
}

Result<int> ProbeGuest::halted_in() const {
  const auto registers = vcpu_.registers();
  if (!registers.ok()) return registers.error();
  const std::uint64_t at = registers.value().rip - (kernel_base + handlers);
  return at < vectors * handler_bytes ? static_cast<int>(at / handler_bytes) : -1;
}

}  // namespace lockstitch::kvm

// See pvh.h.
#include "vmm/boot/pvh.h"

#include "lockstitch/limits.h"
#include "vmm/boot/elf.h"
#include "vmm/boot/entry_state.h"
#include "vmm/boot/guest_image.h"
#include "vmm/boot/little_endian.h"

namespace lockstitch::boot {

namespace {

// hvm_start_info, then its one module entry, then the memory map, all in the boot information page.
constexpr std::uint32_t start_magic = 0x336e'c578;
constexpr std::size_t modules_at = 0x40, map_at = 0x80, map_entry_bytes = 24;

std::array<std::uint8_t, page_bytes> start_info(const LoadRequest& request, Gpa initrd) {
  std::array<std::uint8_t, page_bytes> page{};
  put<std::uint32_t>(page, 0, start_magic);
  put<std::uint32_t>(page, 4, 1);  // version
  if (initrd != 0) {
    put<std::uint32_t>(page, 12, 1);
    put<std::uint64_t>(page, 16, boot_information_gpa + modules_at);
    put<std::uint64_t>(page, modules_at, initrd);
    put<std::uint64_t>(page, modules_at + 8, request.initrd.size());
  }
  put<std::uint64_t>(page, 24, command_line_gpa);
  put<std::uint64_t>(page, 32, request.rsdp);
  put<std::uint64_t>(page, 40, boot_information_gpa + map_at);
  put<std::uint32_t>(page, 48, request.memory_map.size());
  std::size_t at = map_at;
  for (const MemoryRegion& region : request.memory_map) {
    put<std::uint64_t>(page, at, region.base);
    put<std::uint64_t>(page, at + 8, region.length);
    put<std::uint32_t>(page, at + 16, static_cast<std::uint32_t>(region.kind));
    at += map_entry_bytes;
  }
  return page;
}

}  // namespace

bool is_pvh(Bytes image) {
  if (!is_elf(image)) return false;
  const auto elf = parse_elf(image);
  return elf && elf.value().pvh_entry;
}

Result<CpuState> load_pvh(GuestMemory& memory, const LoadRequest& request) {
  LS_ASSERT_CMP(request.memory_map.size(), <=, memory_map_max_regions);
  const auto elf = parse_elf(request.kernel);
  if (!elf) return elf.error();
  if (!elf.value().pvh_entry) return Error{ExitCode::bad_input, "the ELF kernel has no PVH entry point"};
  const auto end = store_segments(memory, request, elf.value());
  if (!end) return end.error();
  const auto initrd = store_initrd(memory, request, end.value(), four_gib);
  if (!initrd) return initrd.error();
  if (auto stored = store_command_line(memory, request.command_line, limits::command_line_max_bytes); !stored)
    return stored.error();
  if (auto stored = store(memory, boot_information_gpa, start_info(request, initrd.value()), "the start information");
      !stored)
    return stored.error();

  auto cpu = protected_mode_entry(memory, *elf.value().pvh_entry);
  if (cpu) cpu.value().gpr[unsigned(Gpr::rbx)] = boot_information_gpa;
  return cpu;
}

}  // namespace lockstitch::boot

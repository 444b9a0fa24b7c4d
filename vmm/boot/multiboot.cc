// See multiboot.h.
#include "vmm/boot/multiboot.h"

#include <algorithm>
#include <string>

#include "lockstitch/limits.h"
#include "vmm/boot/elf.h"
#include "vmm/boot/entry_state.h"
#include "vmm/boot/guest_image.h"
#include "vmm/boot/little_endian.h"

namespace lockstitch::boot {

namespace {

constexpr std::uint32_t header_magic = 0x1bad'b002, entry_magic = 0x2bad'b002;
constexpr std::uint64_t search_bytes = 8192;
constexpr std::uint32_t align_modules = 1 << 0, want_memory = 1 << 1, want_video = 1 << 2, has_addresses = 1 << 16;
constexpr std::uint32_t required_mask = 0xffff;

// Information structure and what it points to, inside the boot information page.
constexpr std::uint32_t info_memory = 1 << 0, info_command_line = 1 << 2, info_modules = 1 << 3, info_map = 1 << 6,
                        info_loader_name = 1 << 9;
constexpr std::size_t module_at = 0x80, name_at = 0x90, map_at = 0xa0, map_entry_bytes = 24;

Error broken(std::string why) {
  return {ExitCode::bad_input, "the Multiboot kernel cannot be loaded: " + std::move(why)};
}

std::optional<std::uint64_t> find_header(Bytes image) {
  for (std::uint64_t at = 0; at + 12 <= std::min<std::uint64_t>(search_bytes, image.size()); at += 4) {
    const auto magic = get<std::uint32_t>(image, at), flags = get<std::uint32_t>(image, at + 4);
    if (magic == header_magic && magic + flags + get<std::uint32_t>(image, at + 8) == 0) return at;
  }
  return std::nullopt;
}

/// The address fields of a Multiboot header as if they were an ELF file with one segment.
Result<ElfImage> from_addresses(Bytes image, std::uint64_t header) {
  if (!inside(header, 32, image.size())) return broken("the file ends inside its Multiboot header");
  const std::uint64_t header_address = get<std::uint32_t>(image, header + 12);
  const std::uint64_t load = get<std::uint32_t>(image, header + 16), load_end = get<std::uint32_t>(image, header + 20);
  const std::uint64_t bss_end = get<std::uint32_t>(image, header + 24);
  if (load > header_address || header_address - load > header)
    return broken("its load address contradicts the place of its header");
  const std::uint64_t offset = header - (header_address - load);
  if (load_end != 0 && load_end < load) return broken("its load address lies behind its end");
  const std::uint64_t file_bytes = load_end != 0 ? load_end - load : image.size() - offset;
  if (!inside(offset, file_bytes, image.size())) return broken("the file is truncated");
  if (bss_end != 0 && bss_end < load + file_bytes) return broken("its BSS ends before its data");
  const std::uint64_t memory_bytes = bss_end != 0 ? bss_end - load : file_bytes;
  if (memory_bytes == 0) return broken("it has nothing to load");
  ElfImage elf;
  elf.entry = get<std::uint32_t>(image, header + 28);
  elf.segments.push_back({offset, file_bytes, load, load, memory_bytes});
  return elf;
}

std::array<std::uint8_t, page_bytes> information(const LoadRequest& request, Gpa initrd) {
  std::array<std::uint8_t, page_bytes> page{};
  std::uint64_t upper = 0;
  std::size_t at = map_at;
  for (const MemoryRegion& region : request.memory_map) {
    if (region.kind == MemoryKind::usable && region.base == high_memory_gpa) upper = region.length;
    put<std::uint32_t>(page, at, map_entry_bytes - 4);
    put<std::uint64_t>(page, at + 4, region.base);
    put<std::uint64_t>(page, at + 12, region.length);
    put<std::uint32_t>(page, at + 20, static_cast<std::uint32_t>(region.kind));
    at += map_entry_bytes;
  }
  put<std::uint32_t>(page, 0, info_memory | info_command_line | info_modules | info_map | info_loader_name);
  put<std::uint32_t>(page, 4, ebda_gpa >> 10);
  put<std::uint32_t>(page, 8, upper >> 10);
  put<std::uint32_t>(page, 16, command_line_gpa);
  if (initrd != 0) {
    put<std::uint32_t>(page, 20, 1);
    put<std::uint32_t>(page, 24, boot_information_gpa + module_at);
    put<std::uint32_t>(page, module_at, initrd);
    put<std::uint32_t>(page, module_at + 4, initrd + request.initrd.size());
    put<std::uint32_t>(page, module_at + 8, boot_information_gpa + name_at);
  }
  put<std::uint32_t>(page, 44, at - map_at);
  put<std::uint32_t>(page, 48, boot_information_gpa + map_at);
  put<std::uint32_t>(page, 64, boot_information_gpa + name_at);
  static constexpr std::string_view name = "lockstitch";
  std::copy(name.begin(), name.end(), page.begin() + name_at);
  return page;
}

}  // namespace

bool is_multiboot(Bytes image) { return find_header(image).has_value(); }

Result<CpuState> load_multiboot(GuestMemory& memory, const LoadRequest& request) {
  LS_ASSERT_CMP(request.memory_map.size(), <=, memory_map_max_regions);
  const auto header = find_header(request.kernel);
  if (!header) return broken("it has no Multiboot header in its first 8 KiB");
  const auto flags = get<std::uint32_t>(request.kernel, *header + 4);
  if (flags & required_mask & ~(align_modules | want_memory | want_video))
    return broken("it requires a Multiboot feature that is not known here");

  const auto elf = flags & has_addresses ? from_addresses(request.kernel, *header) : parse_elf(request.kernel);
  if (!elf) return elf.error();
  if (elf.value().entry >= four_gib) return broken("its entry point lies above 4 GiB");
  const auto end = store_segments(memory, request, elf.value());
  if (!end) return end.error();
  const auto initrd = store_initrd(memory, request, end.value(), four_gib);
  if (!initrd) return initrd.error();
  if (auto stored = store_command_line(memory, request.command_line, limits::command_line_max_bytes); !stored)
    return stored.error();
  if (auto stored = store(memory, boot_information_gpa, information(request, initrd.value()), "the boot information");
      !stored)
    return stored.error();

  auto cpu = protected_mode_entry(memory, static_cast<std::uint32_t>(elf.value().entry));
  if (cpu) {
    cpu.value().gpr[unsigned(Gpr::rax)] = entry_magic;
    cpu.value().gpr[unsigned(Gpr::rbx)] = boot_information_gpa;
  }
  return cpu;
}

}  // namespace lockstitch::boot

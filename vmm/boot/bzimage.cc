// See bzimage.h.
#include "vmm/boot/bzimage.h"

#include <algorithm>
#include <bit>
#include <string>

#include "vmm/boot/entry_state.h"
#include "vmm/boot/guest_image.h"
#include "vmm/boot/little_endian.h"

namespace lockstitch::boot {

namespace {

// Offsets of the setup header in the file; boot_params has it at the same offsets (boot.rst, "The Real-Mode Kernel
// Header").
constexpr std::size_t setup_sects = 0x1f1, syssize = 0x1f4, vid_mode = 0x1fa, boot_flag = 0x1fe, header_length = 0x201,
                      header_magic = 0x202, version = 0x206, type_of_loader = 0x210, loadflags = 0x211,
                      ramdisk_image = 0x218, ramdisk_size = 0x21c, cmd_line_ptr = 0x228, initrd_addr_max = 0x22c,
                      kernel_alignment = 0x230, relocatable_kernel = 0x234, xloadflags = 0x236, cmdline_size = 0x238,
                      pref_address = 0x258, init_size = 0x260, header_needed = 0x264;
// boot_params outside the setup header (zero-page.rst).
constexpr std::size_t acpi_rsdp_addr = 0x070, e820_entries = 0x1e8, header_limit = 0x290, e820_table = 0x2d0,
                      e820_entry_bytes = 20;

constexpr std::uint16_t oldest_version = 0x020c;  // the first with xloadflags
constexpr std::uint64_t entry_64_offset = 0x200;
constexpr std::uint8_t loaded_high = 0x01, unknown_loader = 0xff;

Error broken(std::string why) { return {ExitCode::bad_input, "the kernel cannot be loaded: " + std::move(why)}; }

/// Where the protected-mode part goes: where the kernel prefers, else anywhere if it is relocatable.
std::optional<Gpa> kernel_place(const LoadRequest& request, std::uint64_t length) {
  const std::uint64_t preferred = get<std::uint64_t>(request.kernel, pref_address);
  if (preferred <= four_gib && length <= four_gib - preferred && preferred >= high_memory_gpa &&
      is_usable(request.memory_map, preferred, length))
    return preferred;
  if (request.kernel[relocatable_kernel] == 0) return std::nullopt;
  const std::uint64_t alignment = get<std::uint32_t>(request.kernel, kernel_alignment);
  return lowest_place(request.memory_map, length, alignment, high_memory_gpa, four_gib);
}

std::array<std::uint8_t, page_bytes> boot_params(const LoadRequest& request, Gpa initrd) {
  std::array<std::uint8_t, page_bytes> params{};
  const std::size_t end =
      std::min<std::size_t>({header_magic + request.kernel[header_length], header_limit, request.kernel.size()});
  std::copy(request.kernel.begin() + setup_sects, request.kernel.begin() + end, params.begin() + setup_sects);
  params[type_of_loader] = unknown_loader;
  params[loadflags] |= loaded_high;
  put<std::uint16_t>(params, vid_mode, 0xffff);
  put<std::uint32_t>(params, cmd_line_ptr, command_line_gpa);
  put<std::uint32_t>(params, ramdisk_image, initrd);
  put<std::uint32_t>(params, ramdisk_size, request.initrd.size());
  put<std::uint64_t>(params, acpi_rsdp_addr, request.rsdp);
  params[e820_entries] = request.memory_map.size();
  std::size_t at = e820_table;
  for (const MemoryRegion& region : request.memory_map) {
    put<std::uint64_t>(params, at, region.base);
    put<std::uint64_t>(params, at + 8, region.length);
    put<std::uint32_t>(params, at + 16, static_cast<std::uint32_t>(region.kind));
    at += e820_entry_bytes;
  }
  return params;
}

}  // namespace

bool is_bzimage(Bytes image) {
  return inside(header_magic, 4, image.size()) && get<std::uint16_t>(image, boot_flag) == 0xaa55 &&
         get<std::uint32_t>(image, header_magic) == 0x5372'6448;  // "HdrS"
}

Result<CpuState> load_bzimage(GuestMemory& memory, const LoadRequest& request) {
  LS_ASSERT_CMP(request.memory_map.size(), <=, memory_map_max_regions);
  const Bytes image = request.kernel;
  if (!is_bzimage(image)) return broken("it has no Linux setup header");
  if (image.size() < header_needed) return broken("the file ends inside its setup header");
  if (get<std::uint16_t>(image, version) < oldest_version)
    return broken("its boot protocol is older than 2.12; use a kernel of version 3.8 or newer");
  if ((get<std::uint16_t>(image, xloadflags) & 1) == 0)
    return broken("it has no 64-bit entry point; use an x86-64 kernel");
  if (request.kernel[header_length] < header_needed - header_magic) return broken("its setup header is too short");
  if (request.kernel[relocatable_kernel] != 0 && !std::has_single_bit(get<std::uint32_t>(image, kernel_alignment)))
    return broken("its setup header asks for an alignment that is not a power of two");

  const std::uint64_t sectors = image[setup_sects] == 0 ? 4 : image[setup_sects];
  const std::uint64_t payload_at = (sectors + 1) * 512;
  const std::uint64_t announced_bytes = std::uint64_t{get<std::uint32_t>(image, syssize)} * 16;
  // The size is told in paragraphs; some images end inside their last one.
  const std::uint64_t missing =
      payload_at + announced_bytes - std::min<std::uint64_t>(image.size(), payload_at + announced_bytes);
  const std::uint64_t payload_bytes = announced_bytes - (missing < 16 ? missing : 0);
  if (payload_bytes <= entry_64_offset) return broken("its setup header names an empty payload");
  if (!inside(payload_at, payload_bytes, image.size()))
    return broken("the file is truncated: it has " + std::to_string(image.size()) + " bytes of " +
                  std::to_string(payload_at + payload_bytes));
  const Bytes payload = image.subspan(payload_at);

  const std::uint64_t room = std::max<std::uint64_t>(get<std::uint32_t>(image, init_size), payload.size());
  const auto place = kernel_place(request, room);
  if (!place) {
    return Error{ExitCode::usage,
                 "the kernel needs " + std::to_string((room + (1 << 20) - 1) >> 20) +
                     " MiB where it wants to be loaded, more than the guest has; give it more with --memory"};
  }
  if (request.initrd.size() >> 32) return Error{ExitCode::bad_input, "the initrd is larger than 4 GiB"};
  const Gpa initrd_ceiling = std::min<Gpa>(Gpa{get<std::uint32_t>(image, initrd_addr_max)} + 1, four_gib);
  const auto initrd = store_initrd(memory, request, *place + room, initrd_ceiling);
  if (!initrd) return initrd.error();
  if (auto stored = store_command_line(memory, request.command_line, get<std::uint32_t>(image, cmdline_size)); !stored)
    return stored.error();
  if (auto stored = store(memory, *place, payload, "the kernel"); !stored) return stored.error();
  if (auto stored = store(memory, boot_information_gpa, boot_params(request, initrd.value()), "boot_params"); !stored)
    return stored.error();

  auto cpu = long_mode_entry(memory, *place + entry_64_offset);
  if (cpu) cpu.value().gpr[unsigned(Gpr::rsi)] = boot_information_gpa;
  return cpu;
}

}  // namespace lockstitch::boot

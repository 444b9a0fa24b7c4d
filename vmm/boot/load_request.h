// What every loader is given: bytes and where memory is. The application reads the files.
#pragma once
#include <string_view>

#include "lockstitch/types.h"
#include "vmm/boot/memory_layout.h"

namespace lockstitch::boot {

struct LoadRequest {
  Bytes kernel{};
  Bytes initrd{};                   ///< empty: none; Multiboot and PVH pass it as their only module
  std::string_view command_line{};  ///< without a terminating zero
  MemoryMap memory_map{};           ///< Range: at most 32 regions
  Gpa rsdp = 0;                     ///< 0: no ACPI tables
};

inline constexpr std::size_t memory_map_max_regions = 32;

}  // namespace lockstitch::boot

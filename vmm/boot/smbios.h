// What the guest's firmware tells about the machine by SMBIOS: an entry point and tables, which the firmware moves.
// Source: DMTF DSP0134 2.8.
#pragma once
#include <array>
#include <cstdint>
#include <vector>

#include "vmm/boot/memory_layout.h"

namespace lockstitch::boot {

struct SmbiosRequest {
  MemoryMap memory_map{};
  std::array<std::uint8_t, 16> uuid{};
};

struct SmbiosFiles {
  std::vector<std::uint8_t> anchor;  ///< etc/smbios/smbios-anchor
  std::vector<std::uint8_t> tables;  ///< etc/smbios/smbios-tables
};

SmbiosFiles smbios_files(const SmbiosRequest& request);

}  // namespace lockstitch::boot

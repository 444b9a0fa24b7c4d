// All that firmware is told about the machine by the firmware configuration interface: numbered entries and files.
// Source: reference/platform.md 6.
#pragma once
#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "vmm/boot/acpi_tables.h"
#include "vmm/boot/memory_layout.h"

namespace lockstitch::boot {

struct FirmwareRequest {
  MemoryMap ram{};  ///< RAM only
  AcpiRequest acpi;
  std::array<std::uint8_t, 16> uuid{};
  std::vector<std::string> boot_order{};  ///< paths as SeaBIOS and OVMF know them, e.g. "/pci@i0cf8/scsi@4/disk@0,0"
  bool boot_menu = false;
};

struct FirmwareFiles {
  std::map<std::uint16_t, std::vector<std::uint8_t>> entries;  ///< by key, below 20h or from 8000h on
  std::map<std::string, std::vector<std::uint8_t>> files;
};

FirmwareFiles firmware_files(const FirmwareRequest& request);

}  // namespace lockstitch::boot

// ACPI tables for firmware: two files of tables and a third one with commands that tell firmware where to put them and
// what to add up. Not here: the tables (acpi_tables.h), how firmware reads files (devices/firmware/fw_cfg.h).
// Source: reference/platform.md appendix B.
#pragma once
#include <cstdint>
#include <vector>

#include "vmm/boot/acpi_tables.h"

namespace lockstitch::boot {

struct LoaderFiles {
  std::vector<std::uint8_t> tables;    ///< etc/acpi/tables
  std::vector<std::uint8_t> rsdp;      ///< etc/acpi/rsdp
  std::vector<std::uint8_t> commands;  ///< etc/table-loader
};

LoaderFiles loader_files(const AcpiRequest& request);

}  // namespace lockstitch::boot

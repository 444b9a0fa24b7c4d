// Our tables as a guest has them in memory, in each of the ways they get there, with the facts of the board.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "tests/unit/acpi/acpi_checker.h"
#include "vmm/boot/acpi_tables.h"

namespace lockstitch::acpi_check {

struct Configuration {
  unsigned cpus = 1;
  std::uint64_t memory_mib = 64;
  bool display = false;  ///< VGA, keyboard and mouse
  bool pvpanic = false;
  bool hpet = false;
  bool firmware = false;  ///< the board has what firmware needs
};

/// For messages.
std::string describe(const Configuration& configuration);
boot::AcpiRequest request_of(const Configuration& configuration);
BoardFacts board_of(const Configuration& configuration);

/// Bytes at guest-physical addresses.
struct PlacedTables {
  Gpa rsdp = 0;
  std::map<Gpa, std::vector<std::uint8_t>> memory;
  std::vector<MemoryRange> e820;
  BoardFacts board;

  /// Refers to this object.
  Tables tables() const;
  std::vector<std::string> check() const { return acpi_check::check(tables()); }
};

/// Without firmware: where vmm/boot puts them.
PlacedTables placed_directly(const Configuration& configuration);
/// As firmware does by the commands of etc/table-loader. `tables_at` and `rsdp_at` are the lowest places to take.
PlacedTables placed_by_firmware(const Configuration& configuration, Gpa tables_at, Gpa rsdp_at);

/// All tables but RSDP, RSDT, XSDT and FACS, in the order of the RSDT, the DSDT last.
std::vector<std::vector<std::uint8_t>> loose_tables(const PlacedTables& placed);

}  // namespace lockstitch::acpi_check

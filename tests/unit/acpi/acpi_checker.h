// Finds what a strict operating system would refuse in a set of ACPI tables: the list behind Windows' bug check A5h
// (ACPI_BIOS_ERROR), the rules of ACPI 6.3, and agreement with the board that the tables describe. What only shows when
// AML runs or a register is touched is not found. Source: reference/platform.md 1.2, 2.5, 3.1.
#pragma once
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lockstitch/types.h"

namespace lockstitch::acpi_check {

/// As INT 15h, function E820h, lists it.
struct MemoryRange {
  Gpa base = 0;
  std::uint64_t length = 0;
  unsigned type = 1;  ///< 1 usable, 2 reserved, 3 ACPI tables, 4 ACPI NVS
};

struct PortRange {
  unsigned first = 0, count = 0;
};

/// A PCI function, and the pin it interrupts by. Pin: 0 none, 1..4 INTA..INTD.
struct PciPlace {
  unsigned slot = 0, function = 0, pin = 0;
};

/// What is really there.
struct BoardFacts {
  unsigned cpus = 1;  ///< APIC ids 0..cpus-1
  Gpa ioapic = 0xfec0'0000, local_apic = 0xfee0'0000, hpet_gpa = 0xfed0'0000;
  unsigned ioapic_pins = 24;
  unsigned sci = 9;
  unsigned isa_bridge_slot = 1;
  std::vector<unsigned> level_irqs{5, 9, 10, 11};  ///< wired as level, active high
  bool keyboard = false, vga = false, hpet = false, pvpanic = false;
  std::vector<PciPlace> pci;
  std::vector<PortRange> ports;           ///< that answer, and those of PCI functions at fixed places
  std::vector<MemoryRange> board_memory;  ///< registers and ROM at fixed addresses; `type` has no meaning
};

struct Tables {
  Gpa rsdp = 0;
  /// Fewer bytes than asked for: there is no memory behind them.
  std::function<std::vector<std::uint8_t>(Gpa at, std::uint64_t length)> read;
  std::vector<MemoryRange> e820;
  BoardFacts board;
};

/// One sentence each, with the id of its rule in front: "fadt-sci: ...". Empty: nothing to complain about.
std::vector<std::string> check(const Tables& tables);

/// The ids of all rules.
std::vector<std::string_view> rules();

}  // namespace lockstitch::acpi_check

// Rules for the tables that are plain structures. Not here: the AML (namespace_rules.h).
#pragma once
#include <map>
#include <set>

#include "tests/unit/acpi/acpi_checker.h"
#include "tests/unit/acpi/findings.h"

namespace lockstitch::acpi_check {

/// FADT. Range: at least 116 bytes.
void check_fadt(Bytes fadt, const BoardFacts& board, Findings& findings);
/// What the MADT says that others have to agree with.
struct MadtContents {
  std::set<unsigned> processors;  ///< their ACPI ids
  std::set<unsigned> level_irqs;  ///< ISA interrupts overridden to level
  unsigned first_gsi = 0, gsis = 0;
};
MadtContents check_madt(Bytes madt, const BoardFacts& board, Findings& findings);
void check_hpet(Bytes hpet, const BoardFacts& board, Findings& findings);
void check_waet(Bytes waet, Findings& findings);

bool has_ports(const BoardFacts& board, std::uint64_t first, std::uint64_t count);

}  // namespace lockstitch::acpi_check

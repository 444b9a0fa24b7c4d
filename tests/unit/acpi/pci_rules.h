// Rules for the PCI root in AML: its windows, its interrupt routing and the link devices.
#pragma once
#include "tests/unit/acpi/acpi_checker.h"
#include "tests/unit/acpi/aml_reader.h"
#include "tests/unit/acpi/findings.h"
#include "tests/unit/acpi/fixed_table_rules.h"

namespace lockstitch::acpi_check {

void check_pci(const AmlNamespace& names, const MadtContents& madt, const Tables& tables, Findings& findings);

}  // namespace lockstitch::acpi_check

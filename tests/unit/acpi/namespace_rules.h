// Rules for what AML declares: the devices, their resources, the sleep states. Not here: the PCI root with its routing
// and links (pci_rules.h).
#pragma once
#include <set>

#include "tests/unit/acpi/acpi_checker.h"
#include "tests/unit/acpi/aml_reader.h"
#include "tests/unit/acpi/findings.h"
#include "tests/unit/acpi/resource_reader.h"

namespace lockstitch::acpi_check {

/// `processors`: the ACPI ids that the MADT lists.
void check_namespace(const AmlNamespace& names, const std::set<unsigned>& processors, const Tables& tables,
                     Findings& findings);

/// "PNP0A03" of a _HID or _CID in either form; empty: it is malformed.
std::string hardware_id(const AmlValue& value);
/// The devices with this _HID.
std::vector<const AmlObject*> devices_of(const AmlNamespace& names, std::string_view id);
/// What a _CRS or _PRS holds, as far as it is constant: itself, or the template that its method fills in.
const AmlValue* resource_value(const AmlNamespace& names, const AmlObject& object);
bool overlap(std::uint64_t first, std::uint64_t last, std::uint64_t other_first, std::uint64_t other_last);

}  // namespace lockstitch::acpi_check

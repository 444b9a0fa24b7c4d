// The ACPI tables of board PC-1: relocated and ready in memory for a guest that is entered without firmware, or as an
// image that firmware moves (table_loader.h). RSDP,
// RSDT, XSDT, FADT, FACS, MADT, WAET, DSDT and the SSDTs of processors and optional devices. The AML is compiled at
// build time from firmware/acpi. Not here: the registers behind the tables. Choices: the FADT has revision 3 (244
// bytes), the oldest with a reset register and X_ fields, which Windows XP and later and Linux take; both RSDT and XSDT
// list the same tables; FACS is named by its 32-bit field only. The tables stay in E0000-FFFFF, reserved in e820, where
// a scan finds the RSDP. Source: ACPI 6.3 chapters 5 and 19; ACPI 2.0 5.2.8 (FADT revision 3);
// reference/platform.md 3.1.
#pragma once
#include <vector>

#include "lockstitch/guest_memory.h"
#include "lockstitch/result.h"
#include "vmm/boot/memory_layout.h"

namespace lockstitch::boot {

struct AcpiRequest {
  unsigned cpus = 1;                 ///< Range: 1..255; APIC ids are 0..cpus-1
  Gpa low_ram_end = 0;               ///< where the PCI memory window starts. Range: up to C000'0000
  bool keyboard_controller = false;  ///< an i8042 is there
  bool vga = false;                  ///< a VGA display is there
  bool pvpanic = false;
  bool hpet = false;
};

/// Tables that lie behind each other, with room for an RSDP in front, and what has to be done when they move.
struct AcpiImage {
  struct Pointer {
    std::size_t at = 0;
    unsigned bytes = 0;  ///< 4 or 8
  };
  struct Sum {
    std::size_t at = 0, start = 0, length = 0;
  };
  std::vector<std::uint8_t> bytes;
  std::vector<Pointer> pointers;
  std::vector<Sum> sums;
  std::size_t rsdt_at = 0, xsdt_at = 0;
};

/// Complete but for the RSDP if it lies at `base`.
AcpiImage build_acpi_image(const AcpiRequest& request, Gpa base);
/// An RSDP of revision 2.
std::vector<std::uint8_t> acpi_root_pointer(Gpa rsdt, Gpa xsdt);

/// The image to be placed at acpi_tables_gpa; its first bytes are the RSDP.
std::vector<std::uint8_t> acpi_tables(const AcpiRequest& request);

/// Result: the address of the RSDP. Fails: E0000-FFFFF is not RAM.
Result<Gpa> store_acpi_tables(GuestMemory& memory, const AcpiRequest& request);

}  // namespace lockstitch::boot

// Which guest-physical addresses are what when no firmware runs: the e820 list made from the RAM size, and the fixed
// places in low memory that the loaders use. Not the bus: nothing is mapped here.
// Source: reference/platform.md 2.2, 3.1; ACPI 6.3 chapter 15 (address range types).
//
//   0'0000  interrupt vectors, BIOS data            free for the guest
//   0'6000  descriptor table of the entry state     entry_state.h
//   0'7000  boot_params, PVH or Multiboot information
//   0'9000  page tables of the entry state, 6 pages
//   2'0000  command line
//   9'FC00  EBDA                                    reserved, empty
//   A'0000  VGA window                              not RAM, not listed
//   C'0000  option ROMs                             not listed
//   E'0000  ACPI tables, RSDP first                 reserved; found by a scan for the RSDP as well as by pointer
//  10'0000  RAM up to low_ram_end, then the PCI window, then from 4 GiB the rest of the RAM
#pragma once
#include <optional>
#include <span>
#include <vector>

#include "lockstitch/result.h"
#include "lockstitch/types.h"

namespace lockstitch::boot {

inline constexpr Gpa entry_gdt_gpa = 0x6000;
inline constexpr Gpa boot_information_gpa = 0x7000;  ///< two pages
inline constexpr Gpa page_tables_gpa = 0x9000;
inline constexpr Gpa command_line_gpa = 0x2'0000;
inline constexpr Gpa ebda_gpa = 0x9'fc00;
inline constexpr Gpa acpi_tables_gpa = 0xe'0000;
inline constexpr std::uint64_t acpi_tables_max_bytes = 0x2'0000;
inline constexpr Gpa high_memory_gpa = 0x10'0000;
inline constexpr Gpa four_gib = 0x1'0000'0000;

/// The numbers are those of e820 and of ACPI.
enum class MemoryKind : std::uint32_t { usable = 1, reserved = 2 };

struct MemoryRegion {
  Gpa base = 0;
  std::uint64_t length = 0;
  MemoryKind kind = MemoryKind::usable;
};

struct MemoryLayout {
  Gpa low_ram_end = 0;                ///< first address after RAM below 4 GiB; the PCI window starts here
  std::uint64_t high_ram_bytes = 0;   ///< RAM from 4 GiB on
  std::vector<MemoryRegion> regions;  ///< Order: ascending, disjoint
};

/// Range: a multiple of 4 KiB within limits::memory_{min,max}_bytes. Fails: a size outside that.
Result<MemoryLayout> memory_layout(std::uint64_t ram_bytes);

using MemoryMap = std::span<const MemoryRegion>;

/// [base, base + length) lies in one usable region.
bool is_usable(MemoryMap map, Gpa base, std::uint64_t length);
/// The lowest `alignment`-aligned place of `length` usable bytes at or above `floor` and ending at or below `ceiling`.
/// Range: alignment is a power of two.
std::optional<Gpa> lowest_place(MemoryMap map, std::uint64_t length, std::uint64_t alignment, Gpa floor, Gpa ceiling);
/// The highest page-aligned such place.
std::optional<Gpa> highest_place(MemoryMap map, std::uint64_t length, Gpa floor, Gpa ceiling);

}  // namespace lockstitch::boot

// See memory_layout.h.
#include "vmm/boot/memory_layout.h"

#include <algorithm>

#include "lockstitch/limits.h"

namespace lockstitch::boot {

Result<MemoryLayout> memory_layout(std::uint64_t ram_bytes) {
  if (ram_bytes < limits::memory_min_bytes || ram_bytes > limits::memory_max_bytes) {
    return Error{ExitCode::usage, "the guest's memory must be between " +
                                      std::to_string(limits::memory_min_bytes >> 20) + " MiB and " +
                                      std::to_string(limits::memory_max_bytes >> 30) + " GiB"};
  }
  if (ram_bytes & page_mask) return Error{ExitCode::usage, "the guest's memory must be a multiple of 4 KiB"};

  MemoryLayout layout;
  layout.low_ram_end = std::min(ram_bytes, limits::low_ram_max_bytes);
  layout.high_ram_bytes = ram_bytes - layout.low_ram_end;
  layout.regions = {{0, ebda_gpa, MemoryKind::usable},
                    {ebda_gpa, 0xa'0000 - ebda_gpa, MemoryKind::reserved},
                    {acpi_tables_gpa, acpi_tables_max_bytes, MemoryKind::reserved}};
  if (layout.low_ram_end > high_memory_gpa)
    layout.regions.push_back({high_memory_gpa, layout.low_ram_end - high_memory_gpa, MemoryKind::usable});
  if (layout.high_ram_bytes != 0) layout.regions.push_back({four_gib, layout.high_ram_bytes, MemoryKind::usable});
  return layout;
}

bool is_usable(MemoryMap map, Gpa base, std::uint64_t length) {
  return std::any_of(map.begin(), map.end(), [&](const MemoryRegion& region) {
    return region.kind == MemoryKind::usable && base >= region.base && base - region.base <= region.length &&
           length <= region.length - (base - region.base);
  });
}

std::optional<Gpa> lowest_place(MemoryMap map, std::uint64_t length, std::uint64_t alignment, Gpa floor, Gpa ceiling) {
  for (const MemoryRegion& region : map) {
    if (region.kind != MemoryKind::usable) continue;
    const Gpa first = std::max(region.base, floor);
    const Gpa end = std::min(region.base + region.length, ceiling);
    const Gpa place = (first + alignment - 1) & ~(alignment - 1);
    if (place >= first && place <= end && length <= end - place) return place;
  }
  return std::nullopt;
}

std::optional<Gpa> highest_place(MemoryMap map, std::uint64_t length, Gpa floor, Gpa ceiling) {
  std::optional<Gpa> best;
  for (const MemoryRegion& region : map) {
    if (region.kind != MemoryKind::usable) continue;
    const Gpa first = std::max(region.base, floor);
    const Gpa end = std::min(region.base + region.length, ceiling);
    if (first > end || length > end - first) continue;
    const Gpa place = (end - length) & ~page_mask;
    if (place >= first && (!best || place > *best)) best = place;
  }
  return best;
}

}  // namespace lockstitch::boot

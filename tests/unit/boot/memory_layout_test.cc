// The e820 list and the search for free places.
#include "vmm/boot/memory_layout.h"

#include <doctest/doctest.h>

#include "lockstitch/limits.h"

using namespace lockstitch;
using namespace lockstitch::boot;

TEST_CASE("regions ascend, do not overlap and stay out of the windows, whatever the RAM size") {
  for (std::uint64_t mib : {1, 2, 3, 64, 1024, 3071, 3072, 3073, 4096, 65536}) {
    const auto result = memory_layout(mib << 20);
    REQUIRE(result.ok());
    const MemoryLayout& layout = result.value();
    Gpa end = 0;
    std::uint64_t usable = 0;
    for (const MemoryRegion& region : layout.regions) {
      CHECK(region.length > 0);
      CHECK(region.base >= end);
      end = region.base + region.length;
      CHECK((end <= 0xa'0000 || region.base >= 0xc'0000));            // VGA window
      CHECK((end <= layout.low_ram_end || region.base >= four_gib));  // PCI window, IOAPIC, LAPIC, ROM
      if (region.kind == MemoryKind::usable) usable += region.length;
    }
    CHECK(layout.low_ram_end <= limits::low_ram_max_bytes);
    CHECK(layout.low_ram_end + layout.high_ram_bytes == mib << 20);
    CHECK(usable == (mib << 20) - (0x10'0000 - ebda_gpa));
  }
}

TEST_CASE("a memory size outside the limits is refused in a sentence") {
  for (std::uint64_t bytes : {std::uint64_t{0}, limits::memory_min_bytes - 4096, limits::memory_max_bytes + 4096,
                              ~std::uint64_t{0}, (std::uint64_t{64} << 20) + 1}) {
    const auto result = memory_layout(bytes);
    REQUIRE(!result.ok());
    CHECK(result.error().code == ExitCode::usage);
    CHECK(result.error().text.size() > 20);
  }
}

TEST_CASE("the lowest place is aligned, inside the bounds and in usable memory") {
  const auto layout = memory_layout(64ull << 20).value();
  CHECK(lowest_place(layout.regions, 0x1000, 0x20'0000, high_memory_gpa, four_gib) == Gpa{0x20'0000});
  CHECK(lowest_place(layout.regions, 0x1000, 1, 0, four_gib) == Gpa{0});
  CHECK(lowest_place(layout.regions, 0xa'0000, 1, 0, four_gib) == Gpa{high_memory_gpa});
  CHECK(!lowest_place(layout.regions, 64ull << 20, 1, 0, four_gib));
  CHECK(!lowest_place(layout.regions, 0x2000, 1, 0x3ff'f000, four_gib));
  CHECK(!lowest_place(layout.regions, ~std::uint64_t{0}, 0x20'0000, 0, four_gib));
}

TEST_CASE("the highest place ends below the ceiling and is page-aligned") {
  const auto layout = memory_layout(64ull << 20).value();
  CHECK(highest_place(layout.regions, 0x1001, 0, four_gib) == Gpa{0x3ff'e000});
  CHECK(highest_place(layout.regions, 0x1000, 0, 0x200'0000) == Gpa{0x1ff'f000});
  CHECK(!highest_place(layout.regions, 0x1001, 0x3ff'f000, four_gib));
  CHECK(!highest_place(layout.regions, ~std::uint64_t{0}, 0, four_gib));
}

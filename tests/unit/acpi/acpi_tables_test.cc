// Our tables against the list of what a strict operating system refuses, for every machine they can describe.
#include <doctest/doctest.h>

#include "tests/unit/acpi/placed_tables.h"
#include "vmm/boot/memory_layout.h"

using namespace lockstitch;
using namespace lockstitch::acpi_check;

namespace {

std::vector<Configuration> all_configurations() {
  std::vector<Configuration> all;
  for (const unsigned cpus : {1u, 2u, 16u, 17u, 255u})
    for (const std::uint64_t mib : {64u, 1024u, 2047u, 3071u, 3072u, 3073u, 4096u, 8192u})
      for (unsigned bits = 0; bits < 16; ++bits)
        all.push_back({cpus, mib, (bits & 1) != 0, (bits & 2) != 0, (bits & 4) != 0, (bits & 8) != 0});
  return all;
}

void expect_nothing(const PlacedTables& placed) { CHECK(placed.check() == std::vector<std::string>{}); }

}  // namespace

TEST_CASE("tables placed without firmware give no strict system a reason to stop") {
  for (const Configuration& configuration : all_configurations()) {
    CAPTURE(describe(configuration));
    expect_nothing(placed_directly(configuration));
  }
}

TEST_CASE("tables moved by firmware give no strict system a reason to stop, wherever they land") {
  for (Configuration configuration : all_configurations()) {
    if (!configuration.firmware) continue;
    CAPTURE(describe(configuration));
    const Gpa end = boot::memory_layout(configuration.memory_mib << 20).value().low_ram_end;
    for (const Gpa at : {Gpa{0x10'0000}, end / 2 + 0x123, end - 0x1'0000}) {
      CAPTURE(at);
      for (const Gpa rsdp : {Gpa{0xe'0000}, Gpa{0xf'5a41}, Gpa{0xf'ffd0}})
        expect_nothing(placed_by_firmware(configuration, at, rsdp));
    }
  }
}

TEST_CASE("memory of any size leaves the window of the PCI root clear") {
  for (std::uint64_t mib = 1; mib <= 3200; mib += 37) {
    CAPTURE(mib);
    expect_nothing(placed_directly({.memory_mib = mib, .display = true}));
  }
}

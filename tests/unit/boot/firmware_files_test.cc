// What firmware is told, looked at as firmware does: it carries out the loader's commands and finds whole tables.
#include "vmm/boot/firmware_files.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <numeric>
#include <string>

#include "vmm/boot/little_endian.h"
#include "vmm/boot/smbios.h"
#include "vmm/boot/table_loader.h"

namespace lockstitch::boot {
namespace {

constexpr std::uint64_t mib = 1 << 20;
const std::array ram{MemoryRegion{0, 0xc000'0000}, MemoryRegion{four_gib, 512 * mib}};

std::uint8_t sum(Bytes bytes) {
  return std::accumulate(bytes.begin(), bytes.end(), std::uint8_t{0},
                         [](std::uint8_t a, std::uint8_t b) { return static_cast<std::uint8_t>(a + b); });
}

std::string text(Bytes bytes) {
  return std::string(bytes.begin(), std::find(bytes.begin(), bytes.end(), std::uint8_t{0}));
}

/// A loader as SeaBIOS and OVMF have one, each file at its own made-up address.
struct Loader {
  std::map<std::string, std::vector<std::uint8_t>> files;
  std::map<std::string, Gpa> places;
  Gpa next = 0x7fe0'0000;

  explicit Loader(const LoaderFiles& from) {
    files = {{"etc/acpi/tables", from.tables}, {"etc/acpi/rsdp", from.rsdp}};
    REQUIRE(from.commands.size() % 128 == 0);
    for (std::size_t at = 0; at < from.commands.size(); at += 128) run(Bytes(from.commands).subspan(at, 128));
  }
  void run(Bytes command) {
    const std::string file = text(command.subspan(4, 56));
    REQUIRE(files.contains(file));
    std::vector<std::uint8_t>& bytes = files[file];
    switch (get<std::uint32_t>(command, 0)) {
      case 1: {
        const auto alignment = get<std::uint32_t>(command, 60);
        CHECK(alignment >= 16);
        CHECK((command[64] == 1 || command[64] == 2));
        places[file] = next = (next + alignment) & ~Gpa{alignment - 1};
        next += bytes.size() + 0x123;
        break;
      }
      case 2: {
        const std::string target = text(command.subspan(60, 56));
        const auto offset = get<std::uint32_t>(command, 116);
        const unsigned width = command[120];
        REQUIRE(places.contains(target));
        REQUIRE((width == 4 || width == 8));
        REQUIRE(offset + width <= bytes.size());
        const std::uint64_t old = width == 4 ? get<std::uint32_t>(bytes, offset) : get<std::uint64_t>(bytes, offset);
        REQUIRE(old < files[target].size());
        if (width == 4)
          put<std::uint32_t>(bytes, offset, old + places[target]);
        else
          put<std::uint64_t>(bytes, offset, old + places[target]);
        break;
      }
      case 3: {
        const auto result = get<std::uint32_t>(command, 60), start = get<std::uint32_t>(command, 64),
                   length = get<std::uint32_t>(command, 68);
        REQUIRE(start + length <= bytes.size());
        CHECK(bytes[result] == 0);  // OVMF adds up what it finds there
        bytes[result] = static_cast<std::uint8_t>(-sum(Bytes(bytes).subspan(start, length)));
        break;
      }
      default:
        FAIL("a command that firmware does not know");
    }
  }
  Bytes table(Gpa gpa) const {
    const std::vector<std::uint8_t>& bytes = files.at("etc/acpi/tables");
    const Gpa base = places.at("etc/acpi/tables");
    REQUIRE(gpa >= base);
    REQUIRE(gpa - base + 36 <= bytes.size());
    return Bytes(bytes).subspan(gpa - base, get<std::uint32_t>(bytes, gpa - base + 4));
  }
};

}  // namespace

TEST_CASE("after the loader's commands every table is found from the RSDP, whole, whatever the addresses") {
  for (const bool all : {false, true}) {
    const Loader loader(loader_files(
        {.low_ram_end = 0xc000'0000, .keyboard_controller = all, .vga = all, .pvpanic = all, .hpet = all}));
    const std::vector<std::uint8_t>& rsdp = loader.files.at("etc/acpi/rsdp");
    CHECK(sum(Bytes(rsdp).first(20)) == 0);
    CHECK(sum(rsdp) == 0);
    const Bytes rsdt = loader.table(get<std::uint32_t>(rsdp, 16)), xsdt = loader.table(get<std::uint64_t>(rsdp, 24));
    CHECK(sum(rsdt) == 0);
    CHECK(sum(xsdt) == 0);
    CHECK((rsdt.size() - 36) / 4 == (all ? 7 : 4));
    for (std::size_t i = 0; i < (rsdt.size() - 36) / 4; ++i) {
      const Gpa at = get<std::uint32_t>(rsdt, 36 + 4 * i);
      CHECK(at == get<std::uint64_t>(xsdt, 36 + 8 * i));
      const Bytes table = loader.table(at);
      CAPTURE(std::string(table.begin(), table.begin() + 4));
      CHECK(sum(table) == 0);
      if (table[0] != 'F') continue;
      const Bytes dsdt = loader.table(get<std::uint32_t>(table, 40));
      CHECK(std::string(dsdt.begin(), dsdt.begin() + 4) == "DSDT");
      CHECK(sum(dsdt) == 0);
      CHECK(get<std::uint64_t>(table, 140) == get<std::uint32_t>(table, 40));
      const Gpa facs = get<std::uint32_t>(table, 36);
      CHECK(facs % 64 == 0);
      CHECK(loader.table(facs).size() == 64);
    }
  }
}

TEST_CASE("firmware is told of RAM only, of one processor, and of no sleep but off") {
  const FirmwareFiles all =
      firmware_files({.ram = ram, .acpi = {.low_ram_end = 0xc000'0000}, .boot_order = {"/a", "/b"}});
  const std::vector<std::uint8_t>& e820 = all.files.at("etc/e820");
  REQUIRE(e820.size() == 40);
  CHECK(get<std::uint64_t>(e820, 8) == 0xc000'0000);
  CHECK(get<std::uint32_t>(e820, 16) == 1);
  CHECK(get<std::uint64_t>(e820, 20) == four_gib);
  CHECK(all.entries.at(0) == std::vector<std::uint8_t>{'Q', 'E', 'M', 'U'});
  CHECK(get<std::uint64_t>(all.entries.at(3), 0) == 0xc000'0000 + 512 * mib);
  CHECK(get<std::uint16_t>(all.entries.at(5), 0) == 1);
  const std::vector<std::uint8_t>& states = all.files.at("etc/system-states");
  CHECK((states[3] & 0x80) == 0);
  CHECK((states[4] & 0x80) == 0);
  CHECK((states[5] & 0x80) != 0);
  CHECK(text(all.files.at("bootorder")) == "/a\n/b");
  CHECK(get<std::uint16_t>(all.files.at("etc/show-boot-menu"), 0) == 0);
  CHECK(!firmware_files({.ram = ram, .acpi = {.low_ram_end = 0xc000'0000}}).files.contains("bootorder"));
}

TEST_CASE("the SMBIOS entry point and its structures add up, and the structures end where they should") {
  const SmbiosFiles files = smbios_files({ram, {1, 2, 3}});
  REQUIRE(files.anchor.size() == 31);
  CHECK(sum(files.anchor) == 0);
  CHECK(sum(Bytes(files.anchor).subspan(16)) == 0);
  CHECK(get<std::uint16_t>(files.anchor, 22) == files.tables.size());
  std::vector<unsigned> types;
  std::size_t largest = 0, at = 0;
  while (at < files.tables.size()) {
    types.push_back(files.tables[at]);
    std::size_t end = at + files.tables[at + 1];
    while (end + 1 < files.tables.size() && (files.tables[end] != 0 || files.tables[end + 1] != 0)) ++end;
    REQUIRE(end + 2 <= files.tables.size());
    largest = std::max(largest, end + 2 - at);
    at = end + 2;
  }
  CHECK(types == std::vector<unsigned>{1, 3, 4, 16, 17, 19, 19, 32, 127});
  CHECK(get<std::uint16_t>(files.anchor, 28) == types.size());
  CHECK(get<std::uint16_t>(files.anchor, 8) == largest);
  // Lengths of the formatted parts are those of version 2.8.
  std::map<unsigned, unsigned> lengths{{1, 27}, {3, 22}, {4, 42}, {16, 23}, {17, 40}, {19, 31}, {32, 11}, {127, 4}};
  at = 0;
  for (const unsigned type : types) {
    CAPTURE(type);
    CHECK(files.tables[at + 1] == lengths[type]);
    std::size_t end = at + files.tables[at + 1];
    while (files.tables[end] != 0 || files.tables[end + 1] != 0) ++end;
    at = end + 2;
  }
}

}  // namespace lockstitch::boot

// The ACPI tables as a guest walks them, and the rules of reference/platform.md 1.2 that concern tables.
#include "vmm/boot/acpi_tables.h"

#include <doctest/doctest.h>

#include <cstdio>
#include <fstream>
#include <map>
#include <set>
#include <sstream>

#include "tests/unit/boot/flat_memory.h"
#include "vmm/boot/little_endian.h"

using namespace lockstitch;
using namespace lockstitch::boot;

namespace {

std::uint8_t sum(Bytes bytes) {
  unsigned total = 0;
  for (const auto byte : bytes) total += byte;
  return static_cast<std::uint8_t>(total);
}

std::string name_of(Bytes table) { return {table.begin(), table.begin() + 4}; }

/// The image and its tables by signature, found as a guest finds them.
struct Walk {
  std::vector<std::uint8_t> image;
  std::multimap<std::string, Bytes> tables;
  std::vector<Gpa> rsdt, xsdt;

  explicit Walk(const AcpiRequest& request) : image(acpi_tables(request)) {
    const Bytes rsdp = Bytes(image).first(36);
    const Bytes short_root = table_at(get<std::uint32_t>(rsdp, 16));
    const Bytes long_root = table_at(get<std::uint64_t>(rsdp, 24));
    REQUIRE(name_of(short_root) == "RSDT");
    REQUIRE(name_of(long_root) == "XSDT");
    for (std::size_t at = 36; at < short_root.size(); at += 4) rsdt.push_back(get<std::uint32_t>(short_root, at));
    for (std::size_t at = 36; at < long_root.size(); at += 8) xsdt.push_back(get<std::uint64_t>(long_root, at));
    for (const Gpa gpa : xsdt) add(gpa);
    add(get<std::uint32_t>(one("FACP"), 40));
  }

  Bytes at(Gpa gpa) const {
    REQUIRE(gpa >= acpi_tables_gpa);
    REQUIRE(gpa - acpi_tables_gpa + 36 <= image.size());
    return Bytes(image).subspan(gpa - acpi_tables_gpa);
  }
  Bytes table_at(Gpa gpa) const {
    const Bytes rest = at(gpa);
    const auto length = get<std::uint32_t>(rest, 4);
    REQUIRE(length >= 36);
    REQUIRE(length <= rest.size());
    return rest.first(length);
  }
  void add(Gpa gpa) {
    const Bytes table = table_at(gpa);
    tables.emplace(name_of(table), table);
  }
  Bytes one(const std::string& name) const {
    REQUIRE(tables.count(name) == 1);
    return tables.find(name)->second;
  }
};

/// Writes a table to a file and returns what iasl makes of it; empty if iasl is not there.
std::string disassembled(Bytes table, const std::string& name) {
  const std::string base = std::string(LOCKSTITCH_BINARY_DIR) + "/unit_boot_" + name;
  std::ofstream(base + ".aml", std::ios::binary).write(reinterpret_cast<const char*>(table.data()), table.size());
  std::remove((base + ".dsl").c_str());
  if (std::system(("iasl -vs -d " + base + ".aml >" + base + ".log 2>&1").c_str()) != 0) return {};
  std::stringstream text;
  text << std::ifstream(base + ".dsl").rdbuf();
  return text.str();
}

}  // namespace

TEST_CASE("the RSDP starts the image, is 16-byte aligned and both its sums are zero") {
  const Walk walk({.low_ram_end = 64 << 20});
  CHECK(std::string(walk.image.begin(), walk.image.begin() + 8) == "RSD PTR ");
  CHECK(acpi_tables_gpa % 16 == 0);
  CHECK(sum(Bytes(walk.image).first(20)) == 0);
  CHECK(sum(Bytes(walk.image).first(36)) == 0);
}

TEST_CASE("every table has a right length and sum, and RSDT and XSDT agree, for any number of CPUs") {
  for (const unsigned cpus : {1u, 2u, 100u, 255u}) {
    const Walk walk({.cpus = cpus, .low_ram_end = 0xc000'0000, .keyboard_controller = true, .vga = true});
    CHECK(walk.rsdt == walk.xsdt);
    for (const auto& [name, table] : walk.tables) {
      CAPTURE(name);
      CHECK(sum(table) == 0);
      CHECK(std::string(table.begin() + 10, table.begin() + 16) == "LOCKST");
    }
    CHECK(walk.tables.count("SSDT") == 1);
    CHECK(walk.image.size() <= acpi_tables_max_bytes);
  }
}

TEST_CASE("the FADT names the PIIX4 registers, the SCI, the reset register and nothing that is absent") {
  const Walk walk({.low_ram_end = 64 << 20});
  const Bytes fadt = walk.one("FACP");
  REQUIRE(fadt.size() == 244);
  CHECK(fadt[8] == 3);
  CHECK(get<std::uint16_t>(fadt, 46) == 9);
  CHECK(get<std::uint32_t>(fadt, 48) == 0xb2);
  CHECK(fadt[52] == 0xf1);
  CHECK(fadt[53] == 0xf0);
  CHECK(get<std::uint32_t>(fadt, 56) == 0x600);
  CHECK(get<std::uint32_t>(fadt, 64) == 0x604);
  CHECK(get<std::uint32_t>(fadt, 76) == 0x608);
  CHECK(get<std::uint32_t>(fadt, 80) == 0xafe0);
  CHECK((get<std::uint32_t>(fadt, 112) & 0x10) == 0);       // fixed power button
  CHECK((get<std::uint32_t>(fadt, 112) & 0x10'0000) == 0);  // not hardware-reduced
  CHECK(get<std::uint16_t>(fadt, 109) == 0x5);
  CHECK(get<std::uint64_t>(fadt, 120) == 0xcf9);
  CHECK(fadt[128] == 6);
  // The extended fields name the same places.
  CHECK(get<std::uint64_t>(fadt, 140) == get<std::uint32_t>(fadt, 40));
  CHECK(get<std::uint64_t>(fadt, 152) == 0x600);
  CHECK(get<std::uint64_t>(fadt, 176) == 0x604);
  CHECK(get<std::uint64_t>(fadt, 212) == 0x608);
  CHECK(get<std::uint64_t>(fadt, 224) == 0xafe0);
  const Gpa facs = get<std::uint32_t>(fadt, 36);
  CHECK(facs % 64 == 0);
  CHECK(name_of(walk.at(facs)) == "FACS");
  CHECK(get<std::uint32_t>(walk.at(facs), 4) == 64);
  const Walk with_all({.low_ram_end = 64 << 20, .keyboard_controller = true, .vga = true});
  CHECK(get<std::uint16_t>(with_all.one("FACP"), 109) == 0x3);
}

TEST_CASE("the MADT lists each CPU once, one IOAPIC, and the level interrupts as active high") {
  const Walk walk({.cpus = 3, .low_ram_end = 64 << 20});
  const Bytes madt = walk.one("APIC");
  CHECK(get<std::uint32_t>(madt, 36) == 0xfee0'0000);
  CHECK(get<std::uint32_t>(madt, 40) == 1);
  std::set<unsigned> cpus;
  std::map<unsigned, std::pair<unsigned, unsigned>> overrides;
  unsigned ioapics = 0, nmis = 0;
  for (std::size_t at = 44; at < madt.size(); at += madt[at + 1]) {
    REQUIRE(madt[at + 1] >= 6);
    REQUIRE(at + madt[at + 1] <= madt.size());
    switch (madt[at]) {
      case 0:
        CHECK(cpus.insert(madt[at + 3]).second);
        break;
      case 1:
        ++ioapics;
        CHECK(madt[at + 2] == 0);
        CHECK(get<std::uint32_t>(madt, at + 4) == 0xfec0'0000);
        CHECK(get<std::uint32_t>(madt, at + 8) == 0);
        break;
      case 2:
        overrides[madt[at + 3]] = {get<std::uint32_t>(madt, at + 4), get<std::uint16_t>(madt, at + 8)};
        break;
      case 4:
        ++nmis;
        CHECK(madt[at + 2] == 0xff);
        CHECK(madt[at + 5] == 1);
        break;
      default:
        FAIL("an entry nobody asked for");
    }
  }
  CHECK(cpus == std::set<unsigned>{0, 1, 2});
  CHECK(ioapics == 1);
  CHECK(nmis == 1);
  CHECK(overrides.size() == 5);
  CHECK(overrides[0] == std::pair{2u, 0u});
  for (const unsigned irq : {5u, 9u, 10u, 11u}) CHECK(overrides[irq] == std::pair{irq, 0xdu});
  for (const auto& [irq, target] : overrides) CHECK(target.first < 24);
}

TEST_CASE("the PCI memory window in the DSDT starts at the end of low RAM and overlaps no e820 region") {
  for (const std::uint64_t mib : {1ull, 64ull, 3072ull, 8192ull}) {
    const auto layout = memory_layout(mib << 20).value();
    const Walk walk({.low_ram_end = layout.low_ram_end});
    const Bytes dsdt = walk.one("DSDT");
    unsigned windows = 0;
    for (std::size_t at = 36; at + 26 <= dsdt.size(); ++at) {
      if (dsdt[at] != 0x87 || dsdt[at + 1] != 0x17 || dsdt[at + 2] != 0) continue;  // DWord address space, memory
      ++windows;
      const std::uint64_t first = get<std::uint32_t>(dsdt, at + 10), last = get<std::uint32_t>(dsdt, at + 14);
      CHECK(get<std::uint32_t>(dsdt, at + 22) == last - first + 1);
      CHECK(last < 0xfec0'0000);
      for (const MemoryRegion& region : layout.regions)
        CHECK((region.base > last || region.base + region.length <= first));
      if (windows == 2) CHECK(first == layout.low_ram_end);
    }
    CHECK(windows == 2);
  }
}

TEST_CASE("every PCI route is for a whole slot and names a link that can be switched off") {
  const Walk walk({.low_ram_end = 64 << 20});
  const std::string text = disassembled(walk.one("DSDT"), "dsdt");
  if (text.empty()) {
    MESSAGE("skipped: iasl is not there");
    return;
  }
  for (const char* link : {"LNKA", "LNKB", "LNKC", "LNKD", "LNKS"}) {
    const auto device = text.find("Device (" + std::string(link) + ")");
    REQUIRE(device != text.npos);
    const auto next = text.find("Device (", device + 1);
    for (const char* method : {"_PRS", "_CRS", "_SRS", "_DIS", "_STA", "_HID"}) {
      CAPTURE(link);
      CAPTURE(method);
      const auto found = text.find(method, device);
      CHECK(found < next);
    }
  }
  // Each route is a package of four: slot and FFFFh, pin, link, zero.
  auto at = text.find("_PRT");
  REQUIRE(at != text.npos);
  unsigned routes = 0;
  for (at = text.find("Package (0x04)", at); at != text.npos && at < text.find("Device (ISA)");
       at = text.find("Package (0x04)", at + 1)) {
    ++routes;
    const std::string route = text.substr(at, text.find('}', at) - at);
    CHECK(route.find("FFFF,") != route.npos);
    CHECK(route.find("LNK") != route.npos);
  }
  CHECK(routes == 31 * 4);
  CHECK(text.find("_S5") != text.npos);
  CHECK(text.find("_S3") == text.npos);
}

TEST_CASE("the table of processors disassembles to one object per CPU") {
  const Walk walk({.cpus = 18, .low_ram_end = 64 << 20});
  const std::string text = disassembled(walk.one("SSDT"), "ssdt");
  if (text.empty()) {
    MESSAGE("skipped: iasl is not there");
    return;
  }
  unsigned count = 0;
  for (auto at = text.find("Processor ("); at != text.npos; at = text.find("Processor (", at + 1)) ++count;
  CHECK(count == 18);
  CHECK(text.find("Processor (CP11, 0x11, 0x00000000, 0x00)") != text.npos);
}

TEST_CASE("keyboard and mouse are declared, in the DSDT where SeaBIOS looks, only when there is a controller") {
  const auto declared = [](const AcpiRequest& request) {
    const Walk walk(request);
    const Bytes dsdt = walk.one("DSDT");
    static constexpr std::array<std::uint8_t, 4> keyboard{0x41, 0xd0, 0x03, 0x03};  // PNP0303 as EISA writes it
    return std::search(dsdt.begin(), dsdt.end(), keyboard.begin(), keyboard.end()) != dsdt.end();
  };
  CHECK(!declared({.low_ram_end = 64 << 20}));
  CHECK(declared({.low_ram_end = 64 << 20, .keyboard_controller = true}));
}

TEST_CASE("the crash port and the HPET have tables only when they are there") {
  const Walk without({.low_ram_end = 64 << 20});
  CHECK(without.tables.count("HPET") == 0);
  const Walk with({.low_ram_end = 64 << 20, .pvpanic = true, .hpet = true});
  CHECK(with.tables.count("SSDT") == 3);
  CHECK(get<std::uint64_t>(with.one("HPET"), 44) == 0xfed0'0000);
  for (const auto& [name, table] : with.tables) CHECK(sum(table) == 0);
}

TEST_CASE("tables that cannot be stored are an error, not silence") {
  FlatMemory memory(0xf'0000);
  CHECK(store_acpi_tables(memory, {.cpus = 200, .low_ram_end = 0xf'0000}).ok());
  FlatMemory small(0xe'0800);
  const auto result = store_acpi_tables(small, {.low_ram_end = 0xf'0000});
  REQUIRE(!result.ok());
  CHECK(result.error().text.find("ACPI") != std::string::npos);
}

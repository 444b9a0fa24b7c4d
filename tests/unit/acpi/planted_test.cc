// For every rule of the checker, something that breaks it: the checker must name it.
#include <doctest/doctest.h>

#include <algorithm>
#include <functional>
#include <set>

#include "tests/unit/acpi/separate_tables.h"
#include "vmm/boot/little_endian.h"

using namespace lockstitch;
using namespace lockstitch::acpi_check;
using namespace lockstitch::acpi_check::aml;

namespace {

using Set = SeparateTables;
const Configuration full{.cpus = 2, .memory_mib = 64, .display = true, .pvpanic = true, .hpet = true, .firmware = true};

struct Planted {
  std::string rule;
  std::string says;  ///< part of the finding
  std::function<void(Set&)> plant;
};

Code bytes_of(const char* text) { return Code(text, text + std::char_traits<char>::length(text)); }

/// The offset of the first address of the DSDT's high memory window: DWord, memory, not cacheable.
std::size_t high_window(Set& set) {
  static constexpr std::array<std::uint8_t, 6> start{0x87, 0x17, 0x00, 0x00, 0x0c, 0x01};
  const Set::Table& dsdt = set.table("DSDT");
  const auto found = std::search(dsdt.begin(), dsdt.end(), start.begin(), start.end());
  REQUIRE(found != dsdt.end());
  return found - dsdt.begin() + 10;
}

void move_window(Set& set, std::uint32_t first, std::uint32_t last) {
  const std::size_t at = high_window(set);
  set.set<std::uint32_t>("DSDT", at, first);
  set.set<std::uint32_t>("DSDT", at + 4, last);
  set.set<std::uint32_t>("DSDT", at + 12, last - first + 1);
}

/// The offset in the MADT of an entry of a type; of an override: of an interrupt.
std::size_t madt_entry(Set& set, unsigned type, unsigned irq = 0) {
  const Set::Table& madt = set.table("APIC");
  for (std::size_t at = 44; at < madt.size(); at += madt[at + 1])
    if (madt[at] == type && (type != 2 || madt[at + 3] == irq)) return at;
  FAIL("no such entry");
  return 0;
}

void add_device(Set& set, const Code& contents) { set.add_ssdt("PLANTED", scope("\\_SB_", device("XDEV", contents))); }

Code some_device() { return name("_HID", text("ABCD0001")); }

std::vector<Planted> to_the_tables() {
  return {
      {"rsdp-signature", "is not at E0000h", [](Set& s) { s.rsdp()[0] = 'X'; }},
      {"rsdp-checksum", "first 20 bytes", [](Set& s) { s.rsdp()[8] ^= 1; }},
      {"rsdp-checksum", "RSDP extended checksum", [](Set& s) { s.rsdp()[32] ^= 1; }},
      {"rsdp-place", "RSDP is at E0208h",
       [](Set& s) {
         s.placed().memory[0xe'0208] = s.rsdp();
         s.placed().rsdp = 0xe'0208;
       }},
      {"rsdp-revision", "revision 0",
       [](Set& s) {
         s.rsdp()[15] = 0;
         s.finish_rsdp();
       }},
      {"rsdp-revision", "length 20",
       [](Set& s) {
         s.rsdp()[20] = 20;
         s.finish_rsdp();
       }},
      {"rsdp-oem", "OEM id",
       [](Set& s) {
         s.rsdp()[9] = 7;
         s.finish_rsdp();
       }},
      {"root-signature", "it is a RSDX", [](Set& s) { s.set<std::uint8_t>("RSDT", 3, 'X'); }},
      {"root-signature", "it is a XSDT of revision 2", [](Set& s) { s.set<std::uint8_t>("XSDT", 8, 2); }},
      {"root-length", "RSDT has",
       [](Set& s) {
         s.table("RSDT").resize(s.table("RSDT").size() + 2);
         s.finish("RSDT");
       }},
      {"root-agrees", "XSDT",
       [](Set& s) {
         s.table("XSDT").resize(s.table("XSDT").size() - 8);
         s.finish("XSDT");
       }},
      {"root-entries", "the address 0h",
       [](Set& s) {
         s.set<std::uint32_t>("RSDT", 36, 0);
         s.set<std::uint64_t>("XSDT", 36, 0);
       }},
      {"root-entries", "was there before",
       [](Set& s) { s.set<std::uint32_t>("RSDT", 36, boot::get<std::uint32_t>(s.table("RSDT"), 40)); }},
      {"table-checksum", "FACP", [](Set& s) { s.table("FACP")[9] ^= 1; }},
      {"table-checksum", "DSDT", [](Set& s) { ++s.table("DSDT")[40]; }},
      {"table-length", "APIC at",
       [](Set& s) {
         s.table("APIC")[4] ^= 1;
         s.table("APIC").resize(40);
       }},
      {"table-length", "length of 20", [](Set& s) { boot::put<std::uint32_t>(s.table("WAET"), 4, 20); }},
      {"table-length", "No memory at",
       [](Set& s) {
         s.set<std::uint32_t>("RSDT", 36, 0x1234'0000);
         s.set<std::uint64_t>("XSDT", 36, 0x1234'0000);
       }},
      {"table-signature", "the DSDT", [](Set& s) { s.set<std::uint8_t>("DSDT", 0, 'd'); }},
      {"table-oem", "WAET has the OEM id \"XOCKST\"", [](Set& s) { s.set<std::uint8_t>("WAET", 10, 'X'); }},
      {"table-place", "does not set aside",
       [](Set& s) {
         for (MemoryRange& range : s.placed().e820)
           if (range.base == 0xe'0000) range.type = 1;
       }},
      {"table-overlap", "DSDT at E1400h overlaps WAET",
       [](Set& s) {
         const Set::Table waet = s.table("WAET");
         Set::Table& dsdt = s.table("DSDT");
         for (const auto& [at, bytes] : s.placed().memory) {
           if (&bytes != &dsdt) continue;
           s.set<std::uint32_t>("RSDT", 44, static_cast<std::uint32_t>(at + dsdt.size()));
           s.set<std::uint64_t>("XSDT", 52, at + dsdt.size());
         }
         dsdt.insert(dsdt.end(), waet.begin(), waet.end());
         s.finish("DSDT");
       }},
      {"table-required", "APIC is not among", [](Set& s) { s.set<std::uint8_t>("APIC", 3, 'X'); }},
      {"table-required", "FACP is not among", [](Set& s) { s.set<std::uint8_t>("FACP", 3, 'X'); }},
      {"table-twice", "WAET is there twice", [](Set& s) { s.add(s.table("WAET")); }},
      {"table-twice", "OEM table ids", [](Set& s) { s.add_ssdt("LSPC-1", {}); }},
      {"e820-overlap", "E0000h",
       [](Set& s) {
         s.placed().e820.push_back({0xe'8000, 0x1000, 2});
       }},
  };
}

std::vector<Planted> in_plain_tables() {
  return {
      {"fadt-length", "revision 5 has 244", [](Set& s) { s.set<std::uint8_t>("FACP", 8, 5); }},
      {"fadt-length", "revision 9", [](Set& s) { s.set<std::uint8_t>("FACP", 8, 9); }},
      {"fadt-length", "has 100 bytes",
       [](Set& s) {
         s.table("FACP").resize(100);
         s.finish("FACP");
       }},
      {"fadt-dsdt", "DSDT is 0", [](Set& s) { s.set<std::uint32_t>("FACP", 40, 0); }},
      {"fadt-dsdt", "where there is none", [](Set& s) { s.set<std::uint8_t>("DSDT", 0, 'X'); }},
      {"fadt-x-agrees", "X_DSDT", [](Set& s) { s.set<std::uint64_t>("FACP", 140, 0xf'ff00); }},
      {"fadt-x-agrees", "X_PM_TMR_BLK is B008h", [](Set& s) { s.set<std::uint64_t>("FACP", 212, 0xb008); }},
      {"fadt-x-agrees", "X_PM1a_EVT_BLK is 16 bits", [](Set& s) { s.set<std::uint8_t>("FACP", 149, 16); }},
      {"fadt-x-agrees", "X_PM1a_CNT_BLK is in address space 0h", [](Set& s) { s.set<std::uint8_t>("FACP", 172, 0); }},
      {"fadt-x-agrees", "X_GPE0_BLK is 0", [](Set& s) { s.set<std::uint64_t>("FACP", 224, 0); }},
      {"fadt-facs", "there is no FACS", [](Set& s) { s.set<std::uint32_t>("FACP", 36, 0xe'0060); }},
      {"fadt-facs", "length 24", [](Set& s) { s.table("FACS")[4] = 24; }},
      {"fadt-facs", "FACS at E0220h",
       [](Set& s) {
         s.placed().memory[0xe'0220] = s.table("FACS");
         s.set<std::uint32_t>("FACP", 36, 0xe'0220);
       }},
      {"fadt-sci", "SCI_INT is 24", [](Set& s) { s.set<std::uint16_t>("FACP", 46, 24); }},
      {"fadt-enable", "SMI_CMD is B4h", [](Set& s) { s.set<std::uint32_t>("FACP", 48, 0xb4); }},
      {"fadt-enable", "SMI_CMD is 0", [](Set& s) { s.set<std::uint32_t>("FACP", 48, 0); }},
      {"fadt-enable", "ACPI_ENABLE is 0h", [](Set& s) { s.set<std::uint8_t>("FACP", 52, 0); }},
      {"fadt-blocks", "PM_TMR_BLK is 0",
       [](Set& s) {
         s.set<std::uint32_t>("FACP", 76, 0);
         s.set<std::uint64_t>("FACP", 212, 0);
       }},
      {"fadt-blocks", "PM1a_EVT_BLK has a length of 2", [](Set& s) { s.set<std::uint8_t>("FACP", 88, 2); }},
      {"fadt-blocks", "PM1a_CNT_BLK is 605h", [](Set& s) { s.set<std::uint32_t>("FACP", 64, 0x605); }},
      {"fadt-ports", "PM_TMR_BLK is B008h", [](Set& s) { s.set<std::uint32_t>("FACP", 76, 0xb008); }},
      {"fadt-overlap", "PM1a_CNT_BLK at 602h overlaps PM1a_EVT_BLK",
       [](Set& s) { s.set<std::uint32_t>("FACP", 64, 0x602); }},
      {"fadt-flags", "bit 20", [](Set& s) { s.set<std::uint8_t>("FACP", 114, 0x10); }},
      {"fadt-flags", "bit 4", [](Set& s) { s.set<std::uint8_t>("FACP", 112, 0x35); }},
      {"fadt-flags", "bit 0", [](Set& s) { s.set<std::uint8_t>("FACP", 112, 0x24); }},
      {"fadt-flags", "bit 8", [](Set& s) { s.set<std::uint8_t>("FACP", 113, 0x85); }},
      {"fadt-boot-arch", "8042", [](Set& s) { s.placed().board.keyboard = false; }},
      {"fadt-boot-arch", "VGA is absent", [](Set& s) { s.set<std::uint8_t>("FACP", 109, 7); }},
      {"fadt-boot-arch", "ISA devices", [](Set& s) { s.set<std::uint8_t>("FACP", 109, 2); }},
      {"fadt-reset", "RESET_REG is CF7h", [](Set& s) { s.set<std::uint64_t>("FACP", 120, 0xcf7); }},
      {"fadt-reset", "16 bits wide", [](Set& s) { s.set<std::uint8_t>("FACP", 117, 16); }},
      {"fadt-latency", "P_LVL2_LAT is 10", [](Set& s) { s.set<std::uint16_t>("FACP", 96, 10); }},
      {"fadt-rtc", "80h", [](Set& s) { s.set<std::uint8_t>("FACP", 108, 0x80); }},
      {"madt-entries", "length of 0", [](Set& s) { s.set<std::uint8_t>("APIC", madt_entry(s, 4) + 1, 0); }},
      {"madt-entries", "it must have 6",
       [](Set& s) {
         s.table("APIC").resize(s.table("APIC").size() + 2);
         s.set<std::uint8_t>("APIC", madt_entry(s, 4) + 1, 8);
       }},
      {"madt-entries", "type 9h",
       [](Set& s) {
         Set::Table& madt = s.table("APIC");
         madt.push_back(9);
         madt.push_back(16);
         madt.resize(madt.size() + 14);
         s.finish("APIC");
       }},
      {"madt-entries", "44 come before",
       [](Set& s) {
         s.table("APIC").resize(40);
         s.finish("APIC");
       }},
      {"madt-local-apic", "FEE01000h", [](Set& s) { s.set<std::uint32_t>("APIC", 36, 0xfee0'1000); }},
      {"madt-flags", "flags are 0h", [](Set& s) { s.set<std::uint32_t>("APIC", 40, 0); }},
      {"madt-processors", "may be there once", [](Set& s) { s.set<std::uint8_t>("APIC", madt_entry(s, 0) + 3, 1); }},
      {"madt-processors", "1 enabled", [](Set& s) { s.set<std::uint32_t>("APIC", madt_entry(s, 0) + 4, 0); }},
      {"madt-ioapic", "FEC01000h", [](Set& s) { s.set<std::uint32_t>("APIC", madt_entry(s, 1) + 4, 0xfec0'1000); }},
      {"madt-ioapic", "GSI 16", [](Set& s) { s.set<std::uint32_t>("APIC", madt_entry(s, 1) + 8, 16); }},
      {"madt-ioapic", "0 IOAPICs",
       [](Set& s) {
         Set::Table& madt = s.table("APIC");
         const auto at = madt.begin() + static_cast<std::ptrdiff_t>(madt_entry(s, 1));
         madt.erase(at, at + 12);
         s.finish("APIC");
       }},
      {"madt-sci", "flags Fh", [](Set& s) { s.set<std::uint8_t>("APIC", madt_entry(s, 2, 9) + 8, 0xf); }},
      {"madt-sci", "no override for interrupt 9",
       [](Set& s) { s.set<std::uint8_t>("APIC", madt_entry(s, 2, 9) + 3, 7); }},
      {"madt-irq0", "GSI 0", [](Set& s) { s.set<std::uint8_t>("APIC", madt_entry(s, 2, 0) + 3, 3); }},
      {"madt-override", "interrupt 5 has flags 0h",
       [](Set& s) { s.set<std::uint8_t>("APIC", madt_entry(s, 2, 5) + 8, 0); }},
      {"madt-override", "interrupt 5 has flags 8h",
       [](Set& s) { s.set<std::uint8_t>("APIC", madt_entry(s, 2, 5) + 8, 8); }},
      {"madt-override", "no override for interrupt 10",
       [](Set& s) { s.set<std::uint8_t>("APIC", madt_entry(s, 2, 10) + 3, 3); }},
      {"madt-override", "interrupt 10 to GSI 16",
       [](Set& s) { s.set<std::uint32_t>("APIC", madt_entry(s, 2, 10) + 4, 16); }},
      {"madt-gsi", "GSI 24", [](Set& s) { s.set<std::uint32_t>("APIC", madt_entry(s, 2, 11) + 4, 24); }},
      {"madt-nmi", "LINT2", [](Set& s) { s.set<std::uint8_t>("APIC", madt_entry(s, 4) + 5, 2); }},
      {"madt-nmi", "processor 7", [](Set& s) { s.set<std::uint8_t>("APIC", madt_entry(s, 4) + 2, 7); }},
      {"hpet-table", "at FED01000h", [](Set& s) { s.set<std::uint64_t>("HPET", 44, 0xfed0'1000); }},
      {"hpet-table", "id is 0h", [](Set& s) { s.set<std::uint32_t>("HPET", 36, 0); }},
      {"hpet-table", "must have 56",
       [](Set& s) {
         s.table("HPET").resize(52);
         s.finish("HPET");
       }},
      {"hpet-table", "HPET is among", [](Set& s) { s.placed().board.hpet = false; }},
      {"hpet-table", "HPET is not among", [](Set& s) { s.set<std::uint8_t>("HPET", 3, 'X'); }},
      {"waet-flags", "flags are 3h", [](Set& s) { s.set<std::uint32_t>("WAET", 36, 3); }},
  };
}

std::vector<Planted> in_aml() {
  return {
      {"aml-syntax", "leaves the one around it",
       [](Set& s) {
         s.add_ssdt("PLANTED", {0x5b, 0x82, 0x3f, 'X', 'D', 'E', 'V'});
       }},
      {"aml-syntax", "a character that none may have", [](Set& s) { s.rename("DSDT", "COM1", "C-M1"); }},
      {"aml-syntax", "once more", [](Set& s) { s.rename("DSDT", "LNKB", "LNKA", 31); }},
      {"aml-syntax", "opens the scope", [](Set& s) { s.add_ssdt("PLANTED", scope("\\_SB_.PCI1", some_device())); }},
      {"aml-syntax", "only declarations",
       [](Set& s) {
         s.add_ssdt("PLANTED", {0xa2, 0x02, 0x01});
       }},
      {"aml-syntax", "which does not exist", [](Set& s) { s.rename("DSDT", "PIRQ", "PIRX"); }},
      {"aml-package", "\\XPKG",
       [](Set& s) {
         s.add_ssdt("PLANTED", name("\\XPKG", sized({0x13}, Code{0x01, 0x00})));
       }},
      {"method-arguments", "_SRS takes 0 arguments",
       [](Set& s) {
         s.swap("DSDT", bytes_of("_SRS\x01"), Code{'_', 'S', 'R', 'S', 0});
       }},
      {"object-type", "_STA has a value of the wrong type",
       [](Set& s) { add_device(s, some_device() + name("_STA", text("on"))); }},
      {"object-type", "_STA has a value of the wrong type",
       [](Set& s) { add_device(s, some_device() + method("_STA", 0, Code{0xa4} + text("on"))); }},
      {"object-type", "_DIS is no method", [](Set& s) { add_device(s, some_device() + name("_DIS", integer(0))); }},
      {"device-id", "neither _HID nor _ADR", [](Set& s) { add_device(s, name("_UID", integer(1))); }},
      {"device-uid", "PNP0C0F with the _UID 1h",
       [](Set& s) {
         s.swap("DSDT", {'_', 'U', 'I', 'D', 0x0a, 2}, {'_', 'U', 'I', 'D', 0x0a, 1});
       }},
      {"device-uid", "PNP0B00 with the _UID none",
       [](Set& s) {
         s.swap("DSDT", {0x41, 0xd0, 0x01, 0x00}, {0x41, 0xd0, 0x0b, 0x00});
       }},
      {"eisa-id", "pnp0303", [](Set& s) { add_device(s, name("_HID", text("pnp0303"))); }},
      {"eisa-id", "303D0C1h",
       [](Set& s) {
         s.swap("DSDT", {0x41, 0xd0, 0x03, 0x03}, {0xc1, 0xd0, 0x03, 0x03});
       }},
      {"crs-shape", "checksum in its end tag",
       [](Set& s) {
         s.swap("DSDT", {0x22, 0x00, 0x01, 0x79, 0x00}, {0x22, 0x00, 0x01, 0x79, 0x01});
       }},
      {"crs-shape", "has no end tag",
       [](Set& s) { add_device(s, some_device() + name("_CRS", buffer(irqs(1 << 3)))); }},
      {"crs-shape", "end tag of a wrong length",
       [](Set& s) {
         s.swap("DSDT", {0x22, 0x00, 0x01, 0x79, 0x00}, {0x22, 0x00, 0x01, 0x78, 0x00});
       }},
      {"crs-shape", "longer than what is left",
       [](Set& s) {
         add_device(s, some_device() + name("_CRS", buffer({0x86, 0x09, 0x00, 0x00})));
       }},
      {"crs-shape", "port descriptor of a wrong length",
       [](Set& s) {
         add_device(s, some_device() + name("_CRS", resources({0x46, 1, 0, 1, 0, 1, 1})));
       }},
      {"crs-shape", "goes on behind",
       [](Set& s) {
         add_device(s, some_device() + name("_CRS", buffer({0x79, 0, 0x79, 0})));
       }},
      {"crs-shape", "greatest base is below",
       [](Set& s) {
         s.swap("DSDT", {0x47, 1, 0xf8, 0x03, 0xf8, 0x03}, {0x47, 1, 0xf8, 0x03, 0xf7, 0x03});
       }},
      {"crs-overlap", "ports 60h..60h",
       [](Set& s) {
         s.swap("DSDT", {0x47, 1, 0x61, 0, 0x61, 0}, {0x47, 1, 0x60, 0, 0x60, 0});
       }},
      {"crs-overlap", "interrupt 4",
       [](Set& s) { add_device(s, some_device() + name("_CRS", resources(irqs(1 << 4)))); }},
      {"crs-overlap", "memory FED00000h",
       [](Set& s) {
         const Code memory{0x86, 9, 0, 0, 0x00, 0x00, 0xd0, 0xfe, 0x00, 0x04, 0x00, 0x00};
         add_device(s, some_device() + name("_CRS", resources(memory)));
       }},
      {"crs-window", "ports CF8h",
       [](Set& s) { add_device(s, some_device() + name("_CRS", resources(io(0xcf8, 4)))); }},
      {"crs-exists", "ports 2F8h",
       [](Set& s) {
         add_device(
             s, name("_HID", integer(0x0105d041)) + name("_UID", integer(2)) + name("_CRS", resources(io(0x2f8, 8))));
       }},
      {"crs-irq", "interrupt 5 as edge",
       [](Set& s) {
         s.swap("DSDT", {0x22, 0x02, 0x00}, {0x22, 0x20, 0x00});
       }},
      {"crs-irq", "2 interrupts",
       [](Set& s) {
         s.swap("DSDT", {0x22, 0x02, 0x00}, {0x22, 0x0a, 0x00});
       }},
      {"crs-memory", "1000000h",
       [](Set& s) {
         s.swap("SSDT LSHPET", {0x00, 0x00, 0xd0, 0xfe}, {0x00, 0x00, 0x00, 0x01});
       }},
      {"hpet-irq", "XDEV",
       [](Set& s) {
         add_device(s, name("_HID", integer(0x0301d041)) + name("_UID", integer(1)) +
                           name("_CRS", resources(irqs(1 << 2 | 1 << 8))));
       }},
      {"legacy-device", "PNP0B00, has no interrupt 8",
       [](Set& s) {
         s.swap("DSDT", {0x22, 0x00, 0x01, 0x79}, {0x22, 0x08, 0x00, 0x79});
       }},
      {"legacy-device", "PNP0100, has no interrupt 0",
       [](Set& s) {
         s.swap("DSDT", {0x22, 0x01, 0x00}, {0x22, 0x08, 0x00});
       }},
      {"legacy-device", "PNP0000, has no ports at A0h",
       [](Set& s) {
         s.swap("DSDT", {0x47, 1, 0xa0, 0, 0xa0, 0}, {0x47, 1, 0xa2, 0, 0xa2, 0});
       }},
      {"legacy-device", "PNP0200, has no DMA channel 4",
       [](Set& s) {
         s.swap("DSDT", {0x2a, 0x10}, {0x2a, 0x20});
       }},
      {"legacy-device", "PNP0103, has no memory at FED00000h",
       [](Set& s) {
         s.swap("SSDT LSHPET", {0x00, 0x04, 0x00, 0x00}, {0x00, 0x08, 0x00, 0x00});
       }},
      {"legacy-device", "0 devices PNP0F13",
       [](Set& s) {
         s.swap("DSDT", {0x41, 0xd0, 0x0f, 0x13}, {0x41, 0xd0, 0x0f, 0x99});
       }},
      {"legacy-device", "1 devices PNP0303", [](Set& s) { s.placed().board.keyboard = false; }},
      {"legacy-device", "1 devices QEMU0001", [](Set& s) { s.placed().board.pvpanic = false; }},
      {"region-place", "ports 507h",
       [](Set& s) {
         s.swap("SSDT LSPANIC", {0x01, 0x0b, 0x05, 0x05}, {0x01, 0x0b, 0x07, 0x05});
       }},
      {"region-place", "PCI configuration FEh",
       [](Set& s) {
         s.swap("DSDT", {0x02, 0x0a, 0x60}, {0x02, 0x0a, 0xfe});
       }},
      {"region-place", "address space 3h",
       [](Set& s) {
         s.swap("DSDT", {0x02, 0x0a, 0x60}, {0x03, 0x0a, 0x60});
       }},
      {"region-field", "ends at bit 32",
       [](Set& s) {
         s.swap("DSDT", {0x0a, 0x60, 0x0a, 0x04}, {0x0a, 0x60, 0x0a, 0x03});
       }},
      {"s5", "no \\_S5_", [](Set& s) { s.rename("DSDT", "_S5_", "XS5_"); }},
      {"s5", "1h for SLP_TYP",
       [](Set& s) {
         s.swap("DSDT", {'_', 'S', '5', '_', 0x12, 0x06, 0x04, 0x00}, {'_', 'S', '5', '_', 0x12, 0x06, 0x04, 0x01});
       }},
      {"sleep-states", "\\_S3_",
       [](Set& s) {
         s.add_ssdt("PLANTED", name("\\_S3_", package(2, {0x01, 0x01})));
       }},
      {"pic-method", "\\_PIC", [](Set& s) { s.rename("DSDT", "_PIC", "XPIC"); }},
      {"wake", "has 1 elements", [](Set& s) { add_device(s, some_device() + name("_PRW", package(1, integer(3)))); }},
      {"wake", "wakes from S3",
       [](Set& s) { add_device(s, some_device() + name("_PRW", package(2, integer(3) + integer(3)))); }},
      {"wake", "_S3D", [](Set& s) { add_device(s, some_device() + name("_S3D", integer(3))); }},
      {"wake", "names PWRX", [](Set& s) { add_device(s, some_device() + name("_PR0", package(1, bytes_of("PWRX")))); }},
      {"processor-objects", "declare no processor 1",
       [](Set& s) {
         s.swap("SSDT LSPC-1", {'C', 'P', '0', '1', 1}, {'C', 'P', '0', '1', 5});
       }},
      {"processor-objects", "does not list processor 5",
       [](Set& s) {
         s.swap("SSDT LSPC-1", {'C', 'P', '0', '1', 1}, {'C', 'P', '0', '1', 5});
       }},
      {"processor-objects", "must be its own",
       [](Set& s) {
         s.swap("SSDT LSPC-1", {'C', 'P', '0', '1', 1}, {'C', 'P', '0', '1', 0});
       }},
      {"processor-objects", "register block at 10h",
       [](Set& s) {
         s.swap("SSDT LSPC-1", {'C', 'P', '0', '1', 1, 0}, {'C', 'P', '0', '1', 1, 0x10});
       }},
  };
}

/// An entry of _PRT up to its pin, when that is a constant of one byte: `pin` 0 or 1.
Code route(std::uint8_t slot, std::uint8_t pin) { return {0x0c, 0xff, 0xff, slot, 0x00, pin}; }

std::vector<Planted> in_the_pci_root() {
  return {
      {"pci-root", "0 PCI roots",
       [](Set& s) {
         s.swap("DSDT", {0x41, 0xd0, 0x0a, 0x03}, {0x41, 0xd0, 0x0a, 0x08});
       }},
      {"pci-root-crs", "not there", [](Set& s) { s.rename("DSDT", "_CRS", "XCRS"); }},
      {"pci-root-buses", "no range of bus numbers",
       [](Set& s) {
         s.swap("DSDT", {0x88, 0x0d, 0x00, 0x02}, {0x88, 0x0d, 0x00, 0xc0});
       }},
      {"pci-root-config", "0CF8h..0CFFh",
       [](Set& s) {
         s.swap("DSDT", {0xf8, 0x0c, 0xf8, 0x0c, 0x01, 0x08}, {0xf8, 0x0c, 0xf8, 0x0c, 0x01, 0x04});
       }},
      {"pci-root-windows", "no memory window", [](Set& s) { s.set<std::uint8_t>("DSDT", high_window(s) - 7, 0xc0); }},
      {"pci-root-windows", "A0000h..BFFFFh",
       [](Set& s) {
         s.swap("DSDT", {0xff, 0xff, 0x0b, 0x00}, {0xff, 0x7f, 0x0b, 0x00});
       }},
      {"pci-root-windows", "no port window",
       [](Set& s) {
         s.swap("DSDT", {0x88, 0x0d, 0x00, 0x01}, {0x88, 0x0d, 0x00, 0xc0});
         s.swap("DSDT", {0x88, 0x0d, 0x00, 0x01}, {0x88, 0x0d, 0x00, 0xc0});
       }},
      {"pci-window-producer", "as a consumer", [](Set& s) { s.set<std::uint8_t>("DSDT", high_window(s) - 6, 0x0d); }},
      {"pci-window-shape", "FEBFFFFEh", [](Set& s) { s.set<std::uint32_t>("DSDT", high_window(s) + 4, 0xfebf'fffe); }},
      {"pci-window-shape", "both ends must be fixed",
       [](Set& s) { s.set<std::uint8_t>("DSDT", high_window(s) - 6, 0x08); }},
      {"pci-window-shape", "translation of 1000h",
       [](Set& s) { s.set<std::uint32_t>("DSDT", high_window(s) + 8, 0x1000); }},
      {"pci-window-e820", "overlaps the e820 range 100000h", [](Set& s) { move_window(s, 0x300'0000, 0xfebf'ffff); }},
      {"pci-window-e820", "overlaps the e820 range A0000h",
       [](Set& s) {
         s.placed().e820.push_back({0xa'0000, 0x1000, 2});
       }},
      {"pci-window-board", "FEC00000h", [](Set& s) { move_window(s, 0x400'0000, 0xfecf'ffff); }},
      {"pci-window-overlap", "0h.. and C00h",
       [](Set& s) {
         s.swap("DSDT", {0x00, 0x0d, 0xff, 0xff}, {0x00, 0x0c, 0xff, 0xff});
       }},
      {"pci-window-overlap", "the root's own",
       [](Set& s) {
         s.swap("DSDT", {0x00, 0x0d, 0xff, 0xff}, {0xfc, 0x0c, 0xff, 0xff});
       }},
      {"pci-function", "10002h",
       [](Set& s) {
         s.swap("DSDT", {0x0c, 0x00, 0x00, 0x01, 0x00}, {0x0c, 0x02, 0x00, 0x01, 0x00});
       }},
      {"isa-bridge", "no device with _ADR 10000h",
       [](Set& s) {
         s.swap("DSDT", {0x0c, 0x00, 0x00, 0x01, 0x00}, {0x0c, 0x00, 0x00, 0x07, 0x00});
       }},
      {"isa-bridge", "not behind the ISA bridge",
       [](Set& s) {
         s.swap("DSDT", {0x41, 0xd0, 0x0b, 0x00}, {0x41, 0xd0, 0x0c, 0x01});
         add_device(s, name("_HID", integer(0x000bd041)));
       }},
      {"prt-shape", "not there", [](Set& s) { s.rename("DSDT", "_PRT", "XPRT"); }},
      {"prt-shape", "elements",
       [](Set& s) {
         // The pin becomes a string.
         s.swap("DSDT", route(5, 0) + bytes_of("LNKA") + Code{0},
                Code{0x0c, 0xff, 0xff, 5, 0, 0x0d, 'a', 'b', 0, 0x00, 0x00});
       }},
      {"prt-address", "50000h",
       [](Set& s) {
         s.swap("DSDT", route(5, 0), {0x0c, 0x00, 0x00, 5, 0, 0});
       }},
      {"prt-pin", "pin 4h",
       [](Set& s) {
         s.swap("DSDT", {0x0c, 0xff, 0xff, 2, 0, 0x0a, 3}, {0x0c, 0xff, 0xff, 2, 0, 0x0a, 4});
       }},
      {"prt-duplicate", "slot 6h again", [](Set& s) { s.swap("DSDT", route(5, 0), route(6, 0)); }},
      {"prt-source", "names LNKX", [](Set& s) { s.rename("DSDT", "LNKB", "LNKX"); }},
      {"prt-source", "names PCI0", [](Set& s) { s.rename("DSDT", "LNKB", "PCI0"); }},
      {"prt-source", "has the index 1h",
       [](Set& s) {
         s.swap("DSDT", route(5, 0) + bytes_of("LNKA") + Code{0}, route(5, 0) + bytes_of("LNKA") + Code{1});
       }},
      {"prt-gsi", "GSI 24",
       [](Set& s) {
         s.swap("DSDT", route(5, 0) + bytes_of("LNKA") + Code{0},
                Code{0x0c, 0xff, 0xff, 5, 0, 0x0a, 0x00, 0x00, 0x0b, 24, 0x00});
       }},
      {"prt-wire", "LNKB; by the wiring",
       [](Set& s) { s.swap("DSDT", route(5, 0) + bytes_of("LNKA"), route(5, 0) + bytes_of("LNKB")); }},
      {"prt-wire", "the SCI",
       [](Set& s) { s.swap("DSDT", route(5, 0) + bytes_of("LNKA"), route(5, 0) + bytes_of("LNKS")); }},
      {"prt-missing", "pin 0 of slot 5", [](Set& s) { s.swap("DSDT", route(5, 0), route(6, 0)); }},
      {"link-objects", "LNKA has no _DIS", [](Set& s) { s.rename("DSDT", "_DIS", "XDIS"); }},
      {"link-objects", "LNKD has no _SRS", [](Set& s) { s.rename("DSDT", "_SRS", "XSRS", 3); }},
      {"link-irq", "_PRS has interrupt 8",
       [](Set& s) {
         s.swap("DSDT", {0x05, 0, 0, 0, 0x0a, 0, 0, 0}, {0x08, 0, 0, 0, 0x0a, 0, 0, 0});
       }},
      {"link-irq", "interrupt 24, which no IOAPIC",
       [](Set& s) {
         s.swap("DSDT", {0x05, 0, 0, 0, 0x0a, 0, 0, 0}, {24, 0, 0, 0, 0x0a, 0, 0, 0});
       }},
      {"link-irq", "_CRS has interrupt 12",
       [](Set& s) {
         s.swap("DSDT", {0x01, 0x09, 0, 0, 0}, {0x01, 0x0c, 0, 0, 0});
       }},
      {"link-trigger", "active low",
       [](Set& s) {
         s.swap("DSDT", {0x89, 0x0e, 0x00, 0x09, 0x03}, {0x89, 0x0e, 0x00, 0x0d, 0x03});
       }},
      {"link-trigger", "_CRS is edge",
       [](Set& s) {
         s.swap("DSDT", {0x89, 0x06, 0x00, 0x09, 0x01}, {0x89, 0x06, 0x00, 0x0b, 0x01});
       }},
  };
}

void expect_named(const std::vector<Planted>& all) {
  for (const Planted& planted : all) {
    CAPTURE(planted.rule);
    CAPTURE(planted.says);
    SeparateTables set(full);
    planted.plant(set);
    const std::vector<std::string> findings = set.placed().check();
    const std::string start = planted.rule + ": ";
    const bool named = std::any_of(findings.begin(), findings.end(), [&](const std::string& finding) {
      return finding.rfind(start, 0) == 0 && finding.find(planted.says) != finding.npos;
    });
    std::string found;
    for (const std::string& finding : findings) found += "\n  " + finding;
    CHECK_MESSAGE(named, "found instead:", found);
  }
}

}  // namespace

TEST_CASE("the set that violations are planted in has none") {
  SeparateTables set(full);
  CHECK(set.placed().check() == std::vector<std::string>{});
}

TEST_CASE("what is planted on the way to the tables is named") { expect_named(to_the_tables()); }
TEST_CASE("what is planted in plain tables is named") { expect_named(in_plain_tables()); }
TEST_CASE("what is planted in AML is named") { expect_named(in_aml()); }
TEST_CASE("what is planted in the PCI root is named") { expect_named(in_the_pci_root()); }

TEST_CASE("no rule is without something planted against it") {
  std::set<std::string> planted;
  for (const auto& all : {to_the_tables(), in_plain_tables(), in_aml(), in_the_pci_root()})
    for (const Planted& one : all) planted.insert(one.rule);
  for (const std::string_view rule : rules()) {
    CAPTURE(rule);
    CHECK(planted.count(std::string(rule)) == 1);
  }
  CHECK(planted.size() == rules().size());
}

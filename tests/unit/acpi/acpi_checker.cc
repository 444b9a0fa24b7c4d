// See acpi_checker.h. Here: the way from the RSDP to every table, and what holds for all of them.
// Source: ACPI 6.3 5.2.5-5.2.8, 5.2.10.
#include "tests/unit/acpi/acpi_checker.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <map>

#include "lockstitch/assert.h"
#include "tests/unit/acpi/fixed_table_rules.h"
#include "tests/unit/acpi/namespace_rules.h"
#include "tests/unit/acpi/pci_rules.h"
#include "vmm/boot/little_endian.h"

namespace lockstitch::acpi_check {

using boot::get;

namespace {

constexpr std::size_t header_bytes = 36, rsdp_bytes = 36, old_rsdp_bytes = 20, facs_bytes = 64;
constexpr std::uint64_t table_max_bytes = 1 << 20;

constexpr std::array all_rules{
    // The way to the tables.
    "rsdp-signature", "rsdp-checksum", "rsdp-place", "rsdp-revision", "rsdp-oem", "root-signature", "root-length",
    "root-agrees", "root-entries", "table-checksum", "table-length", "table-signature", "table-oem", "table-place",
    "table-overlap", "table-required", "table-twice", "e820-overlap",
    // Plain tables.
    "fadt-length", "fadt-dsdt", "fadt-x-agrees", "fadt-facs", "fadt-sci", "fadt-enable", "fadt-blocks", "fadt-ports",
    "fadt-overlap", "fadt-flags", "fadt-boot-arch", "fadt-reset", "fadt-latency", "fadt-rtc", "madt-entries",
    "madt-local-apic", "madt-flags", "madt-processors", "madt-ioapic", "madt-sci", "madt-irq0", "madt-override",
    "madt-gsi", "madt-nmi", "hpet-table", "waet-flags",
    // What AML declares.
    "aml-syntax", "aml-package", "method-arguments", "object-type", "device-id", "device-uid", "eisa-id", "crs-shape",
    "crs-overlap", "crs-window", "crs-exists", "crs-irq", "crs-memory", "hpet-irq", "legacy-device", "region-place",
    "region-field", "s5", "sleep-states", "pic-method", "wake", "processor-objects",
    // The PCI root.
    "pci-root", "pci-root-crs", "pci-root-buses", "pci-root-config", "pci-root-windows", "pci-window-producer",
    "pci-window-shape", "pci-window-e820", "pci-window-board", "pci-window-overlap", "pci-function", "isa-bridge",
    "prt-shape", "prt-address", "prt-pin", "prt-duplicate", "prt-source", "prt-gsi", "prt-wire", "prt-missing",
    "link-objects", "link-irq", "link-trigger"};

std::uint8_t sum(Bytes bytes) {
  std::uint8_t total = 0;
  for (const std::uint8_t byte : bytes) total = static_cast<std::uint8_t>(total + byte);
  return total;
}

/// Zeros at the end are padding.
std::string text(Bytes bytes) {
  while (!bytes.empty() && bytes.back() == 0) bytes = bytes.first(bytes.size() - 1);
  return {bytes.begin(), bytes.end()};
}

bool is_printable(const std::string& text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x20 && c < 0x7f; });
}

class Walk {
 public:
  Walk(const Tables& tables, Findings& findings) : tables_(tables), findings_(findings) {}

  void run() {
    check_e820();
    if (!read_rsdp()) return;
    const std::vector<Gpa> listed = read_roots();
    std::set<Gpa> seen;
    for (const Gpa at : listed) {
      if (at == 0 || !seen.insert(at).second) {
        findings_.add("root-entries", "RSDT lists the address " + hex(at) + ", which is null or was there before");
        continue;
      }
      add(at, "a table of the RSDT");
    }
    read_fadt();
    check_overlaps();
    check_contents();
  }

 private:
  struct Placed {
    std::string name;
    Gpa at;
    std::uint64_t length;
  };

  void check_e820() {
    for (std::size_t i = 0; i < tables_.e820.size(); ++i)
      for (std::size_t j = 0; j < i; ++j)
        if (overlap(tables_.e820[i].base, tables_.e820[i].base + tables_.e820[i].length - 1, tables_.e820[j].base,
                    tables_.e820[j].base + tables_.e820[j].length - 1))
          findings_.add("e820-overlap", "E820 ranges at " + hex(tables_.e820[j].base) + " and " +
                                            hex(tables_.e820[i].base) + " overlap; they must not");
  }

  void place(const std::string& name, Gpa at, std::uint64_t length) {
    placed_.push_back({name, at, length});
    const auto covers = [&](const MemoryRange& range) {
      return range.type >= 2 && range.type <= 4 && at >= range.base && at + length <= range.base + range.length;
    };
    if (std::none_of(tables_.e820.begin(), tables_.e820.end(), covers))
      findings_.add("table-place",
                    name + " at " + hex(at) + " with " + std::to_string(length) +
                        " bytes lies in memory that e820 does not set aside; it must be reserved or ACPI");
  }

  bool read_rsdp() {
    const std::vector<std::uint8_t> rsdp = tables_.read(tables_.rsdp, rsdp_bytes);
    if (rsdp.size() < rsdp_bytes || text(Bytes(rsdp).first(8)) != "RSD PTR ") {
      findings_.add("rsdp-signature", "RSDP is not at " + hex(tables_.rsdp) + "; it must begin with \"RSD PTR \"");
      return false;
    }
    if (tables_.rsdp % 16 != 0 || tables_.rsdp < 0xe'0000 || tables_.rsdp + rsdp_bytes > 0x10'0000)
      findings_.add("rsdp-place",
                    "RSDP is at " + hex(tables_.rsdp) + "; a scan of E0000h..FFFFFh finds it at a multiple of 16");
    place("RSDP", tables_.rsdp, rsdp_bytes);
    if (sum(Bytes(rsdp).first(old_rsdp_bytes)) != 0)
      findings_.add("rsdp-checksum", "RSDP checksum is " + hex(rsdp[8]) + "; the first 20 bytes must add up to 0");
    if (sum(rsdp) != 0)
      findings_.add("rsdp-checksum", "RSDP extended checksum is " + hex(rsdp[32]) + "; all its bytes must add up to 0");
    if (rsdp[15] != 2 || get<std::uint32_t>(rsdp, 20) != rsdp_bytes)
      findings_.add("rsdp-revision", "RSDP has revision " + std::to_string(rsdp[15]) + " and length " +
                                         std::to_string(get<std::uint32_t>(rsdp, 20)) +
                                         "; with an XSDT they are 2 and 36");
    oem_ = text(Bytes(rsdp).subspan(9, 6));
    if (!is_printable(oem_)) findings_.add("rsdp-oem", "RSDP has an OEM id with characters that do not print");
    rsdt_ = get<std::uint32_t>(rsdp, 16);
    xsdt_ = get<std::uint64_t>(rsdp, 24);
    return true;
  }

  /// A table with its header checked, or nothing.
  std::vector<std::uint8_t> table(Gpa at, const std::string& what) {
    const std::vector<std::uint8_t> header = tables_.read(at, header_bytes);
    if (header.size() < header_bytes) {
      findings_.add("table-length", "No memory at " + hex(at) + ", where " + what + " should be");
      return {};
    }
    const std::string name = text(Bytes(header).first(4));
    if (!std::all_of(name.begin(), name.end(),
                     [](char c) { return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); })) {
      findings_.add("table-signature",
                    "No signature at " + hex(at) + ", where " + what + " should be; it is four capital letters");
      return {};
    }
    const auto length = get<std::uint32_t>(header, 4);
    std::vector<std::uint8_t> bytes;
    if (length >= header_bytes && length <= table_max_bytes) bytes = tables_.read(at, length);
    if (bytes.size() < header_bytes || bytes.size() != length) {
      findings_.add("table-length", name + " at " + hex(at) + " has a length of " + std::to_string(length) +
                                        "; it must be at least 36 and end in memory");
      return {};
    }
    if (sum(bytes) != 0)
      findings_.add("table-checksum",
                    name + " at " + hex(at) + " has the checksum " + hex(bytes[9]) + "; its bytes must add up to 0");
    const std::string oem = text(Bytes(bytes).subspan(10, 6)), id = text(Bytes(bytes).subspan(16, 8));
    if (!is_printable(oem) || !is_printable(id) || !is_printable(text(Bytes(bytes).subspan(28, 4))) || oem != oem_)
      findings_.add("table-oem", name + " has the OEM id \"" + oem + "\" and table id \"" + id +
                                     "\"; they must print, and the first must be the RSDP's");
    place(name, at, length);
    return bytes;
  }

  std::vector<Gpa> entries(Gpa at, const std::string& name, unsigned width) {
    const std::vector<std::uint8_t> bytes = table(at, name);
    std::vector<Gpa> listed;
    if (bytes.empty()) return listed;
    if (text(Bytes(bytes).first(4)) != name || bytes[8] != 1) {
      findings_.add("root-signature", "RSDP names the table at " + hex(at) + " as " + name + "; it is a " +
                                          text(Bytes(bytes).first(4)) + " of revision " + std::to_string(bytes[8]) +
                                          ", not 1");
      return listed;
    }
    if ((bytes.size() - header_bytes) % width != 0)
      findings_.add("root-length", name + " has " + std::to_string(bytes.size()) + " bytes; entries of " +
                                       std::to_string(width) + " must fill it");
    for (std::size_t entry = header_bytes; entry + width <= bytes.size(); entry += width)
      listed.push_back(width == 4 ? get<std::uint32_t>(bytes, entry) : get<std::uint64_t>(bytes, entry));
    return listed;
  }

  std::vector<Gpa> read_roots() {
    const std::vector<Gpa> narrow = entries(rsdt_, "RSDT", 4), wide = entries(xsdt_, "XSDT", 8);
    if (narrow != wide)
      findings_.add("root-agrees", "RSDT lists " + std::to_string(narrow.size()) + " tables and XSDT " +
                                       std::to_string(wide.size()) + "; they must list the same addresses");
    return narrow;
  }

  void add(Gpa at, const std::string& what) {
    std::vector<std::uint8_t> bytes = table(at, what);
    if (!bytes.empty()) found_.emplace(text(Bytes(bytes).first(4)), std::move(bytes));
  }

  const std::vector<std::uint8_t>* one(const std::string& name) const {
    const auto found = found_.find(name);
    return found == found_.end() ? nullptr : &found->second;
  }

  void read_fadt() {
    const auto* const fadt = one("FACP");
    if (!fadt) return;
    if (fadt->size() < 116) {
      findings_.add("fadt-length", "FADT has " + std::to_string(fadt->size()) + " bytes; the first revision had 116");
      return;
    }
    const auto dsdt = get<std::uint32_t>(*fadt, 40), facs = get<std::uint32_t>(*fadt, 36);
    const bool extended = fadt->size() >= 148;
    const auto x_dsdt = extended ? get<std::uint64_t>(*fadt, 140) : dsdt,
               x_facs = extended ? get<std::uint64_t>(*fadt, 132) : 0;
    if (x_dsdt != dsdt && x_dsdt != 0)
      findings_.add("fadt-x-agrees", "FADT X_DSDT is " + hex(x_dsdt) + ", but DSDT is " + hex(dsdt));
    if (dsdt == 0)
      findings_.add("fadt-dsdt", "FADT DSDT is 0; old systems read only this field");
    else
      add(dsdt, "the DSDT");
    if (dsdt != 0 && !one("DSDT")) findings_.add("fadt-dsdt", "FADT DSDT is " + hex(dsdt) + ", where there is none");
    if (x_facs != 0 && x_facs != facs)
      findings_.add("fadt-x-agrees", "FADT X_FIRMWARE_CTRL is " + hex(x_facs) + ", but FIRMWARE_CTRL is " + hex(facs));
    const std::vector<std::uint8_t> bytes = tables_.read(facs, facs_bytes);
    if (bytes.size() < facs_bytes || text(Bytes(bytes).first(4)) != "FACS") {
      findings_.add("fadt-facs", "FADT FIRMWARE_CTRL is " + hex(facs) + ", where there is no FACS");
      return;
    }
    place("FACS", facs, facs_bytes);
    const auto length = get<std::uint32_t>(bytes, 4);
    if (facs % 64 != 0 || length != facs_bytes || bytes[32] > 2)
      findings_.add("fadt-facs", "FACS at " + hex(facs) + " has length " + std::to_string(length) + " and version " +
                                     std::to_string(bytes[32]) + "; it must be 64-byte aligned with 64 bytes and 0..2");
  }

  void check_overlaps() {
    for (std::size_t i = 0; i < placed_.size(); ++i)
      for (std::size_t j = 0; j < i; ++j)
        if (overlap(placed_[i].at, placed_[i].at + placed_[i].length - 1, placed_[j].at,
                    placed_[j].at + placed_[j].length - 1))
          findings_.add("table-overlap", placed_[i].name + " at " + hex(placed_[i].at) + " overlaps " +
                                             placed_[j].name + " at " + hex(placed_[j].at));
  }

  void check_contents() {
    for (const char* const name : {"FACP", "APIC", "DSDT"})
      if (!one(name)) findings_.add("table-required", std::string(name) + " is not among the tables; it is required");
    for (const char* const name : {"FACP", "APIC", "DSDT", "HPET", "WAET"})
      if (found_.count(name) > 1)
        findings_.add("table-twice", std::string(name) + " is there twice; it must be there once");
    MadtContents madt;
    if (const auto* const fadt = one("FACP"); fadt && fadt->size() >= 116) check_fadt(*fadt, tables_.board, findings_);
    if (const auto* const bytes = one("APIC")) madt = check_madt(*bytes, tables_.board, findings_);
    if (const auto* const bytes = one("WAET")) check_waet(*bytes, findings_);
    const auto* const hpet = one("HPET");
    if (hpet) check_hpet(*hpet, tables_.board, findings_);
    if ((hpet != nullptr) != tables_.board.hpet)
      findings_.add("hpet-table", std::string("HPET is ") + (hpet ? "" : "not ") +
                                      "among the tables; it must be if and only if there is one");

    AmlNamespace names;
    if (const auto* const dsdt = one("DSDT")) names.read("DSDT", *dsdt);
    std::set<std::string> ids;
    const auto [first, last] = found_.equal_range("SSDT");
    for (auto at = first; at != last; ++at) {
      const std::string id = text(Bytes(at->second).subspan(10, 14));
      if (!ids.insert(id).second)
        findings_.add("table-twice", "SSDT \"" + id + "\" is there twice; OEM table ids must tell SSDTs apart");
      names.read("SSDT " + id.substr(6), at->second);
    }
    check_namespace(names, madt.processors, tables_, findings_);
    check_pci(names, madt, tables_, findings_);
  }

  const Tables& tables_;
  Findings& findings_;
  std::string oem_;
  Gpa rsdt_ = 0, xsdt_ = 0;
  std::vector<Placed> placed_;
  std::multimap<std::string, std::vector<std::uint8_t>> found_;
};

}  // namespace

void Findings::add(std::string_view rule, const std::string& sentence) {
  LS_ASSERT(std::find(all_rules.begin(), all_rules.end(), rule) != all_rules.end());
  found_.push_back(std::string(rule) + ": " + sentence + ".");
}

std::string hex(std::uint64_t value) {
  char text[24];
  std::snprintf(text, sizeof text, "%llXh", static_cast<unsigned long long>(value));
  return text;
}

std::vector<std::string> check(const Tables& tables) {
  Findings findings;
  Walk(tables, findings).run();
  return findings.take();
}

std::vector<std::string_view> rules() { return {all_rules.begin(), all_rules.end()}; }

}  // namespace lockstitch::acpi_check

// See pci_rules.h. Source: ACPI 6.3 6.2.11-6.2.16 (interrupt links, _PRT), 6.4.3.5 (windows); reference/platform.md
// 1.2, 2.5.
#include "tests/unit/acpi/pci_rules.h"

#include <algorithm>
#include <map>
#include <set>

#include "tests/unit/acpi/namespace_rules.h"
#include "tests/unit/acpi/resource_reader.h"

namespace lockstitch::acpi_check {

namespace {

using Kind = AmlObject::Kind;
using ValueKind = AmlValue::Kind;
using Space = AcpiResource::Space;

const char* name_of(Space space) {
  return space == Space::memory ? "memory" : space == Space::io ? "port" : space == Space::bus ? "bus" : "unknown";
}

void check_window(const std::string& where, const AcpiResource& window, const Tables& tables, Findings& findings) {
  const std::string what =
      where + " has the " + name_of(window.space) + " window " + hex(window.first) + ".." + hex(window.last);
  if (!window.producer) findings.add("pci-window-producer", what + " as a consumer; a window is produced for the bus");
  const std::uint64_t span = window.last - window.first + 1;
  if (window.first > window.last || window.length != span || !window.fixed_first || !window.fixed_last)
    findings.add("pci-window-shape",
                 what + " with a length of " + hex(window.length) + "; both ends must be fixed and agree with it");
  if (window.translation != 0)
    findings.add("pci-window-shape",
                 what + " with a translation of " + hex(window.translation) + "; addresses are the CPU's");
  if (window.space != Space::memory) return;
  for (const MemoryRange& range : tables.e820)
    if (overlap(window.first, window.last, range.base, range.base + range.length - 1))
      findings.add("pci-window-e820", what + ", which overlaps the e820 range " + hex(range.base) + ".." +
                                          hex(range.base + range.length - 1) + "; that is never permitted");
  for (const MemoryRange& range : tables.board.board_memory)
    if (overlap(window.first, window.last, range.base, range.base + range.length - 1))
      findings.add("pci-window-board", what + ", which overlaps what the board itself has at " + hex(range.base));
}

void check_windows(const AmlNamespace& names, const AmlObject& root, const Tables& tables, Findings& findings) {
  const std::string where = root.table + " PCI root " + root.path + " _CRS";
  const AmlObject* const crs = names.member(root, "_CRS");
  const AmlValue* const value = crs ? resource_value(names, *crs) : nullptr;
  if (!value || value->kind != ValueKind::buffer) {
    findings.add("pci-root-crs", where + " is not there as a constant; it must list bus numbers and windows");
    return;
  }
  const ResourceTemplate read = read_resources(value->bytes);
  if (read.resources.empty()) findings.add("pci-root-crs", where + " is empty; it must list bus numbers and windows");
  std::vector<const AcpiResource*> windows;
  bool config = false, buses = false, ports = false, memory = false, vga = false;
  for (const AcpiResource& one : read.resources) {
    if (one.kind == AcpiResource::Kind::io) config = config || (one.first == 0xcf8 && one.last == 0xcff);
    if (one.kind != AcpiResource::Kind::window) continue;
    check_window(where, one, tables, findings);
    for (const AcpiResource* const other : windows)
      if (other->space == one.space && overlap(one.first, one.last, other->first, other->last))
        findings.add("pci-window-overlap", where + " has the windows " + hex(other->first) + ".. and " +
                                               hex(one.first) + "..; they must not overlap");
    windows.push_back(&one);
    buses = buses || (one.space == Space::bus && one.first == 0 && one.last <= 255);
    ports = ports || one.space == Space::io;
    memory = memory || (one.space == Space::memory && one.first >= 0x10'0000);
    vga = vga || (one.space == Space::memory && one.first <= 0xa'0000 && one.last >= 0xb'ffff);
  }
  for (const AcpiResource* const window : windows)
    if (window->space == Space::io && overlap(window->first, window->last, 0xcf8, 0xcff))
      findings.add("pci-window-overlap",
                   where + " has the ports " + hex(window->first) + ".. as a window; 0CF8h..0CFFh are the root's own");
  if (!buses) findings.add("pci-root-buses", where + " has no range of bus numbers from 0; it must");
  if (!config)
    findings.add("pci-root-config", where + " does not take ports 0CF8h..0CFFh; configuration is reached there");
  if (!ports) findings.add("pci-root-windows", where + " has no port window; it must");
  if (!memory) findings.add("pci-root-windows", where + " has no memory window behind RAM; it must");
  if (tables.board.vga && !vga)
    findings.add("pci-root-windows", where + " has no window A0000h..BFFFFh; the display needs it");
}

/// The one constant interrupt of a link that cannot be moved, or none.
std::optional<unsigned> fixed_interrupt(const AmlNamespace& names, const AmlObject& link) {
  const AmlObject* const crs = names.member(link, "_CRS");
  const AmlValue* const value = crs ? names.constant(*crs) : nullptr;
  if (!value) return std::nullopt;
  const ResourceTemplate read = read_resources(value->bytes);
  if (read.resources.size() != 1 || read.resources[0].lines.size() != 1) return std::nullopt;
  return read.resources[0].lines[0];
}

void check_routing(const AmlNamespace& names, const AmlObject& root, const MadtContents& madt, const Tables& tables,
                   Findings& findings) {
  const std::string where = root.table + " " + root.path + " _PRT";
  const AmlObject* const prt = names.member(root, "_PRT");
  const AmlValue* const value = prt ? names.constant(*prt) : nullptr;
  if (!value || value->kind != ValueKind::package) {
    findings.add("prt-shape", where + " is not there as a constant package; it must route every pin");
    return;
  }
  std::set<std::pair<std::uint64_t, std::uint64_t>> routed;
  std::map<std::uint64_t, const AmlObject*> wires;
  for (std::size_t i = 0; i < value->elements.size(); ++i) {
    const std::string entry = where + " entry " + std::to_string(i);
    const auto& elements = value->elements[i].elements;
    if (elements.size() != 4 || elements[0].kind != ValueKind::integer || elements[1].kind != ValueKind::integer ||
        elements[3].kind != ValueKind::integer) {
      findings.add("prt-shape", entry + " has " + std::to_string(elements.size()) +
                                    " elements; it must have address, pin, source and index");
      continue;
    }
    const std::uint64_t address = elements[0].number, pin = elements[1].number, index = elements[3].number;
    if ((address & 0xffff) != 0xffff || address >> 16 > 31)
      findings.add("prt-address",
                   entry + " has the address " + hex(address) + "; it must be slot 0..31 with function FFFFh");
    if (pin > 3) findings.add("prt-pin", entry + " has the pin " + hex(pin) + "; pins are 0..3");
    if (!routed.emplace(address >> 16, pin).second)
      findings.add("prt-duplicate",
                   entry + " routes pin " + hex(pin) + " of slot " + hex(address >> 16) + " again; once is enough");
    if (elements[2].kind == ValueKind::integer) {
      if (elements[2].number != 0)
        findings.add("prt-source", entry + " has the source " + hex(elements[2].number) + "; it must be 0 or a link");
      else if (index < madt.first_gsi || index - madt.first_gsi >= madt.gsis)
        findings.add("prt-gsi", entry + " leads to GSI " + std::to_string(index) + "; no IOAPIC of the MADT has it");
      continue;
    }
    const AmlObject* const link =
        elements[2].kind == ValueKind::reference ? names.resolve(root.path, elements[2].text) : nullptr;
    const AmlObject* const hid = link ? names.member(*link, "_HID") : nullptr;
    const AmlValue* const id = hid ? names.constant(*hid) : nullptr;
    if (!id || hardware_id(*id) != "PNP0C0F") {
      findings.add("prt-source", entry + " names " + elements[2].text + "; it must be a link device that exists");
      continue;
    }
    if (index != 0)
      findings.add("prt-source",
                   entry + " has the index " + hex(index) + " into a link with one interrupt; it must be 0");
    if (fixed_interrupt(names, *link) == tables.board.sci) {
      if (address >> 16 != tables.board.isa_bridge_slot || pin != 0)
        findings.add("prt-wire", entry + " leads slot " + hex(address >> 16) + " to " + link->path +
                                     ", the SCI, which is for power management only");
      continue;
    }
    const std::uint64_t wire = ((address >> 16) + pin) & 3;
    const auto [known, added] = wires.emplace(wire, link);
    if (!added && known->second != link)
      findings.add("prt-wire",
                   entry + " leads to " + link->path + "; by the wiring it is the same as " + known->second->path);
    for (const auto& [other_wire, other] : wires)
      if (other_wire != wire && other == link)
        findings.add("prt-wire", entry + " leads to " + link->path + ", which is another wire by the wiring");
  }
  for (const PciPlace& place : tables.board.pci)
    if (place.pin != 0 && !routed.count({place.slot, place.pin - 1}))
      findings.add("prt-missing", where + " does not route pin " + std::to_string(place.pin - 1) + " of slot " +
                                      std::to_string(place.slot) + ", where there is a device; it must");
}

void check_link(const AmlNamespace& names, const AmlObject& link, const MadtContents& madt, Findings& findings) {
  const std::string where = link.table + " link " + link.path;
  for (const char* const needed : {"_STA", "_PRS", "_CRS", "_SRS", "_DIS", "_UID"})
    if (!names.member(link, needed))
      findings.add("link-objects", where + " has no " + needed + "; Windows refuses such a link");
  for (const char* const segment : {"_PRS", "_CRS"}) {
    const AmlObject* const object = names.member(link, segment);
    const AmlValue* const value = object ? resource_value(names, *object) : nullptr;
    if (!value || value->kind != ValueKind::buffer) continue;
    const std::string what = where + " " + segment;
    const ResourceTemplate read = read_resources(value->bytes);
    if (read.resources.size() != 1 || read.resources[0].kind != AcpiResource::Kind::interrupt) {
      findings.add("link-irq", what + " has " + std::to_string(read.resources.size()) +
                                   " resources; it must be one interrupt descriptor");
      continue;
    }
    const AcpiResource& one = read.resources[0];
    const bool possible = std::string_view(segment) == "_PRS";
    if (!one.level || one.active_low || !one.shared || one.producer)
      findings.add("link-trigger", what + " is " + (one.level ? "level" : "edge") + ", active " +
                                       (one.active_low ? "low" : "high") +
                                       "; PCI interrupts here are level, active high, shared and consumed");
    // A template that a method fills in holds no line of its own.
    if (!possible && !names.constant(*object)) continue;
    for (const unsigned line : one.lines) {
      if (line >= 16 || line < 3 || line == 8 || line == 13 || !madt.level_irqs.count(line))
        findings.add("link-irq",
                     what + " has interrupt " + std::to_string(line) + "; it must be one that the MADT makes level");
      if (line >= madt.first_gsi + madt.gsis)
        findings.add("link-irq", what + " has interrupt " + std::to_string(line) + ", which no IOAPIC of the MADT has");
    }
  }
}

void check_functions(const AmlNamespace& names, const AmlObject& root, const BoardFacts& board, Findings& findings) {
  bool bridge = false;
  for (const AmlObject* const device : names.of_kind(Kind::device)) {
    if (parent_path(device->path) != root.path) continue;
    const AmlObject* const adr = names.member(*device, "_ADR");
    const AmlValue* const value = adr ? names.constant(*adr) : nullptr;
    if (!value) continue;
    const std::uint64_t slot = value->number >> 16, function = value->number & 0xffff;
    if (std::none_of(board.pci.begin(), board.pci.end(),
                     [&](const PciPlace& place) { return place.slot == slot && place.function == function; }))
      findings.add("pci-function", device->table + " device " + device->path + " has _ADR " + hex(value->number) +
                                       "; there is no function at that place");
    if (slot != board.isa_bridge_slot || function != 0) continue;
    bridge = true;
  }
  if (!bridge)
    findings.add("isa-bridge", root.table + " PCI root " + root.path + " has no device with _ADR " +
                                   hex(board.isa_bridge_slot << 16) + ", where the ISA bridge is");
  for (const AmlObject* const clock : devices_of(names, "PNP0B00")) {
    const AmlObject* const parent = names.find(parent_path(clock->path));
    const AmlObject* const adr = parent ? names.member(*parent, "_ADR") : nullptr;
    const AmlValue* const value = adr ? names.constant(*adr) : nullptr;
    if (!value || value->number != board.isa_bridge_slot << 16)
      findings.add("isa-bridge",
                   clock->table + " device " + clock->path + " is not behind the ISA bridge; XP's set-up looks there");
  }
}

}  // namespace

void check_pci(const AmlNamespace& names, const MadtContents& madt, const Tables& tables, Findings& findings) {
  const auto roots = devices_of(names, "PNP0A03");
  if (roots.size() != 1)
    findings.add("pci-root",
                 "DSDT and SSDTs declare " + std::to_string(roots.size()) + " PCI roots, PNP0A03; the board has one");
  for (const AmlObject* const root : roots) {
    check_windows(names, *root, tables, findings);
    check_routing(names, *root, madt, tables, findings);
    check_functions(names, *root, tables.board, findings);
  }
  for (const AmlObject* const link : devices_of(names, "PNP0C0F")) check_link(names, *link, madt, findings);
}

}  // namespace lockstitch::acpi_check

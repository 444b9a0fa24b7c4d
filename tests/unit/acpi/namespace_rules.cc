// See namespace_rules.h. Source: ACPI 6.3 chapters 6, 7 and 9; IA-PC HPET specification 1.0a 3.2.5.
#include "tests/unit/acpi/namespace_rules.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <map>

#include "tests/unit/acpi/fixed_table_rules.h"

namespace lockstitch::acpi_check {

namespace {

using Kind = AmlObject::Kind;
using ValueKind = AmlValue::Kind;

/// An object that ACPI defines: arguments of its method, and the kinds of value it may have.
struct Predefined {
  std::string_view segment;
  unsigned arguments;
  std::vector<ValueKind> kinds;
};

const std::vector<Predefined>& predefined() {
  static const std::vector<Predefined> all{
      {"_HID", 0, {ValueKind::integer, ValueKind::text}},
      {"_CID", 0, {ValueKind::integer, ValueKind::text, ValueKind::package}},
      {"_UID", 0, {ValueKind::integer, ValueKind::text}},
      {"_ADR", 0, {ValueKind::integer}},
      {"_STA", 0, {ValueKind::integer}},
      {"_BBN", 0, {ValueKind::integer}},
      {"_CRS", 0, {ValueKind::buffer}},
      {"_PRS", 0, {ValueKind::buffer}},
      {"_SRS", 1, {}},
      {"_DIS", 0, {}},
      {"_INI", 0, {}},
      {"_PRT", 0, {ValueKind::package}},
      {"_PRW", 0, {ValueKind::package}},
      {"_PIC", 1, {}},
      {"_PTS", 1, {}},
      {"_WAK", 1, {ValueKind::integer, ValueKind::package}},
      {"_REG", 2, {}},
      {"_PSW", 1, {}},
      {"_OSC", 4, {ValueKind::buffer}},
      {"_DSM", 4, {ValueKind::buffer}},
  };
  return all;
}

void check_predefined(const AmlNamespace& names, Findings& findings) {
  for (const auto& [path, object] : names.objects()) {
    const std::string segment = last_segment(path);
    const auto known = std::find_if(predefined().begin(), predefined().end(),
                                    [&](const Predefined& one) { return one.segment == segment; });
    if (known == predefined().end()) continue;
    if (object.kind == Kind::method && object.arguments != known->arguments)
      findings.add("method-arguments", object.table + " method " + path + " takes " + std::to_string(object.arguments) +
                                           " arguments; ACPI calls it with " + std::to_string(known->arguments));
    if (object.kind != Kind::method && (object.kind != Kind::name || known->kinds.empty()))
      findings.add("object-type", object.table + " " + path + " is no method; ACPI calls it");
    const AmlValue* const value = names.constant(object);
    if (value && std::find(known->kinds.begin(), known->kinds.end(), value->kind) == known->kinds.end())
      findings.add("object-type", object.table + " " + path + " has a value of the wrong type");
  }
}

bool uses_variable_package(const AmlValue& value) {
  return value.variable || std::any_of(value.elements.begin(), value.elements.end(), uses_variable_package);
}

void check_packages(const AmlNamespace& names, Findings& findings) {
  for (const auto& [path, object] : names.objects()) {
    bool used = uses_variable_package(object.value);
    for (const auto& [local, value] : object.locals) used = used || uses_variable_package(value);
    if (used)
      findings.add("aml-package",
                   object.table + " " + path + " is a variable package; Windows before 2012 stops at one");
  }
}

void check_identities(const AmlNamespace& names, Findings& findings) {
  std::map<std::string, std::map<std::string, std::string>> by_id;  // id, _UID, device
  for (const AmlObject* const device : names.of_kind(Kind::device)) {
    const AmlObject* const hid = names.member(*device, "_HID");
    const AmlObject* const cid = names.member(*device, "_CID");
    if (!hid && !names.member(*device, "_ADR"))
      findings.add("device-id", device->table + " device " + device->path + " has neither _HID nor _ADR; it needs one");
    for (const AmlObject* const named : {hid, cid}) {
      const AmlValue* const value = named ? names.constant(*named) : nullptr;
      if (value && value->kind != ValueKind::package && hardware_id(*value).empty())
        findings.add("eisa-id", named->table + " " + named->path + " is " +
                                    (value->kind == ValueKind::text ? value->text : hex(value->number)) +
                                    "; it must be an id of letters and hexadecimal digits");
    }
    if (!hid || !names.constant(*hid)) continue;
    const AmlObject* const uid = names.member(*device, "_UID");
    const AmlValue* const value = uid ? names.constant(*uid) : nullptr;
    const std::string id = hardware_id(*names.constant(*hid));
    const std::string unique = !value ? "none" : value->kind == ValueKind::text ? value->text : hex(value->number);
    const auto [other, added] = by_id[id].emplace(unique, device->path);
    if (!added)
      findings.add("device-uid", device->table + " devices " + other->second + " and " + device->path + " are both " +
                                     id + " with the _UID " + unique + "; it must tell them apart");
  }
}

/// A device's resources with the device's place in findings.
struct Claim {
  const AmlObject* device;
  AcpiResource resource;
};

std::vector<Claim> check_templates(const AmlNamespace& names, Findings& findings) {
  std::vector<Claim> claims;
  for (const auto& [path, object] : names.objects()) {
    const std::string segment = last_segment(path);
    if (segment != "_CRS" && segment != "_PRS") continue;
    const AmlValue* const value = resource_value(names, object);
    const AmlObject* const device = names.find(parent_path(path));
    if (!value || value->kind != ValueKind::buffer || !device) continue;
    const ResourceTemplate read = read_resources(value->bytes);
    for (const std::string& error : read.errors)
      findings.add("crs-shape", object.table + " " + path + " " + error + "; ACPI defines its descriptors");
    if (segment == "_CRS")
      for (const AcpiResource& resource : read.resources) claims.push_back({device, resource});
  }
  return claims;
}

bool is_a(const AmlNamespace& names, const AmlObject& device, std::string_view id) {
  const AmlObject* const hid = names.member(device, "_HID");
  const AmlValue* const value = hid ? names.constant(*hid) : nullptr;
  return value && hardware_id(*value) == id;
}

void check_ports(const AmlNamespace& names, const std::vector<Claim>& claims, const BoardFacts& board,
                 Findings& findings) {
  std::vector<Claim> ports;
  std::vector<AcpiResource> windows;
  for (const Claim& claim : claims) {
    if (claim.resource.kind == AcpiResource::Kind::io) ports.push_back(claim);
    if (claim.resource.kind == AcpiResource::Kind::window && claim.resource.space == AcpiResource::Space::io)
      windows.push_back(claim.resource);
  }
  for (std::size_t i = 0; i < ports.size(); ++i) {
    const AcpiResource& one = ports[i].resource;
    const AmlObject& device = *ports[i].device;
    const std::string place = hex(one.first) + ".." + hex(one.last);
    for (std::size_t j = 0; j < i; ++j) {
      const AcpiResource& other = ports[j].resource;
      if (overlap(one.first, one.last, other.first, other.last))
        findings.add("crs-overlap", device.table + " device " + device.path + " has ports " + place +
                                        " in _CRS, which overlap those of " + ports[j].device->path);
    }
    if (one.last > 0xffff)
      findings.add("crs-shape",
                   device.table + " device " + device.path + " has ports " + place + "; FFFFh is the last");
    const bool root = is_a(names, device, "PNP0A03");
    const bool in_window = std::any_of(windows.begin(), windows.end(), [&](const AcpiResource& window) {
      return window.first <= one.first && one.last <= window.last;
    });
    if (!root && !in_window)
      findings.add("crs-window", device.table + " device " + device.path + " has ports " + place +
                                     "; they must lie in a window of the PCI root");
    if (!is_a(names, device, "PNP0C02") && !has_ports(board, one.first, 1))
      findings.add("crs-exists", device.table + " device " + device.path + " has ports " + place +
                                     ", but nothing answers there; only devices that exist may be declared");
  }
}

void check_interrupts(const AmlNamespace& names, const std::vector<Claim>& claims, const BoardFacts& board,
                      Findings& findings) {
  std::map<unsigned, const AmlObject*> owners;
  for (const auto& [device, resource] : claims) {
    if (resource.kind != AcpiResource::Kind::interrupt || is_a(names, *device, "PNP0C0F")) continue;
    const std::string where = device->table + " device " + device->path;
    if (is_a(names, *device, "PNP0103"))
      findings.add("hpet-irq", where + " is an HPET with interrupts in _CRS; Windows XP stops at that");
    if (resource.lines.size() != 1)
      findings.add("crs-irq", where + " has " + std::to_string(resource.lines.size()) +
                                  " interrupts in one descriptor of _CRS; what is in use is one");
    for (const unsigned line : resource.lines) {
      if (line >= board.ioapic_pins)
        findings.add("crs-irq", where + " has interrupt " + std::to_string(line) + " in _CRS; the IOAPIC has " +
                                    std::to_string(board.ioapic_pins));
      const bool level = std::count(board.level_irqs.begin(), board.level_irqs.end(), line) != 0;
      if (level != resource.level)
        findings.add("crs-irq", where + " has interrupt " + std::to_string(line) + " as " +
                                    (resource.level ? "level" : "edge") + " in _CRS; the board wires it as " +
                                    (level ? "level" : "edge"));
      const auto [owner, added] = owners.emplace(line, device);
      if (!added && !resource.shared)
        findings.add("crs-overlap", where + " has interrupt " + std::to_string(line) + " in _CRS for itself, as has " +
                                        owner->second->path);
    }
  }
}

void check_memory(const std::vector<Claim>& claims, const Tables& tables, Findings& findings) {
  std::vector<Claim> ranges;
  for (const Claim& claim : claims)
    if (claim.resource.kind == AcpiResource::Kind::memory) ranges.push_back(claim);
  for (std::size_t i = 0; i < ranges.size(); ++i) {
    const AcpiResource& one = ranges[i].resource;
    const std::string where = ranges[i].device->table + " device " + ranges[i].device->path + " has memory " +
                              hex(one.first) + ".." + hex(one.last) + " in _CRS";
    for (const MemoryRange& range : tables.e820)
      if (range.type != 2 && overlap(one.first, one.last, range.base, range.base + range.length - 1))
        findings.add("crs-memory", where + ", which overlaps the e820 range at " + hex(range.base));
    for (std::size_t j = 0; j < i; ++j)
      if (overlap(one.first, one.last, ranges[j].resource.first, ranges[j].resource.last))
        findings.add("crs-overlap", where + ", which overlaps that of " + ranges[j].device->path);
  }
}

struct Legacy {
  std::string_view id;
  bool present;
  std::vector<unsigned> ports;
  int irq = -1, dma = -1;
  std::uint64_t memory = 0;
};

// The numbers are those of every PC since 1984; a driver that finds others refuses the device.
void check_legacy(const AmlNamespace& names, const BoardFacts& board, Findings& findings) {
  const std::vector<Legacy> devices{{"PNP0000", true, {0x20, 0xa0}, 2},
                                    {"PNP0100", true, {0x40}, 0},
                                    {"PNP0200", true, {0x00, 0x81, 0xc0}, -1, 4},
                                    {"PNP0B00", true, {0x70}, 8},
                                    {"PNP0800", true, {0x61}},
                                    {"PNP0C04", true, {0xf0}, 13},
                                    {"PNP0501", true, {0x3f8}, 4},
                                    {"PNP0303", board.keyboard, {0x60, 0x64}, 1},
                                    {"PNP0F13", board.keyboard, {}, 12},
                                    {"QEMU0001", board.pvpanic, {0x505}},
                                    {"PNP0103", board.hpet, {}, -1, -1, board.hpet_gpa}};
  for (const Legacy& legacy : devices) {
    const std::string id(legacy.id);
    const auto found = devices_of(names, legacy.id);
    if (found.size() != (legacy.present ? 1u : 0u)) {
      findings.add("legacy-device", "DSDT and SSDTs declare " + std::to_string(found.size()) + " devices " + id +
                                        "; the board has " + (legacy.present ? "one" : "none"));
      continue;
    }
    if (!legacy.present) continue;
    const AmlObject* const crs = names.member(*found[0], "_CRS");
    const AmlValue* const value = crs ? resource_value(names, *crs) : nullptr;
    const ResourceTemplate read = value ? read_resources(value->bytes) : ResourceTemplate{};
    const auto has = [&](AcpiResource::Kind kind, auto&& is) {
      return std::any_of(read.resources.begin(), read.resources.end(),
                         [&](const AcpiResource& one) { return one.kind == kind && is(one); });
    };
    const auto complain = [&](const std::string& what) {
      findings.add("legacy-device", found[0]->table + " device " + found[0]->path + ", " + id + ", has no " + what +
                                        " in _CRS; the board has it there");
    };
    for (const unsigned port : legacy.ports)
      if (!has(AcpiResource::Kind::io,
               [&](const AcpiResource& one) { return one.first == port && one.last_base == port; }))
        complain("ports at " + hex(port));
    const auto only = [](int line) {
      return
          [line](const AcpiResource& one) { return one.lines == std::vector<unsigned>{static_cast<unsigned>(line)}; };
    };
    if (legacy.irq >= 0 && !has(AcpiResource::Kind::interrupt, only(legacy.irq)))
      complain("interrupt " + std::to_string(legacy.irq));
    if (legacy.dma >= 0 && !has(AcpiResource::Kind::dma, only(legacy.dma)))
      complain("DMA channel " + std::to_string(legacy.dma));
    if (legacy.memory && !has(AcpiResource::Kind::memory, [&](const AcpiResource& one) {
          return one.first == legacy.memory && one.length == 0x400;
        }))
      complain("memory at " + hex(legacy.memory));
  }
}

void check_regions(const AmlNamespace& names, const BoardFacts& board, Findings& findings) {
  for (const AmlObject* const region : names.of_kind(Kind::region)) {
    const std::string where = region->table + " region " + region->path;
    const std::uint64_t base = region->region_base, bytes = region->region_bytes;
    if (region->space == 1) {
      if (bytes == 0 || base + bytes > 0x1'0000 || !has_ports(board, base, bytes))
        findings.add("region-place",
                     where + " is ports " + hex(base) + ", " + std::to_string(bytes) + " bytes; they must all exist");
    } else if (region->space == 2) {
      const AmlObject* const device = names.find(parent_path(region->path));
      const AmlObject* const address = device ? names.member(*device, "_ADR") : nullptr;
      const AmlValue* const value = address ? names.constant(*address) : nullptr;
      const bool there = value && std::any_of(board.pci.begin(), board.pci.end(), [&](const PciPlace& place) {
                           return place.slot == value->number >> 16 && place.function == (value->number & 0xffff);
                         });
      if (!there || bytes == 0 || base + bytes > 0x100)
        findings.add("region-place", where + " is PCI configuration " + hex(base) + ", " + std::to_string(bytes) +
                                         " bytes; it must lie in 256 bytes of a function that exists");
    } else {
      findings.add("region-place",
                   where + " is in address space " + hex(region->space) + ", which the board has no use for");
    }
  }
  for (const AmlObject* const field : names.of_kind(Kind::field)) {
    const AmlObject* const region = names.find(field->region);
    if (region && field->bit_offset + field->bits > 8 * region->region_bytes)
      findings.add("region-field", field->table + " field " + field->path + " ends at bit " +
                                       std::to_string(field->bit_offset + field->bits) + " of " + region->path +
                                       ", which has " + std::to_string(8 * region->region_bytes));
  }
}

bool is_state(const AmlNamespace& names, std::uint64_t state) {
  return state == 0 || names.find("\\_S" + std::to_string(state) + "_") != nullptr;
}

void check_power(const AmlNamespace& names, Findings& findings) {
  const AmlObject* const off = names.find("\\_S5_");
  const AmlValue* const value = off ? names.constant(*off) : nullptr;
  if (!value || value->kind != ValueKind::package || value->elements.size() < 2) {
    findings.add("s5", "DSDT has no \\_S5_ with two elements or more; there is no way to switch off");
  } else {
    for (unsigned i = 0; i < 2; ++i)
      if (value->elements[i].kind != ValueKind::integer || value->elements[i].number != 0)
        findings.add("s5", off->table + " \\_S5_ has " + hex(value->elements[i].number) +
                               " for SLP_TYP; the board is switched off by 0");
  }
  for (const char* const state : {"\\_S1_", "\\_S2_", "\\_S3_", "\\_S4_"})
    if (const AmlObject* const object = names.find(state))
      findings.add("sleep-states", object->table + " has " + state + "; the board knows no sleep but off");
  const AmlObject* const pic = names.find("\\_PIC");
  if (!pic || pic->kind != Kind::method || pic->arguments != 1)
    findings.add("pic-method", "DSDT has no method \\_PIC with one argument; it is told which interrupt model is used");
  for (const auto& [path, object] : names.objects()) {
    const std::string segment = last_segment(path);
    const AmlValue* const constant = names.constant(object);
    if (!constant) continue;
    if (segment == "_PRW" && constant->kind == ValueKind::package) {
      const auto& elements = constant->elements;
      if (elements.size() < 2 || elements[1].kind != ValueKind::integer)
        findings.add("wake", object.table + " " + path + " has " + std::to_string(elements.size()) +
                                 " elements; the second one must be a sleep state");
      else if (!is_state(names, elements[1].number))
        findings.add("wake", object.table + " " + path + " wakes from S" + std::to_string(elements[1].number) +
                                 ", which is not declared");
    }
    const bool device_state = segment[0] == '_' && segment[1] == 'S' && segment[3] == 'D' && std::isdigit(segment[2]);
    if (device_state && !is_state(names, segment[2] - '0'))
      findings.add("wake", object.table + " " + path + " is for a sleep state that is not declared");
    if (segment.rfind("_PR", 0) == 0 && std::isdigit(segment[3]))
      for (const AmlValue& element : constant->elements)
        if (element.kind != ValueKind::reference || !names.resolve(parent_path(path), element.text))
          findings.add("wake", object.table + " " + path + " names " + element.text + ", which does not exist");
  }
}

void check_processors(const AmlNamespace& names, const std::set<unsigned>& listed, Findings& findings) {
  std::set<unsigned> declared;
  for (const AmlObject* const processor : names.of_kind(Kind::processor)) {
    const std::string where = processor->table + " processor " + processor->path;
    if (!declared.insert(processor->processor_id).second)
      findings.add("processor-objects", where + " has the id " + std::to_string(processor->processor_id) +
                                            " of another one; it must be its own");
    if (processor->block_bytes != 0 || processor->block_port != 0)
      findings.add("processor-objects",
                   where + " has a register block at " + hex(processor->block_port) + "; the board has none");
  }
  for (const unsigned id : listed)
    if (!declared.count(id))
      findings.add("processor-objects",
                   "DSDT and SSDTs declare no processor " + std::to_string(id) + ", which the MADT lists");
  for (const unsigned id : declared)
    if (!listed.count(id))
      findings.add("processor-objects", "MADT does not list processor " + std::to_string(id) + ", which AML declares");
}

}  // namespace

std::string hardware_id(const AmlValue& value) {
  if (value.kind == ValueKind::text) {
    const std::string& text = value.text;
    const std::size_t maker = text.size() == 7 ? 3 : 4;
    if (text.size() != maker + 4) return {};
    for (std::size_t i = 0; i < text.size(); ++i) {
      const char c = text[i];
      const bool digit = c >= '0' && c <= '9', letter = c >= 'A' && c <= 'Z';
      if (i < maker ? !letter && !(digit && maker == 4) : !digit && !(letter && c <= 'F')) return {};
    }
    return text;
  }
  if (value.kind != ValueKind::integer || value.number > 0xffff'ffff) return {};
  // Stored with its first byte first: three letters of five bits, then four digits.
  const auto at = [&](unsigned byte) { return static_cast<unsigned>(value.number >> (8 * byte) & 0xff); };
  const unsigned letters = at(0) << 8 | at(1);
  if (letters & 0x8000) return {};
  std::string text;
  for (const unsigned shift : {10u, 5u, 0u}) {
    const unsigned letter = letters >> shift & 31;
    if (letter < 1 || letter > 26) return {};
    text += static_cast<char>('@' + letter);
  }
  for (const unsigned byte : {2u, 3u})
    for (const unsigned shift : {4u, 0u}) text += "0123456789ABCDEF"[at(byte) >> shift & 15];
  return text;
}

std::vector<const AmlObject*> devices_of(const AmlNamespace& names, std::string_view id) {
  std::vector<const AmlObject*> found;
  for (const AmlObject* const device : names.of_kind(Kind::device))
    if (is_a(names, *device, id)) found.push_back(device);
  return found;
}

const AmlValue* resource_value(const AmlNamespace& names, const AmlObject& object) {
  if (const AmlValue* const constant = names.constant(object)) return constant;
  const AmlObject* at = &object;
  for (unsigned hops = 0; at && hops < 4; ++hops) {
    for (const auto& [name, value] : at->locals)
      if (value.kind == ValueKind::buffer) return &value;
    at = at->calls.empty() ? nullptr : names.resolve(parent_path(at->path), at->calls);
  }
  return nullptr;
}

bool overlap(std::uint64_t first, std::uint64_t last, std::uint64_t other_first, std::uint64_t other_last) {
  return first <= other_last && other_first <= last;
}

void check_namespace(const AmlNamespace& names, const std::set<unsigned>& processors, const Tables& tables,
                     Findings& findings) {
  for (const std::string& error : names.errors())
    findings.add("aml-syntax", error + "; AML must be readable as a whole");
  check_predefined(names, findings);
  check_packages(names, findings);
  check_identities(names, findings);
  const std::vector<Claim> claims = check_templates(names, findings);
  check_ports(names, claims, tables.board, findings);
  check_interrupts(names, claims, tables.board, findings);
  check_memory(claims, tables, findings);
  check_legacy(names, tables.board, findings);
  check_regions(names, tables.board, findings);
  check_power(names, findings);
  check_processors(names, processors, findings);
}

}  // namespace lockstitch::acpi_check

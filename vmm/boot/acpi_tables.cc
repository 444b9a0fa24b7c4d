// See acpi_tables.h.
#include "vmm/boot/acpi_tables.h"

#include <algorithm>
#include <string_view>

#include "lockstitch/limits.h"
#include "vmm/boot/aml.h"
#include "vmm/boot/guest_image.h"
#include "vmm/boot/little_endian.h"

namespace lockstitch::boot {

namespace {

using Table = std::vector<std::uint8_t>;

constexpr std::size_t header_bytes = 36, length_at = 4, checksum_at = 9;
constexpr std::size_t rsdp_bytes = 36, facs_at = 64, facs_bytes = 64, tables_at = 128;

constexpr std::uint16_t sci = 9, smi_command = 0xb2, pm_base = 0x600, gpe0 = 0xafe0, reset_port = 0xcf9;
constexpr std::uint8_t acpi_enable = 0xf1, acpi_disable = 0xf0, reset_value = 0x06, century_register = 0x32;
constexpr std::uint32_t ioapic_gpa = 0xfec0'0000, lapic_gpa = 0xfee0'0000;

// FADT flags (ACPI 6.3 table 5-34): WBINVD, C1, no sleep button, reset register, prefer the PM timer. Bit 4 clear:
// there is a fixed power button.
constexpr std::uint32_t fadt_flags = 1u << 0 | 1u << 2 | 1u << 5 | 1u << 10 | 1u << 15;
// IAPC_BOOT_ARCH.
constexpr std::uint16_t legacy_devices = 1 << 0, has_8042 = 1 << 1, no_vga = 1 << 2;

void put_text(Table& table, std::size_t at, std::string_view text) {
  std::copy(text.begin(), text.end(), table.begin() + at);
}

/// A table with its header; checksum and length are set by finish().
Table new_table(std::string_view signature, std::uint8_t revision, std::size_t bytes = header_bytes) {
  Table table(bytes);
  put_text(table, 0, signature);
  table[8] = revision;
  put_text(table, 10, "LOCKSTLSPC-1");
  put<std::uint32_t>(table, 24, 1);
  put_text(table, 28, "LSTC");
  put<std::uint32_t>(table, 32, 1);
  return table;
}

std::uint8_t checksum(Bytes bytes) {
  std::uint8_t sum = 0;
  for (const std::uint8_t byte : bytes) sum = static_cast<std::uint8_t>(sum + byte);
  return static_cast<std::uint8_t>(-sum);
}

void finish(Table& table) {
  put<std::uint32_t>(table, length_at, table.size());
  table[checksum_at] = 0;
  table[checksum_at] = checksum(table);
}

void append(Table& table, std::initializer_list<std::uint8_t> bytes) { table.insert(table.end(), bytes); }

void append32(Table& table, std::uint32_t value) {
  table.resize(table.size() + 4);
  put<std::uint32_t>(table, table.size() - 4, value);
}

/// A generic address structure for an I/O port.
void put_port(Table& table, std::size_t at, std::uint16_t port, std::uint8_t bits, std::uint8_t access) {
  table[at] = 1;  // system I/O
  table[at + 1] = bits;
  table[at + 3] = access;  // 1 byte, 2 word, 3 double word
  put<std::uint64_t>(table, at + 4, port);
}

Table fadt(const AcpiRequest& request, Gpa facs, Gpa dsdt) {
  Table t = new_table("FACP", 3, 244);
  put<std::uint32_t>(t, 36, facs);
  put<std::uint32_t>(t, 40, dsdt);
  t[44] = 1;  // INT_MODEL of ACPI 1.0: two 8259 and APICs
  put<std::uint16_t>(t, 46, sci);
  put<std::uint32_t>(t, 48, smi_command);
  t[52] = acpi_enable;
  t[53] = acpi_disable;
  put<std::uint32_t>(t, 56, pm_base);
  put<std::uint32_t>(t, 64, pm_base + 4);
  put<std::uint32_t>(t, 76, pm_base + 8);
  put<std::uint32_t>(t, 80, gpe0);
  t[88] = 4;                         // PM1 event block
  t[89] = 2;                         // PM1 control block
  t[91] = 4;                         // PM timer
  t[92] = 4;                         // GPE0 block
  put<std::uint16_t>(t, 96, 0xfff);  // no C2
  put<std::uint16_t>(t, 98, 0xfff);  // no C3
  t[108] = century_register;
  put<std::uint16_t>(t, 109,
                     legacy_devices | (request.keyboard_controller ? has_8042 : 0) | (request.vga ? 0 : no_vga));
  put<std::uint32_t>(t, 112, fadt_flags);
  put_port(t, 116, reset_port, 8, 1);
  t[128] = reset_value;
  put<std::uint64_t>(t, 140, dsdt);
  put_port(t, 148, pm_base, 32, 2);
  put_port(t, 172, pm_base + 4, 16, 2);
  put_port(t, 208, pm_base + 8, 32, 3);
  put_port(t, 220, gpe0, 32, 1);
  finish(t);
  return t;
}

Table madt(const AcpiRequest& request) {
  Table t = new_table("APIC", 1);
  append32(t, lapic_gpa);
  append32(t, 1);  // PCAT_COMPAT: the 8259 pair is there too
  for (unsigned i = 0; i < request.cpus; ++i) {
    const auto id = static_cast<std::uint8_t>(i);
    append(t, {0, 8, id, id, 1, 0, 0, 0});
  }
  append(t, {1, 12, 0, 0});  // IOAPIC 0
  append32(t, ioapic_gpa);
  append32(t, 0);  // first GSI
  auto override_irq = [&](std::uint8_t irq, std::uint8_t gsi, std::uint8_t flags) {
    append(t, {2, 10, 0, irq, gsi, 0, 0, 0, flags, 0});
  };
  override_irq(0, 2, 0);
  for (const std::uint8_t irq : {5, 9, 10, 11}) override_irq(irq, irq, 0x0d);  // level, active high
  append(t, {4, 6, 0xff, 0, 0, 1});                                            // NMI on LINT1 of every CPU
  finish(t);
  return t;
}

Table waet() {
  Table t = new_table("WAET", 1);
  append32(t, 1 << 1);  // one read of the PM timer is good; the RTC needs its register C read
  finish(t);
  return t;
}

/// Source: IA-PC HPET specification 1.0a 3.2.4
Table hpet() {
  constexpr std::uint32_t hpet_gpa = 0xfed0'0000;
  Table t = new_table("HPET", 1);
  append32(t, 0x8086'a201);  // the low half of its capabilities
  append(t, {0, 64, 0, 0});  // memory, 64 bits
  append32(t, hpet_gpa);
  append32(t, 0);
  append(t, {0, 0, 0, 0});  // number 0; least period of periodic mode; no page protection
  finish(t);
  return t;
}

Table dsdt(const AcpiRequest& request) {
  const Bytes aml = request.keyboard_controller ? dsdt_keyboard_aml() : dsdt_aml();
  Table t(aml.begin(), aml.end());
  // The window as dsdt.asl has it: first, last, translation, length (ACPI 6.3 6.4.3.5.2).
  static constexpr std::array<std::uint8_t, 16> window{0x00, 0x00, 0x00, 0xc0, 0xff, 0xff, 0xbf, 0xfe,
                                                       0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0xc0, 0x3e};
  const auto found = std::search(t.begin(), t.end(), window.begin(), window.end());
  LS_ASSERT(found != t.end());
  const std::size_t at = found - t.begin();
  const auto last = get<std::uint32_t>(t, at + 4);
  put<std::uint32_t>(t, at, request.low_ram_end);
  put<std::uint32_t>(t, at + 12, last - static_cast<std::uint32_t>(request.low_ram_end) + 1);
  finish(t);
  return t;
}

/// Scope (\_SB) { Processor (CPnn, n, 0, 0) {} ... }: the old form, which XP knows (ACPI 5.1 19.6.108, 20.2.5.2).
Table processors(const AcpiRequest& request) {
  static constexpr char hex[] = "0123456789ABCDEF";
  Table t = new_table("SSDT", 1);
  // Package length in three bytes: itself, the name "\_SB_", and 13 bytes for each processor.
  const unsigned length = 3 + 5 + 13 * request.cpus;
  append(t, {0x10, static_cast<std::uint8_t>(0x80 | (length & 15)), static_cast<std::uint8_t>(length >> 4),
             static_cast<std::uint8_t>(length >> 12), '\\', '_', 'S', 'B', '_'});
  for (unsigned i = 0; i < request.cpus; ++i) {
    append(t, {0x5b, 0x83, 11, 'C', 'P', static_cast<std::uint8_t>(hex[i >> 4]), static_cast<std::uint8_t>(hex[i & 15]),
               static_cast<std::uint8_t>(i), 0, 0, 0, 0, 0});
  }
  finish(t);
  return t;
}

/// RSDT or XSDT: the addresses of the other tables, 4 or 8 bytes each.
Table root(std::string_view signature, unsigned pointer_bytes, const std::vector<Gpa>& entries) {
  Table t = new_table(signature, 1, header_bytes + pointer_bytes * entries.size());
  for (std::size_t i = 0; i < entries.size(); ++i)
    put<std::uint32_t>(t, header_bytes + pointer_bytes * i, entries[i]);  // all below 4 GiB
  finish(t);
  return t;
}

Table rsdp(Gpa rsdt, Gpa xsdt) {
  Table t(rsdp_bytes);
  put_text(t, 0, "RSD PTR ");
  put_text(t, 9, "LOCKST");
  t[15] = 2;  // revision
  put<std::uint32_t>(t, 16, rsdt);
  put<std::uint32_t>(t, 20, rsdp_bytes);
  put<std::uint64_t>(t, 24, xsdt);
  t[8] = checksum(Bytes(t).first(20));
  t[32] = checksum(t);
  return t;
}

}  // namespace

AcpiImage build_acpi_image(const AcpiRequest& request, Gpa base) {
  LS_ASSERT(request.cpus >= 1 && request.cpus <= 255);
  LS_ASSERT_CMP(request.low_ram_end, <=, limits::low_ram_max_bytes);

  AcpiImage image;
  Table& bytes = image.bytes;
  bytes.resize(tables_at);
  put_text(bytes, facs_at, "FACS");
  put<std::uint32_t>(bytes, facs_at + 4, facs_bytes);
  bytes[facs_at + 32] = 1;  // version

  const auto place = [&](const Table& table) -> std::size_t {
    bytes.resize((bytes.size() + 15) & ~std::size_t{15});
    const std::size_t at = bytes.size();
    bytes.insert(bytes.end(), table.begin(), table.end());
    image.sums.push_back({at + checksum_at, at, table.size()});
    return at;
  };
  const std::size_t dsdt_at = place(dsdt(request));
  const std::size_t fadt_at = place(fadt(request, base + facs_at, base + dsdt_at));
  for (const std::size_t offset : {36, 40}) image.pointers.push_back({fadt_at + offset, 4});
  image.pointers.push_back({fadt_at + 140, 8});
  std::vector<std::size_t> listed{fadt_at, place(madt(request)), place(waet()), place(processors(request))};
  const auto place_aml = [&](Bytes aml) { listed.push_back(place(Table(aml.begin(), aml.end()))); };
  if (request.pvpanic) place_aml(pvpanic_aml());
  if (request.hpet) {
    listed.push_back(place(hpet()));
    place_aml(hpet_aml());
  }

  std::vector<Gpa> addresses;
  for (const std::size_t at : listed) addresses.push_back(base + at);
  image.rsdt_at = place(root("RSDT", 4, addresses));
  image.xsdt_at = place(root("XSDT", 8, addresses));
  for (std::size_t i = 0; i < listed.size(); ++i) {
    image.pointers.push_back({image.rsdt_at + header_bytes + 4 * i, 4});
    image.pointers.push_back({image.xsdt_at + header_bytes + 8 * i, 8});
  }
  return image;
}

std::vector<std::uint8_t> acpi_root_pointer(Gpa rsdt, Gpa xsdt) { return rsdp(rsdt, xsdt); }

std::vector<std::uint8_t> acpi_tables(const AcpiRequest& request) {
  AcpiImage image = build_acpi_image(request, acpi_tables_gpa);
  const Table pointer = rsdp(acpi_tables_gpa + image.rsdt_at, acpi_tables_gpa + image.xsdt_at);
  std::copy(pointer.begin(), pointer.end(), image.bytes.begin());
  LS_ASSERT_CMP(image.bytes.size(), <=, acpi_tables_max_bytes);
  return std::move(image.bytes);
}

Result<Gpa> store_acpi_tables(GuestMemory& memory, const AcpiRequest& request) {
  if (auto stored = store(memory, acpi_tables_gpa, acpi_tables(request), "the set of ACPI tables"); !stored)
    return stored.error();
  return acpi_tables_gpa;
}

}  // namespace lockstitch::boot

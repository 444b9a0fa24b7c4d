// See placed_tables.h. Source of the board: reference/platform.md 2.2-2.5.
#include "tests/unit/acpi/placed_tables.h"

#include <algorithm>
#include <stdexcept>

#include "vmm/boot/firmware_files.h"
#include "vmm/boot/little_endian.h"
#include "vmm/boot/memory_layout.h"

namespace lockstitch::acpi_check {

using boot::get;
using boot::put;

namespace {

constexpr unsigned command_bytes = 128, name_bytes = 56;

boot::MemoryLayout layout_of(const Configuration& configuration) {
  return boot::memory_layout(configuration.memory_mib << 20).value();
}

/// Carries out the commands as SeaBIOS and OVMF do. A command that they would refuse is thrown.
class Loader {
 public:
  Loader(const boot::FirmwareFiles& files, Gpa tables_at, Gpa rsdp_at)
      : files_(files.files), high_(tables_at), low_(rsdp_at) {
    const std::vector<std::uint8_t>& commands = files_.at("etc/table-loader");
    for (std::size_t at = 0; at + command_bytes <= commands.size(); at += command_bytes)
      run(Bytes(commands).subspan(at, command_bytes));
  }
  Gpa place(const std::string& file) const { return places_.at(file); }
  const std::vector<std::uint8_t>& bytes(const std::string& file) const { return files_.at(file); }

 private:
  static std::string name(Bytes command, std::size_t at) {
    const Bytes field = command.subspan(at, name_bytes);
    return {field.begin(), std::find(field.begin(), field.end(), std::uint8_t{0})};
  }
  static void require(bool right, const char* what) {
    if (!right) throw std::runtime_error(std::string("the table loader ") + what);
  }
  void run(Bytes command) {
    const std::string file = name(command, 4);
    std::vector<std::uint8_t>& bytes = files_.at(file);
    switch (get<std::uint32_t>(command, 0)) {
      case 1: {
        const std::uint64_t alignment = get<std::uint32_t>(command, 4 + name_bytes);
        require(alignment != 0 && (alignment & (alignment - 1)) == 0, "is to align to what is no power of two");
        Gpa& next = command[8 + name_bytes] == 2 ? low_ : high_;
        next = (next + alignment - 1) & ~(alignment - 1);
        require(places_.emplace(file, next).second, "is to place a file twice");
        next += bytes.size();
        break;
      }
      case 2: {
        const Gpa target = place(name(command, 4 + name_bytes));
        const auto at = get<std::uint32_t>(command, 4 + 2 * name_bytes);
        if (command[8 + 2 * name_bytes] == 4) {
          const std::uint64_t sum = get<std::uint32_t>(bytes, at) + target;
          require(sum >> 32 == 0, "has a pointer that does not fit");
          put<std::uint32_t>(bytes, at, sum);
        } else {
          require(command[8 + 2 * name_bytes] == 8, "has a pointer of an unknown width");
          put<std::uint64_t>(bytes, at, get<std::uint64_t>(bytes, at) + target);
        }
        break;
      }
      case 3: {
        const auto at = get<std::uint32_t>(command, 4 + name_bytes),
                   start = get<std::uint32_t>(command, 8 + name_bytes),
                   length = get<std::uint32_t>(command, 12 + name_bytes);
        std::uint8_t sum = 0;
        for (const std::uint8_t byte : Bytes(bytes).subspan(start, length)) sum = static_cast<std::uint8_t>(sum + byte);
        bytes.at(at) = static_cast<std::uint8_t>(bytes.at(at) - sum);
        break;
      }
      default:
        require(false, "has a command that it does not know");
    }
  }

  std::map<std::string, std::vector<std::uint8_t>> files_;
  std::map<std::string, Gpa> places_;
  Gpa high_, low_;
};

}  // namespace

std::string describe(const Configuration& c) {
  return std::to_string(c.cpus) + " CPUs, " + std::to_string(c.memory_mib) + " MiB" + (c.display ? ", display" : "") +
         (c.pvpanic ? ", pvpanic" : "") + (c.hpet ? ", HPET" : "") + (c.firmware ? ", firmware" : "");
}

boot::AcpiRequest request_of(const Configuration& c) {
  boot::AcpiRequest request;
  request.cpus = c.cpus;
  request.low_ram_end = layout_of(c).low_ram_end;
  request.keyboard_controller = request.vga = c.display;
  request.pvpanic = c.pvpanic;
  request.hpet = c.hpet;
  return request;
}

BoardFacts board_of(const Configuration& c) {
  BoardFacts board;
  board.cpus = c.cpus;
  board.keyboard = board.vga = c.display;
  board.hpet = c.hpet;
  board.pvpanic = c.pvpanic;
  // Bridge, IDE, power management (its pin A is the SCI), display, network card, then virtio up to the last slot.
  board.pci = {{0, 0, 0}, {1, 0, 0}, {1, 3, 1}};
  if (c.firmware) board.pci.push_back({1, 1, 0});
  if (c.display) board.pci.push_back({2, 0, 0});
  if (c.firmware) board.pci.push_back({3, 0, 1});
  for (unsigned slot = 4; slot < 32; ++slot) board.pci.push_back({slot, 0, 1});
  board.ports = {{0x00, 16}, {0x20, 2},  {0x40, 4},   {0x61, 1},   {0x70, 2}, {0x80, 16}, {0x92, 1},
                 {0xa0, 2},  {0xb2, 2},  {0xc0, 32},  {0xed, 1},   {0xf0, 2}, {0x3f8, 8}, {0x402, 1},
                 {0x4d0, 2}, {0x501, 4}, {0x600, 64}, {0xafe0, 4}, {0xcf8, 8}};
  if (c.display) board.ports.insert(board.ports.end(), {{0x60, 1}, {0x64, 1}, {0x3b0, 48}, {0x1ce, 4}});
  if (c.pvpanic) board.ports.push_back({0x505, 1});
  if (c.firmware)
    board.ports.insert(board.ports.end(), {{0x510, 2}, {0x514, 8}, {0x1f0, 8}, {0x3f6, 1}, {0x170, 8}, {0x376, 1}});
  board.board_memory = {
      {0xc'0000, 0x4'0000}, {board.ioapic, 0x1000}, {board.local_apic, 0x1000}, {0xffc0'0000, 0x40'0000}};
  if (c.hpet) board.board_memory.push_back({board.hpet_gpa, 0x400});
  return board;
}

Tables PlacedTables::tables() const {
  Tables tables;
  tables.rsdp = rsdp;
  tables.e820 = e820;
  tables.board = board;
  tables.read = [this](Gpa at, std::uint64_t length) -> std::vector<std::uint8_t> {
    auto block = memory.upper_bound(at);
    if (block == memory.begin()) return {};
    --block;
    const std::uint64_t offset = at - block->first;
    if (offset >= block->second.size()) return {};
    const Bytes rest = Bytes(block->second).subspan(offset);
    const Bytes read = rest.first(std::min<std::uint64_t>(length, rest.size()));
    return {read.begin(), read.end()};
  };
  return tables;
}

PlacedTables placed_directly(const Configuration& configuration) {
  PlacedTables placed;
  placed.rsdp = boot::acpi_tables_gpa;
  placed.memory[boot::acpi_tables_gpa] = boot::acpi_tables(request_of(configuration));
  for (const boot::MemoryRegion& region : layout_of(configuration).regions)
    placed.e820.push_back({region.base, region.length, static_cast<unsigned>(region.kind)});
  placed.board = board_of(configuration);
  return placed;
}

PlacedTables placed_by_firmware(const Configuration& configuration, Gpa tables_at, Gpa rsdp_at) {
  const boot::MemoryLayout layout = layout_of(configuration);
  std::vector<boot::MemoryRegion> ram{{0, layout.low_ram_end}};
  if (layout.high_ram_bytes) ram.push_back({boot::four_gib, layout.high_ram_bytes});
  boot::FirmwareRequest request;
  request.ram = ram;
  request.acpi = request_of(configuration);
  const Loader loader(boot::firmware_files(request), tables_at, rsdp_at);

  PlacedTables placed;
  placed.rsdp = loader.place("etc/acpi/rsdp");
  for (const char* const file : {"etc/acpi/rsdp", "etc/acpi/tables"})
    placed.memory[loader.place(file)] = loader.bytes(file);
  // What SeaBIOS leaves: the EBDA, the BIOS, and whole pages for the tables.
  placed.e820 = {{0, 0x9'fc00, 1}, {0x9'fc00, 0x400, 2}, {0xe'0000, 0x2'0000, 2}};
  const Gpa reserved = loader.place("etc/acpi/tables") & ~page_mask;
  const Gpa end = (loader.place("etc/acpi/tables") + loader.bytes("etc/acpi/tables").size() + page_mask) & ~page_mask;
  if (end > layout.low_ram_end || reserved < 0x10'0000) throw std::runtime_error("the tables do not fit into RAM");
  placed.e820.push_back({0x10'0000, reserved - 0x10'0000, 1});
  placed.e820.push_back({reserved, end - reserved, 3});
  if (end < layout.low_ram_end) placed.e820.push_back({end, layout.low_ram_end - end, 1});
  placed.e820.push_back({0xfffc'0000, 0x4'0000, 2});
  if (layout.high_ram_bytes) placed.e820.push_back({boot::four_gib, layout.high_ram_bytes, 1});
  placed.board = board_of(configuration);
  return placed;
}

std::vector<std::vector<std::uint8_t>> loose_tables(const PlacedTables& placed) {
  const Tables tables = placed.tables();
  const auto table = [&](Gpa at) { return tables.read(at, get<std::uint32_t>(tables.read(at, 36), 4)); };
  const std::vector<std::uint8_t> rsdt = table(get<std::uint32_t>(tables.read(placed.rsdp, 36), 16));
  std::vector<std::vector<std::uint8_t>> loose;
  Gpa dsdt = 0;
  for (std::size_t at = 36; at + 4 <= rsdt.size(); at += 4) {
    loose.push_back(table(get<std::uint32_t>(rsdt, at)));
    if (loose.back()[0] == 'F') dsdt = get<std::uint32_t>(loose.back(), 40);
  }
  loose.push_back(table(dsdt));
  return loose;
}

}  // namespace lockstitch::acpi_check

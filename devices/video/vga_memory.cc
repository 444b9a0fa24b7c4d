// See vga_memory.h.
#include "devices/video/vga_memory.h"

#include <algorithm>
#include <array>

namespace lockstitch {
namespace {
constexpr std::uint64_t bank_bytes = 64 << 10;
constexpr std::uint64_t plane_bytes = 64 << 10;                // of a VGA, outside dispi modes
constexpr unsigned sequential = 0x04, chain_4 = 0x08;          // sequencer 4
constexpr unsigned read_compare = 0x08, read_odd_even = 0x10;  // graphics 5

/// A byte of ones for every plane in the set.
constexpr std::uint32_t spread(unsigned planes) {
  std::uint32_t all = 0;
  for (unsigned p = 0; p < 4; ++p)
    if (planes >> p & 1) all |= 0xffu << (8 * p);
  return all;
}
constexpr std::uint32_t in_every_plane(unsigned value) { return (value & 0xff) * 0x0101'0101u; }
}  // namespace

std::uint64_t VgaMemory::read_linear(std::uint64_t offset, unsigned width) const {
  const Bytes memory = memory_.contents();
  std::uint64_t value = ones(width);
  for (unsigned i = 0; i < width; ++i) {
    const std::uint64_t at = dispi_.bank_offset() + offset + i;
    if (offset + i >= bank_bytes || at >= memory.size()) continue;
    value = (value & ~(std::uint64_t{0xff} << (8 * i))) | std::uint64_t{memory[at]} << (8 * i);
  }
  return value;
}

void VgaMemory::write_linear(std::uint64_t offset, unsigned width, std::uint64_t value) {
  const std::uint64_t at = dispi_.bank_offset() + offset, size = memory_.contents().size();
  if (offset >= bank_bytes || at >= size) return;
  std::array<std::uint8_t, 8> bytes;
  for (unsigned i = 0; i < width; ++i) bytes[i] = static_cast<std::uint8_t>(value >> (8 * i));
  memory_.write(at, Bytes(bytes).first(std::min<std::uint64_t>({width, bank_bytes - offset, size - at})));
}

std::uint64_t VgaMemory::read(std::uint64_t offset, unsigned width) {
  if (linear()) return read_linear(offset, width);
  std::uint64_t value = 0;
  for (unsigned i = 0; i < width; ++i) value |= std::uint64_t{read_byte(offset + i)} << (8 * i);
  return value;
}

void VgaMemory::write(std::uint64_t offset, unsigned width, std::uint64_t value) {
  if (linear()) return write_linear(offset, width, value);
  for (unsigned i = 0; i < width; ++i) write_byte(offset + i, static_cast<std::uint8_t>(value >> (8 * i)));
}

std::optional<std::uint64_t> VgaMemory::decoded(std::uint64_t offset) const {
  std::uint64_t first = 0, size = window_bytes;
  switch (vga_.graphics(6) >> 2 & 3) {
    case 0:
      break;
    case 1:
      size = 0x10000;
      break;
    case 2:
      first = 0x10000, size = 0x8000;
      break;
    default:
      first = 0x18000, size = 0x8000;
      break;
  }
  if (offset < first || offset - first >= size) return std::nullopt;
  return offset - first;
}

std::optional<std::uint64_t> VgaMemory::dword_at(std::uint64_t address) const {
  const std::uint64_t at = 4 * (dispi_.enabled() ? address + dispi_.bank_offset() : address % plane_bytes);
  if (at + 4 > memory_.contents().size()) return std::nullopt;
  return at;
}

std::uint8_t VgaMemory::read_byte(std::uint64_t offset) {
  auto address = decoded(offset);
  if (!address) return 0xff;
  unsigned plane = vga_.graphics(4);
  if (vga_.sequencer(4) & chain_4) {
    plane = *address & 3;
    *address &= ~std::uint64_t{3};
  } else if (vga_.graphics(5) & read_odd_even) {
    plane = (plane & 2) | (*address & 1);
    *address &= ~std::uint64_t{1};
  }
  const auto at = dword_at(*address);
  if (!at) return 0xff;
  const Bytes memory = memory_.contents().subspan(*at, 4);
  latches_ =
      memory[0] | std::uint32_t{memory[1]} << 8 | std::uint32_t{memory[2]} << 16 | std::uint32_t{memory[3]} << 24;
  if (!(vga_.graphics(5) & read_compare)) return static_cast<std::uint8_t>(latches_ >> (8 * plane));
  // Bits of planes that count and differ from the colour.
  const std::uint32_t differ = (latches_ ^ spread(vga_.graphics(2))) & spread(vga_.graphics(7));
  return static_cast<std::uint8_t>(~(differ | differ >> 8 | differ >> 16 | differ >> 24));
}

std::uint32_t VgaMemory::blended(std::uint8_t value) const {
  const unsigned mode = vga_.graphics(5) & 3, turn = vga_.graphics(3) & 7;
  const auto turned = static_cast<std::uint8_t>(value >> turn | value << (8 - turn));
  std::uint32_t mask = in_every_plane(vga_.graphics(8)), data;
  switch (mode) {
    case 0: {
      const std::uint32_t fixed = spread(vga_.graphics(1));
      data = (in_every_plane(turned) & ~fixed) | (spread(vga_.graphics(0)) & fixed);
      break;
    }
    case 2:
      data = spread(value & 0x0f);
      break;
    default:
      data = spread(vga_.graphics(0));
      mask &= in_every_plane(turned);
      break;
  }
  switch (vga_.graphics(3) >> 3 & 3) {
    case 0:
      break;
    case 1:
      data &= latches_;
      break;
    case 2:
      data |= latches_;
      break;
    default:
      data ^= latches_;
      break;
  }
  return (data & mask) | (latches_ & ~mask);
}

void VgaMemory::write_byte(std::uint64_t offset, std::uint8_t value) {
  auto address = decoded(offset);
  if (!address) return;
  unsigned planes = vga_.sequencer(2);
  if (vga_.sequencer(4) & chain_4) {
    planes &= 1u << (*address & 3);
    *address &= ~std::uint64_t{3};
  } else if (!(vga_.sequencer(4) & sequential)) {
    planes &= *address & 1 ? 0x0a : 0x05;
    *address &= ~std::uint64_t{1};
  }
  const auto at = dword_at(*address);
  if (!at || planes == 0) return;
  const std::uint32_t data = (vga_.graphics(5) & 3) == 1 ? latches_ : blended(value);
  const Bytes memory = memory_.contents().subspan(*at, 4);
  std::array<std::uint8_t, 4> bytes;
  for (unsigned p = 0; p < 4; ++p) bytes[p] = planes >> p & 1 ? static_cast<std::uint8_t>(data >> (8 * p)) : memory[p];
  memory_.write(*at, bytes);
}

}  // namespace lockstitch

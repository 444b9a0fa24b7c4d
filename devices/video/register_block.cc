// See register_block.h.
#include "devices/video/register_block.h"

#include "devices/video/edid.h"

namespace lockstitch {
namespace {
constexpr std::uint64_t edid_end = 0x400;
constexpr std::uint64_t vga_first = 0x400, vga_end = 0x420, vga_first_port = 0x3c0;
constexpr std::uint64_t dispi_first = 0x500, dispi_end = dispi_first + 2 * Dispi::registers;
constexpr std::uint64_t extension_first = 0x600;
constexpr std::array<std::uint8_t, 8> extension = {8, 0, 0, 0, 0x1e, 0x1e, 0x1e, 0x1e};  // its size; little-endian
}  // namespace

RegisterBlock::RegisterBlock(VgaRegisters& vga, Dispi& dispi) : vga_(vga), dispi_(dispi), edid_(edid()) {}

std::uint8_t RegisterBlock::read_byte(std::uint64_t offset) {
  if (offset < edid_end) return offset < edid_.size() ? edid_[offset] : 0;
  if (offset >= vga_first && offset < vga_end)
    return vga_.read_byte(offset - vga_first + vga_first_port - VgaRegisters::first_port);
  if (offset >= dispi_first && offset < dispi_end) {
    const unsigned index = static_cast<unsigned>(offset - dispi_first) / 2;
    return static_cast<std::uint8_t>(dispi_.read(index) >> (offset % 2 * 8));
  }
  if (offset >= extension_first && offset - extension_first < extension.size())
    return extension[offset - extension_first];
  return 0;
}

std::uint64_t RegisterBlock::read(std::uint64_t offset, unsigned width) {
  std::uint64_t value = 0;
  for (unsigned i = 0; i < width; ++i) value |= std::uint64_t{read_byte(offset + i)} << (8 * i);
  return value;
}

void RegisterBlock::write(std::uint64_t offset, unsigned width, std::uint64_t value) {
  for (unsigned i = 0; i < width; ++i) {
    const std::uint64_t at = offset + i;
    if (at >= vga_first && at < vga_end)
      vga_.write_byte(at - vga_first + vga_first_port - VgaRegisters::first_port,
                      static_cast<std::uint8_t>(value >> (8 * i)));
    if (at >= dispi_first && at < dispi_end && at % 2 == 0 && width - i >= 2)
      dispi_.write(static_cast<unsigned>(at - dispi_first) / 2, static_cast<std::uint16_t>(value >> (8 * i)));
  }
}

}  // namespace lockstitch

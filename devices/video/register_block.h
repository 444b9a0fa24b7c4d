// The registers of the adapter in memory space: the monitor's EDID, the VGA's ports 3C0h-3DFh, the display interface.
// Source: reference/platform.md 7.13.
#pragma once
#include <array>

#include "devices/video/dispi.h"
#include "devices/video/vga_registers.h"

namespace lockstitch {

/// Without state of its own. Ignored: a change of byte order, and writes of single bytes to 16-bit registers.
class RegisterBlock final : public RegisterWindow {
 public:
  static constexpr std::uint64_t block_bytes = 4096;

  RegisterBlock(VgaRegisters& vga, Dispi& dispi);
  std::uint64_t read(std::uint64_t offset, unsigned width) override;
  void write(std::uint64_t offset, unsigned width, std::uint64_t value) override;

 private:
  std::uint8_t read_byte(std::uint64_t offset);

  VgaRegisters& vga_;
  Dispi& dispi_;
  std::array<std::uint8_t, 128> edid_;
};

}  // namespace lockstitch

// The 128 KiB at A0000h through which the guest reaches video memory as a VGA shows it: four planes behind latches, or
// a 64 KiB piece of a linear mode. Byte `address` of plane p is byte 4 * address + p of video memory. Not here: what
// memory means on the screen (picture_view.h). Source: IBM VGA technical reference.
#pragma once
#include <cstdint>
#include <optional>

#include "devices/video/dispi.h"
#include "devices/video/vga_registers.h"
#include "lockstitch/device.h"

namespace lockstitch {

class VgaMemory final : public RegisterWindow {
 public:
  static constexpr std::uint64_t window_bytes = 128 << 10;

  VgaMemory(const VgaRegisters& vga, const Dispi& dispi, DeviceMemory& memory)
      : vga_(vga), dispi_(dispi), memory_(memory) {}

  std::uint64_t read(std::uint64_t offset, unsigned width) override;
  void write(std::uint64_t offset, unsigned width, std::uint64_t value) override;

  void reset() { latches_ = 0; }
  void visit(StateVisitor& visitor) { visitor.field("latches", latches_); }

 private:
  bool linear() const { return dispi_.enabled() && !dispi_.planar(); }
  std::uint64_t read_linear(std::uint64_t offset, unsigned width) const;
  void write_linear(std::uint64_t offset, unsigned width, std::uint64_t value);

  /// Where an offset of the window falls in the adapter's address space; nothing: the adapter does not answer.
  std::optional<std::uint64_t> decoded(std::uint64_t offset) const;
  /// The same address in each plane. Range: four bytes from there are in video memory.
  std::optional<std::uint64_t> dword_at(std::uint64_t address) const;
  std::uint8_t read_byte(std::uint64_t offset);
  void write_byte(std::uint64_t offset, std::uint8_t value);
  /// Write modes 0, 2 and 3 before the map mask: a byte for each plane.
  std::uint32_t blended(std::uint8_t value) const;

  const VgaRegisters& vga_;
  const Dispi& dispi_;
  DeviceMemory& memory_;

  std::uint32_t latches_ = 0;  ///< plane 0 in the lowest byte
};

}  // namespace lockstitch

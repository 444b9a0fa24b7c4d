// The Bochs VBE display interface: a few 16-bit registers that set linear modes beyond VGA. Not here: the window at
// A0000h (vga_memory.h) and the picture (picture_view.h). Source: reference/platform.md 7.13; the Bochs VBE interface.
#pragma once
#include <array>
#include <cstdint>

#include "devices/video/vga_registers.h"
#include "lockstitch/device.h"

namespace lockstitch {

class Dispi {
 public:
  static constexpr unsigned registers = 11;
  static constexpr unsigned max_width = 16000, max_height = 12000, max_depth = 32;

  /// The mode that is on. Shape: memory holds rows of `pitch` bytes; the picture begins at `start`. All of it lies in
  /// video memory. With 4 bits four planes share a dword that holds eight pixels.
  struct Mode {
    unsigned width, height;
    unsigned depth;       ///< 4, 8, 15, 16, 24 or 32
    unsigned pitch;       ///< Unit: bytes
    std::uint64_t start;  ///< Unit: bytes
    unsigned pixel;       ///< Range: 0..7; the first pixel shown of the first dword with 4 bits, else 0
  };

  Dispi(VgaRegisters& vga, DeviceMemory& memory) : vga_(vga), memory_(memory) {}

  bool enabled() const { return values_[enable] & enable_on; }
  bool planar() const { return values_[depth] == 4; }
  /// Range: enabled() only.
  Mode mode() const;
  /// Unit: bytes; what the window at A0000h is shifted by.
  std::uint64_t bank_offset() const { return std::uint64_t{values_[bank]} << 16; }

  // Range: any index.
  std::uint16_t read(unsigned index) const;
  void write(unsigned index, std::uint16_t value);

  void reset();
  void visit(StateVisitor& visitor);
  void loaded() { vga_.dac().set_wide(values_[enable] & enable_wide_dac); }

 private:
  enum Index : unsigned {
    id,
    width,
    height,
    depth,
    enable,
    bank,
    virtual_width,
    virtual_height,
    x_offset,
    y_offset,
    memory_units
  };
  using Values = std::array<std::uint16_t, registers>;
  static constexpr std::uint16_t enable_on = 0x01, enable_capabilities = 0x02, enable_wide_dac = 0x20,
                                 enable_keep_memory = 0x80;
  static constexpr std::uint16_t first_id = 0xb0c0, last_id = 0xb0c5;

  static unsigned bits(const Values& values) { return values[depth] == 15 ? 16 : values[depth]; }
  static unsigned pitch(const Values& values) { return values[virtual_width] * bits(values) / 8; }
  /// What a mode that is on makes of the values written.
  Values settled(Values values) const;
  void settle();
  void write_enable(std::uint16_t value);
  void clear_screen();

  VgaRegisters& vga_;
  DeviceMemory& memory_;

  Values values_{last_id};
};

/// Ports 1CEh-1D1h: index at 1CEh, data at 1CFh and 1D0h, all 16 bits wide; a dword is index and data.
class DispiPorts final : public RegisterWindow {
 public:
  static constexpr unsigned ports = 4;
  explicit DispiPorts(Dispi& dispi) : dispi_(dispi) {}
  std::uint64_t read(std::uint64_t offset, unsigned width) override;
  void write(std::uint64_t offset, unsigned width, std::uint64_t value) override;
  void reset() { index_ = 0; }
  void visit(StateVisitor& visitor) { visitor.field("index", index_); }

 private:
  Dispi& dispi_;
  std::uint16_t index_ = 0;
};

}  // namespace lockstitch

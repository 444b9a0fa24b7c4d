// The registers of a VGA as the guest reaches them through ports 3B0h-3DFh: sequencer, graphics controller, CRT
// controller, attribute controller, DAC and the status that follows from virtual time. Not here: what they do to memory
// (vga_memory.h) and to the picture (raster.h, picture_view.h). Source: IBM VGA technical reference;
// reference/platform.md 7.13.
#pragma once
#include <array>
#include <cstdint>

#include "devices/byte_window.h"
#include "devices/video/dac.h"

namespace lockstitch {

class VgaRegisters final : public ByteWindow {
 public:
  static constexpr unsigned first_port = 0x3b0, ports = 48;

  // Unit: ns. The frame of every mode: 449 lines at 31.47 kHz, 400 of them shown.
  static constexpr std::uint64_t line_ns = 31'778, shown_line_ns = 25'422;
  static constexpr std::uint64_t frame_lines = 449, shown_lines = 400;
  static constexpr std::uint64_t frame_ns = frame_lines * line_ns;

  explicit VgaRegisters(ClockPort& clock) : clock_(clock) {}

  // The offset of the window is from port 3B0h.
  std::uint8_t read_byte(std::uint64_t offset) override;
  void write_byte(std::uint64_t offset, std::uint8_t value) override;

  // Range: an index the controller has.
  unsigned sequencer(unsigned index) const { return sequencer_[index]; }
  unsigned graphics(unsigned index) const { return graphics_[index]; }
  unsigned crtc(unsigned index) const { return crtc_[index]; }
  unsigned attribute(unsigned index) const { return attribute_[index]; }
  Dac& dac() { return dac_; }
  const Dac& dac() const { return dac_; }

  /// The attribute controller shows the screen (bit 5 of its index register).
  bool palette_shown() const { return attribute_index_ & 0x20; }
  /// The sequencer runs and does not hold the screen off.
  bool sequencer_shown() const { return (sequencer_[0] & 3) == 3 && !(sequencer_[1] & 0x20); }
  bool text_mode() const { return !(graphics_[6] & 1); }

  /// What a dispi mode leaves in the legacy registers, for those who read a mode from them. Unit: pitch: bytes.
  void describe_mode(unsigned width, unsigned height, unsigned pitch, bool planar);

  void reset();
  void visit(StateVisitor& visitor);

 private:
  bool colour_ports() const { return misc_ & 1; }
  std::uint8_t status() const;
  void write_attribute(std::uint8_t value);
  void write_crtc(std::uint8_t value);

  ClockPort& clock_;

  std::uint8_t misc_ = 0, feature_ = 0, enable_ = 1;
  std::uint8_t sequencer_index_ = 0, graphics_index_ = 0, crtc_index_ = 0, attribute_index_ = 0;
  bool attribute_data_ = false;  ///< the next write to 3C0h is data
  std::array<std::uint8_t, 5> sequencer_{};
  std::array<std::uint8_t, 9> graphics_{};
  std::array<std::uint8_t, 25> crtc_{};
  std::array<std::uint8_t, 21> attribute_{};
  Dac dac_;
};

}  // namespace lockstitch

// Ports that remember what was written and do nothing: POST codes (80h), the delay port (EDh), the FPU's IRQ 13 latch
// (F0h). Not for absent devices: those are simply not on the bus.
#pragma once
#include <array>
#include <string>

#include "devices/byte_window.h"

namespace lockstitch {

/// Models:   up to 16 one-byte latches
/// Maturity: complete
/// Missing:  nothing
/// Ignored:  every meaning of the values
/// Arrivals: none
/// Effects:  none
/// Alarms:   none
/// Source:   reference/platform.md 2.3, 7.16
class ScratchPort final : public Device, public ByteWindow {
 public:
  explicit ScratchPort(std::string name) : name_(std::move(name)) {}

  std::string_view name() const override { return name_; }
  void reset() override { latches_.fill(0); }
  void visit(StateVisitor& visitor) override { visitor.field("latches", latches_); }

 private:
  std::uint8_t read_byte(std::uint64_t offset) override { return latches_[offset % latches_.size()]; }
  void write_byte(std::uint64_t offset, std::uint8_t value) override { latches_[offset % latches_.size()] = value; }

  std::string name_;
  std::array<std::uint8_t, 16> latches_{};
};

}  // namespace lockstitch

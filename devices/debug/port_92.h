// System control port A: fast A20 and fast reset. The A20 gate itself does not exist: address line 20 is always on.
#pragma once
#include <string>

#include "devices/byte_window.h"

namespace lockstitch {

/// Models:   PS/2 system control port A (port 92h, 1 byte)
/// Maturity: complete for guests that want A20 on
/// Missing:  turning A20 off
/// Ignored:  bit 1 (reads as 1); bits 2-7 are stored
/// Arrivals: none
/// Effects:  none
/// Alarms:   none
/// Source:   reference/platform.md 2.3, 2.6
class Port92 final : public Device, public ByteWindow {
 public:
  Port92(std::string name, PowerPort& power) : name_(std::move(name)), power_(power) {}

  std::string_view name() const override { return name_; }
  void reset() override { value_ = 0; }
  void visit(StateVisitor& visitor) override { visitor.field("value", value_); }

 private:
  std::uint8_t read_byte(std::uint64_t) override { return static_cast<std::uint8_t>(value_ | 2); }
  void write_byte(std::uint64_t, std::uint8_t value) override {
    value_ = value & 0xfc;
    if (value & 1) power_.reset();
  }

  std::string name_;
  PowerPort& power_;
  std::uint8_t value_ = 0;
};

}  // namespace lockstitch

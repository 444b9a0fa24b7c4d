// The PIIX3 reset control register at CF9h. Shares its address with the PCI configuration latch at CF8h, which only
// answers 32-bit accesses; the board puts this window in front for 8-bit ones.
#pragma once
#include <string>

#include "devices/byte_window.h"

namespace lockstitch {

/// Models:   PIIX3 RCR (port CF9h, 1 byte)
/// Maturity: complete
/// Missing:  nothing
/// Ignored:  the difference between soft and hard reset (bit 1 is stored)
/// Arrivals: none
/// Effects:  none
/// Alarms:   none
/// Source:   reference/platform.md 2.6, 7.2
class ResetControl final : public Device, public ByteWindow {
 public:
  ResetControl(std::string name, PowerPort& power) : name_(std::move(name)), power_(power) {}

  std::string_view name() const override { return name_; }
  void reset() override { value_ = 0; }
  void visit(StateVisitor& visitor) override { visitor.field("value", value_); }

 private:
  std::uint8_t read_byte(std::uint64_t) override { return value_; }
  void write_byte(std::uint64_t, std::uint8_t value) override {
    value_ = value & 2;
    if (value & 4) power_.reset();
  }

  std::string name_;
  PowerPort& power_;
  std::uint8_t value_ = 0;
};

}  // namespace lockstitch

// Port 61h, system control port B: the gate and the output of PIT channel 2 and the refresh toggle.
#pragma once
#include <string>

#include "devices/byte_window.h"
#include "devices/timer/pit_8254.h"

namespace lockstitch {

/// Models:   system control port B (port 61h, 1 byte)
/// Maturity: complete
/// Missing:  sound; NMI sources (bits 6 and 7 read 0)
/// Ignored:  bits 2 and 3
/// Arrivals: none
/// Effects:  none
/// Alarms:   none
/// Source:   reference/platform.md 7.5
class Port61 final : public Device, public ByteWindow {
 public:
  Port61(std::string name, Pit8254& pit, ClockPort& clock) : name_(std::move(name)), pit_(pit), clock_(clock) {}

  std::string_view name() const override { return name_; }
  /// The gate belongs to the PIT, which resets it.
  void reset() override { speaker_ = false; }
  void visit(StateVisitor& visitor) override { visitor.field("speaker", speaker_); }

 private:
  std::uint8_t read_byte(std::uint64_t) override {
    constexpr std::uint64_t refresh_ns = 15'085;
    const bool refresh = clock_.now().value / refresh_ns & 1;
    return static_cast<std::uint8_t>(pit_.output2() << 5 | refresh << 4 | speaker_ << 1 | pit_.gate2());
  }
  void write_byte(std::uint64_t, std::uint8_t value) override {
    speaker_ = value & 2;
    pit_.set_gate2(value & 1);
  }

  std::string name_;
  Pit8254& pit_;
  ClockPort& clock_;
  bool speaker_ = false;
};

}  // namespace lockstitch

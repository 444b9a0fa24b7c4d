// The 8254 interval timer: three counters behind four ports. Channel 0 is IRQ 0, channel 2 belongs to port 61h. Not
// here: what a counter does in each mode (pit_channel.h).
#pragma once
#include <array>
#include <string>

#include "devices/byte_window.h"
#include "devices/timer/pit_channel.h"

namespace lockstitch {

/// Models:   Intel 8254 (ports 40h-43h), 1 193 182 Hz
/// Maturity: complete
/// Missing:  nothing
/// Ignored:  IRQ 0's wire shows the falls of a periodic output late (it is edge-triggered); a count of 1 in modes 2
///           and 3 is taken as 2
/// Arrivals: none
/// Effects:  none
/// Alarms:   one: the next rise of channel 0's output
/// Source:   Intel 8254 datasheet; reference/platform.md 2.1, 7.5
class Pit8254 final : public Device, public ByteWindow, public AlarmHandler {
 public:
  Pit8254(std::string name, IrqLine& irq0, ClockPort& clock);
  void attach(AlarmPort& next_rise) { next_rise_ = &next_rise; }

  std::string_view name() const override { return name_; }
  void reset() override;
  void visit(StateVisitor& visitor) override;
  void alarm() override;

  // Channel 2, for port 61h.
  bool gate2() const { return channels_[2].counter.gate(); }
  void set_gate2(bool gate);
  bool output2();

 private:
  enum class Access : std::uint8_t { none, low, high, both };

  /// The bus side of a counter.
  struct Channel {
    PitChannel counter;
    Access access = Access::both;
    bool low_written = false;  ///< both: the low byte of a count waits for the high one
    std::uint8_t low_byte = 0;
    bool high_next = false;          ///< both: the next read is the high byte
    std::uint8_t latched_bytes = 0;  ///< of the latched count still to be read
    std::uint16_t latched_count = 0;
    bool status_latched = false;
    std::uint8_t latched_status = 0;
    void visit(StateVisitor& visitor);
  };

  std::uint8_t read_byte(std::uint64_t offset) override;
  void write_byte(std::uint64_t offset, std::uint8_t value) override;
  void write_control(std::uint8_t value);
  void write_count(Channel& channel, std::uint8_t value);
  void latch_count(Channel& channel);
  void latch_status(Channel& channel);
  std::uint64_t now() const;
  /// Brings counters and IRQ 0 up to the clock; update() also plans the next rise.
  void settle();
  void update();

  std::string name_;
  IrqLine& irq0_;
  ClockPort& clock_;
  AlarmPort* next_rise_ = nullptr;
  std::array<Channel, 3> channels_;
  std::uint64_t settled_ = 0;  ///< Unit: PIT clocks; up to here counters and IRQ 0 are told
};

}  // namespace lockstitch

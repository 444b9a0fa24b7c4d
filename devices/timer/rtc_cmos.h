// The real-time clock with its CMOS memory. The date is a start value from the configuration plus virtual time. Not
// here: what the CMOS bytes mean to firmware (the board presets them).
#pragma once
#include <array>
#include <string>

#include "devices/byte_window.h"
#include "devices/timer/calendar.h"

namespace lockstitch {

/// Models:   MC146818 with 128 bytes (ports 70h-71h; a window of 8 bytes mirrors them to 77h)
/// Maturity: complete
/// Missing:  square wave, daylight saving, other crystals (dividers 000 and 001 run like 010)
/// Ignored:  the NMI mask (bit 7 of the index); an update takes no time once it starts
/// Arrivals: none
/// Effects:  none
/// Alarms:   one: the next periodic, update or alarm event whose interrupt is enabled
/// Source:   Motorola MC146818A datasheet; reference/platform.md 2.1, 7.6
class RtcCmos final : public Device, public ByteWindow, public AlarmHandler {
 public:
  /// `start_seconds`: the date at virtual time 0, in seconds since 1970 (UTC); part of the recorded configuration.
  RtcCmos(std::string name, IrqLine& irq8, ClockPort& clock, std::uint64_t start_seconds);
  void attach(AlarmPort& next_event) { next_event_ = &next_event; }

  /// Range: 0Eh..7Fh but for the century, 32h and 37h.
  void set_memory(std::uint8_t index, std::uint8_t value);

  std::string_view name() const override { return name_; }
  /// The RESET pin: interrupts off, flags clear. Date and memory have a battery and go on.
  void reset() override;
  void visit(StateVisitor& visitor) override;
  void alarm() override;

 private:
  /// The registers in which the guest sees a date.
  enum Field : unsigned { second, minute, hour, weekday, day, month, year, century };
  using Date = std::array<std::uint8_t, 8>;

  std::uint8_t read_byte(std::uint64_t offset) override;
  void write_byte(std::uint64_t offset, std::uint8_t value) override;

  static bool is_date(std::uint8_t index, unsigned& field);
  bool divider_held() const { return (control_a_ & 0x60) == 0x60; }
  /// The seconds go on (SET is clear and the divider is not held).
  bool running() const;
  /// Unit: ns since the divider chain was last started; its whole seconds are the updates.
  std::uint64_t chain_ns() const;
  std::uint64_t seconds_now() const;
  /// Unit: ns; 0: the periodic rate is off.
  std::uint64_t periodic_cycles() const;
  std::uint64_t periods_at(std::uint64_t chain_ns) const;

  std::uint8_t to_register(std::uint32_t value) const;
  std::uint32_t from_register(std::uint8_t value) const;
  std::uint8_t hour_to_register(std::uint32_t value) const;
  std::uint32_t hour_from_register(std::uint8_t value) const;
  Date date_of(std::uint64_t seconds) const;
  void set_date(const Date& date);
  bool matches_alarm(std::uint64_t seconds) const;
  void change_mode(std::uint8_t a, std::uint8_t b);
  std::uint8_t read_register(std::uint8_t index);
  void write_register(std::uint8_t index, std::uint8_t value);
  /// Raises the flags of what happened since the last call; update() also drives the wire and plans the next event.
  void settle();
  void update();

  std::string name_;
  IrqLine& irq8_;
  ClockPort& clock_;
  AlarmPort* next_event_ = nullptr;

  std::uint8_t index_ = 0;
  std::uint8_t control_a_ = 0x26, control_b_ = 0x02, flags_ = 0;
  std::uint64_t chain_start_ns_ = 0;          ///< modulo 2^64; the divider chain counts from here
  std::uint64_t base_seconds_;                ///< date when the chain started, while running
  std::uint8_t weekday_shift_ = 0;            ///< Range: 0..6; the guest may number the days as it likes
  Date frozen_{};                             ///< the registers while not running
  std::uint64_t settled_ns_ = 0;              ///< flags are raised up to here
  std::array<std::uint8_t, 3> alarm_time_{};  ///< seconds, minutes, hours as written
  std::array<std::uint8_t, 128> memory_{};
};

}  // namespace lockstitch

// The high precision event timer: one 64-bit counter of 100 MHz and three comparators. Not here: how its wires reach
// the controllers (the board), the wires of PIT and RTC that it cuts (irq_gate.h).
#pragma once
#include <array>
#include <cstdint>
#include <string>

#include "devices/timer/irq_gate.h"
#include "lockstitch/device.h"

namespace lockstitch {

/// Models:   IA-PC HPET 1.0a, one block of three 64-bit timers, all periodic (window FED0_0000, 1 KiB)
/// Maturity: complete
/// Missing:  message-signalled delivery (FSB); writes narrower than 4 bytes or not aligned
/// Ignored:  routes that the board does not offer (the field keeps its value); matches that come due at once, or closer
///           than 1 us in periodic mode, are merged
/// Arrivals: none
/// Effects:  none
/// Alarms:   one: the next match whose interrupt is enabled
/// Source:   IA-PC HPET specification 1.0a 2.3; reference/platform.md 2.1, 7.11
class Hpet final : public Device, public RegisterWindow, public AlarmHandler {
 public:
  static constexpr unsigned timer_count = 3, route_count = 24;

  /// `timer0` and `timer1` are used in legacy replacement: IRQ 0 (pin 2 of the IOAPIC) and IRQ 8. `routes`: by IOAPIC
  /// pin; null: cannot be routed there. All wires are low now.
  Hpet(std::string name, ClockPort& clock, IrqLine& timer0, IrqLine& timer1, std::array<IrqLine*, route_count> routes);
  void attach(AlarmPort& next_match) { next_match_ = &next_match; }
  /// The wires of PIT and RTC, closed during legacy replacement. Their state is visited with this device.
  void attach_gates(IrqGate& pit, IrqGate& rtc) {
    pit_gate_ = &pit;
    rtc_gate_ = &rtc;
  }

  /// Timers 0 and 1 stand in for PIT and RTC.
  bool legacy_replacement() const { return (config_ & 3) == 3; }

  std::string_view name() const override { return name_; }
  void reset() override;
  void visit(StateVisitor& visitor) override;
  void loaded() override { driven_ = wanted(); }
  std::uint64_t read(std::uint64_t offset, unsigned width) override;
  void write(std::uint64_t offset, unsigned width, std::uint64_t value) override;
  void alarm() override;

 private:
  struct Timer {
    std::uint64_t config = 0;  ///< without the capabilities
    std::uint64_t comparator = ~std::uint64_t{0};
    std::uint64_t period = 0;  ///< Unit: counts; 0: does not repeat
  };

  bool running() const { return config_ & 1; }
  /// Unit: counts of 10 ns.
  std::uint64_t counter() const;
  void set_counter(std::uint64_t value);
  /// Wires are numbered as the routes, then timer0 and timer1. Returns null if there is none.
  IrqLine* wire(unsigned number) const;
  unsigned wire_of(unsigned timer) const;
  /// The wires that level-triggered timers hold high.
  std::uint32_t wanted() const;
  void drive();
  void match(unsigned timer);
  /// Counts from `settled_` to the timer's next match. Range: 1 .. 2^64, so that 0 stands for 2^64.
  std::uint64_t distance(const Timer& timer) const;
  /// Does what happened up to now; update() also drives the wires and plans the next match.
  void settle();
  void update();

  std::uint64_t read_register(std::uint64_t offset);
  void write_config(std::uint64_t value);
  void write_timer_config(unsigned n, std::uint64_t value);
  void write_comparator(unsigned n, std::uint64_t value, std::uint64_t mask);

  std::string name_;
  ClockPort& clock_;
  IrqLine& timer0_;
  IrqLine& timer1_;
  std::array<IrqLine*, route_count> routes_;
  std::uint32_t route_mask_ = 0;
  AlarmPort* next_match_ = nullptr;
  IrqGate* pit_gate_ = nullptr;
  IrqGate* rtc_gate_ = nullptr;

  std::uint64_t config_ = 0;
  std::uint32_t status_ = 0;
  /// Running: what is added to the virtual time's counts, modulo 2^64. Halted: the counter.
  std::uint64_t base_ = 0;
  std::uint64_t settled_ = 0;  ///< matches are done up to this value of the counter
  std::array<Timer, timer_count> timers_{};

  std::uint32_t driven_ = 0;  ///< derived: wires that this device holds high
};

}  // namespace lockstitch

// A USB tablet: a pointer whose place is absolute, three buttons and a wheel. Not here: who moves it, and the bus.
#pragma once
#include <cstdint>
#include <deque>
#include <vector>

#include "devices/usb/control_pipe.h"
#include "lockstitch/device.h"

namespace lockstitch {

/// Models:   a HID device at full speed with one interrupt endpoint; reports of 6 bytes: buttons, X, Y, wheel
/// Maturity: what hosts ask of a HID device without boot protocol
/// Missing:  reports that are repeated at an idle rate (the rate is kept); output and feature reports; boot protocol
/// Ignored:  the difference between the halted states of the two directions of endpoint 0 (it has none)
/// Arrivals: events of 6 bytes: u16 x, u16 y (0..32767, from the upper left corner; more counts as 32767), u8 buttons
///           (0 left, 1 right, 2 middle), i8 wheel (down), low byte first
/// Effects:  none
/// Alarms:   none
/// Source:   USB 2.0 chapter 9; HID 1.11
class UsbTablet final : public UsbDevice, public ArrivalHandler, private UsbRequestHandler {
 public:
  static constexpr unsigned place_max = 32767;
  /// Unit: bytes of one event that arrives.
  static constexpr std::size_t event_bytes = 6;
  /// Unit: bytes of one report to the host.
  static constexpr std::size_t report_bytes = 6;
  /// Unit: reports that wait for the host. Past it the last one gives way to the new one; if that loses a state of the
  /// buttons it is counted.
  static constexpr std::size_t sample_limit = 64;
  /// Unit: ns. A host that did not ask for so long is not listening: what waits is only the latest state.
  static constexpr std::uint64_t patience_ns = 1'000'000'000;

  explicit UsbTablet(ClockPort& clock) : clock_(clock) {}

  /// Unit: place_max is the width, or the height, of the screen.
  void move(unsigned x, unsigned y) { add(x, y, buttons_, 0); }
  /// Range: bit 0 left, 1 right, 2 middle.
  void press(unsigned buttons) { add(x_, y_, buttons, 0); }
  /// Unit: notches, down.
  void turn(int wheel) { add(x_, y_, buttons_, wheel); }
  void arrive(Bytes payload) override;

  bool low_speed() const override { return false; }
  std::uint8_t address() const override { return address_; }
  void power_on() override;
  void reset() override;
  UsbAnswer setup(unsigned endpoint, Bytes data) override;
  UsbAnswer out(unsigned endpoint, Bytes data) override;
  UsbInput in(unsigned endpoint, MutableBytes packet) override;
  bool wants_wake() const override { return remote_wakeup_ && !samples_.empty(); }
  void visit(StateVisitor& visitor) override;

  bool configured() const { return configuration_ != 0; }
  std::size_t waiting() const { return samples_.size(); }
  /// Bytes that were no whole event, since power-on.
  std::uint64_t ignored_bytes() const { return ignored_; }
  /// States of the buttons that the host never saw, since power-on.
  std::uint64_t dropped_samples() const { return dropped_; }

 private:
  /// One report that waits.
  struct Sample {
    std::uint16_t x = 0, y = 0;
    std::uint8_t buttons = 0;
    std::int32_t wheel = 0;
    bool click = false;  ///< the buttons differ from those before: later movement does not join
  };

  void visit(StateVisitor& v, Sample& sample);
  void add(unsigned x, unsigned y, unsigned buttons, int wheel);
  bool listening() const;
  std::size_t report(MutableBytes packet);
  static void write_report(MutableBytes packet, const Sample& sample, std::int32_t wheel);

  bool accept(const UsbRequest& request, std::vector<std::uint8_t>& reply) const override;
  void carry_out(const UsbRequest& request) override;
  bool accept_standard(const UsbRequest& request, std::vector<std::uint8_t>& reply) const;
  bool accept_class(const UsbRequest& request, std::vector<std::uint8_t>& reply) const;

  ClockPort& clock_;
  ControlPipe control_{*this};
  std::uint8_t address_ = 0, configuration_ = 0;
  std::uint8_t idle_ = 0;  ///< unit: 4 ms; 0: reports are not repeated
  bool remote_wakeup_ = false, halted_ = false;
  VirtualNs asked_ns_{0};  ///< when the host last asked for a report

  std::deque<Sample> samples_;
  std::uint16_t x_ = 0, y_ = 0;
  std::uint8_t buttons_ = 0;  ///< as they are
  std::uint64_t ignored_ = 0, dropped_ = 0;
};

}  // namespace lockstitch

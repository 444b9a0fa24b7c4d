// The PC's keyboard controller with a keyboard and a mouse plugged in: ports 60h and 64h, IRQ 1 and IRQ 12. Not here:
// what the two devices say (ps2_keyboard.h, ps2_mouse.h) and the codes of the keys (scan_codes.h).
#pragma once
#include <array>
#include <cstdint>
#include <string>

#include "devices/byte_window.h"
#include "devices/input/ps2_keyboard.h"
#include "devices/input/ps2_mouse.h"

namespace lockstitch {

/// Models:   i8042 (ports 60h and 64h) with a PS/2 keyboard of 104 keys and more, scan code sets 1-3, and a PS/2 mouse
///           with two, three or five buttons and wheel (ids 0, 3, 4)
/// Maturity: complete
/// Missing:  keyboard password, active multiplexing, repeat by the keyboard itself (who types repeats), the keyboard's
///           self-test byte after power-on
/// Ignored:  the A20 gate (bit 1 of the output port is kept; address line 20 is always on), the typematic rate, the
///           mouse's resolution, time-outs and parity on the wires
/// Arrivals: keyboard(): units of 16 bits, low byte first: evdev key code, bit 15 for a release. mouse(): reports of 6
///           bytes: i16 dx, i16 dy (down), i8 wheel (down), u8 buttons
/// Effects:  none
/// Alarms:   one: the next byte from a device becomes readable
/// Source:   IBM PS/2 technical reference, keyboard and auxiliary device controller;
/// reference/platform.md 2.3, 2.6, 7.7
class KeyboardController final : public Device {
 public:
  /// Unit: ns. From a read of port 60h, or a byte to a device, to the device's next byte.
  static constexpr std::uint64_t byte_ns = 100'000;
  /// Unit: ns. The same for an identification or the result of a self-test: drivers of NT take the time to get ready.
  static constexpr std::uint64_t slow_byte_ns = 1'000'000;

  KeyboardController(std::string name, IrqLine& irq1, IrqLine& irq12, ClockPort& clock, PowerPort& power);
  AlarmHandler& pacing() { return pacing_; }
  void attach(AlarmPort& alarm) { alarm_ = &alarm; }
  RegisterWindow& data() { return data_window_; }
  RegisterWindow& command() { return command_window_; }
  ArrivalHandler& keyboard() { return keyboard_input_; }
  ArrivalHandler& mouse() { return mouse_input_; }

  std::string_view name() const override { return name_; }
  void reset() override;
  void visit(StateVisitor& visitor) override;

  /// What became of the arrivals, and the lights.
  const Ps2Keyboard& keyboard_device() const { return keyboard_; }
  const Ps2Mouse& mouse_device() const { return mouse_; }

 private:
  class Pacing final : public AlarmHandler {
   public:
    explicit Pacing(KeyboardController& owner) : owner_(owner) {}
    void alarm() override { owner_.pump(); }

   private:
    KeyboardController& owner_;
  };
  template <class Target>
  class Input final : public ArrivalHandler {
   public:
    Input(KeyboardController& owner, Target& target) : owner_(owner), target_(target) {}
    void arrive(Bytes payload) override {
      target_.arrive(payload);
      owner_.pump();
    }

   private:
    KeyboardController& owner_;
    Target& target_;
  };

  std::uint8_t read_data(std::uint64_t);
  void write_data(std::uint64_t, std::uint8_t value);
  std::uint8_t read_status(std::uint64_t);
  void write_command(std::uint64_t, std::uint8_t value);

  std::uint8_t output_port() const;
  void write_output_port(std::uint8_t value);
  /// The controller's own answer; `from_mouse`: it looks like a byte of the mouse.
  void reply(std::uint8_t value, bool from_mouse = false);
  void to_keyboard(std::uint8_t value);
  void to_mouse(std::uint8_t value);
  /// A byte went over a wire just now: the next one takes its time.
  void pause() { quiet_since_ = clock_.now(); }
  void load(std::uint8_t value, bool from_mouse);
  void load_from_keyboard();
  /// Fills the output buffer if it is empty and something may go, or sets the alarm for when it may; drives the lines.
  void pump();

  std::string name_;
  IrqLine& irq1_;
  IrqLine& irq12_;
  ClockPort& clock_;
  PowerPort& power_;
  AlarmPort* alarm_ = nullptr;

  Ps2Keyboard keyboard_;
  Ps2Mouse mouse_;
  Pacing pacing_{*this};
  Input<Ps2Keyboard> keyboard_input_{*this, keyboard_};
  Input<Ps2Mouse> mouse_input_{*this, mouse_};
  ByteWindowOf<KeyboardController> data_window_{*this, &KeyboardController::read_data, &KeyboardController::write_data};
  ByteWindowOf<KeyboardController> command_window_{*this, &KeyboardController::read_status,
                                                   &KeyboardController::write_command};

  std::array<std::uint8_t, 32> ram_{};  ///< byte 0 is the command byte
  bool a20_ = true;
  std::uint8_t expecting_ = 0;  ///< the command whose parameter comes next at port 60h, or 0
  bool command_last_ = true;    ///< the last write was to port 64h
  std::uint8_t output_ = 0;     ///< the output buffer; keeps its last byte
  bool full_ = false, from_mouse_ = false;
  bool answer_waits_ = false, answer_from_mouse_ = false;
  std::uint8_t answer_ = 0;  ///< the controller's own, behind a full output buffer
  VirtualNs quiet_since_{0};
  VirtualNs busy_until_{0};  ///< the input buffer holds a byte for a device up to here
};

}  // namespace lockstitch

// A PS/2 keyboard: keys in, scan codes and answers out. It is a part of the keyboard controller, which decides when a
// byte goes over the wire.
#pragma once
#include <array>
#include <cstdint>
#include <deque>

#include "devices/input/byte_queue.h"
#include "devices/input/scan_codes.h"
#include "lockstitch/state.h"
#include "lockstitch/types.h"

namespace lockstitch {

/// A byte from a PS/2 device to the controller.
struct Ps2Byte {
  std::uint8_t value = 0;
  bool scan = false;  ///< part of a scan code, where F0h is a prefix; else an answer
};

class Ps2Keyboard {
 public:
  /// Unit: presses and releases. Keys struck that wait for the guest; past it presses are lost and counted. The release
  /// of a key whose press waits always fits, so that no key stays down.
  static constexpr std::size_t event_limit = 1024;
  /// Unit: ns, from one press or release to the next. A sentence that arrives at once is typed at 100 keys a second:
  /// faster than any hand, yet slow enough for the 15 keys that a BIOS buffers.
  static constexpr std::uint64_t event_ns = 5'000'000;

  void reset();
  void visit(StateVisitor& v);

  /// A byte from the guest.
  void write(std::uint8_t byte);
  /// Units of 16 bits, low byte first: an evdev code, bit 15 for a release.
  void arrive(Bytes payload);

  /// Makes the next press or release into bytes, if it is time for one.
  void feed(VirtualNs now);
  /// A byte can go. Events that were not fed do not count.
  bool ready() const { return !replies_.empty() || !codes_.empty(); }
  /// When feed() or take() can have something. Unit: ns of virtual time; ns_never: there is nothing.
  VirtualNs not_before() const;
  /// The next byte is one the keyboard thinks about.
  bool slow() const { return replies_.front_is_slow(); }
  /// Range: ready().
  Ps2Byte take();

  /// Bit 0 Scroll Lock, 1 Num Lock, 2 Caps Lock.
  std::uint8_t leds() const { return leds_; }
  /// Units that were no key, since reset.
  std::uint64_t ignored_units() const { return ignored_; }
  /// Units lost because too many waited, since reset.
  std::uint64_t dropped_units() const { return dropped_; }

 private:
  using KeySet = std::array<std::uint8_t, key_codes / 8>;

  void set_defaults();
  void command(std::uint8_t byte);
  void parameter(std::uint8_t byte);
  void acknowledge();
  void enqueue(std::uint16_t unit);
  /// The keyboard's own idea of what is down follows a key that the guest never hears of.
  void note_modifier(std::uint16_t unit);
  void forget_events();
  ScanSequence encode(std::uint16_t unit);

  ByteQueue replies_;                 ///< go before codes
  ByteQueue codes_;                   ///< the rest of one sequence
  std::deque<std::uint16_t> events_;  ///< units as they arrived; every key has a scan code
  VirtualNs next_event_{0};
  KeySet held_{};  ///< by evdev code: the press was taken, the release not yet
  bool overrun_ = false;

  std::uint8_t scan_set_ = 2;
  bool scanning_ = true;
  std::uint8_t leds_ = 0, rate_ = 0;
  std::uint8_t expecting_ = 0;  ///< the command whose parameter comes next, or 0
  std::uint8_t last_sent_ = 0;
  KeySet set3_releases_{};  ///< by code of set 3: its release is sent
  std::uint8_t modifiers_ = 0;
  bool print_alt_ = false, print_bare_ = false;  ///< how Print Screen was pressed; its release has the same form
  std::uint64_t ignored_ = 0, dropped_ = 0;
};

}  // namespace lockstitch

// One counter of an 8254 as a function of the chip's clock: what it counts, what its output is, when that rises next.
// Not here: the bus side (latches, byte order), wires and alarms (pit_8254.h).
#pragma once
#include <cstdint>

#include "lockstitch/state.h"

namespace lockstitch {

/// Every `clock` is an absolute number of PIT cycles since power-on and never goes back between calls.
class PitChannel {
 public:
  /// Range: mode 0..5.
  void set_mode(unsigned mode, bool bcd);
  /// Starts (or, in modes 2 and 3 while counting, prepares) a count. Range: the 16 bits as written.
  void load(std::uint16_t written, std::uint64_t clock);
  /// Mode 0 stops while the two bytes of a new count are being written.
  void stop() { loaded_ = false; }
  void set_gate(bool gate, std::uint64_t clock);
  /// Goes on from clock `from` to clock `to`, taking over a prepared count on the way. Called before anything else
  /// looks at a clock. Returns whether the output rose after `from`, up to and with `to`.
  bool advance(std::uint64_t from, std::uint64_t to);

  std::uint16_t count(std::uint64_t clock) const;
  bool output(std::uint64_t clock) const;
  bool gate() const { return gate_; }
  unsigned mode() const { return mode_; }
  bool bcd() const { return bcd_; }
  /// A count was written and is not yet in the counter.
  bool null_count(std::uint64_t clock) const;
  /// The clock of the first rising edge after `clock`; `never` if there is none.
  std::uint64_t next_rise(std::uint64_t clock) const;
  static constexpr std::uint64_t never = ~std::uint64_t{0};

  void visit(StateVisitor& visitor);

 private:
  bool periodic() const { return mode_ == 2 || mode_ == 3; }
  bool triggered_by_gate() const { return mode_ == 1 || mode_ == 5; }
  bool counting() const;
  /// Rising edges of the output since the count was started.
  std::uint64_t rises(std::uint64_t clock) const;
  std::uint64_t elapsed(std::uint64_t clock) const;
  std::uint32_t modulus() const { return bcd_ ? 10'000 : 0x1'0000; }
  std::uint32_t decode(std::uint16_t written) const;
  std::uint16_t encode(std::uint32_t count) const;
  /// Elapsed clocks at which a non-periodic output rises.
  std::uint64_t rise_after() const { return initial_ + (mode_ >= 4 ? 1 : 0); }

  std::uint8_t mode_ = 0;
  bool bcd_ = false;
  bool gate_ = true;
  bool loaded_ = false;     ///< a count has been written since the mode was set
  bool triggered_ = false;  ///< modes 1 and 5: the gate has risen since
  std::uint32_t initial_ = 0x1'0000;
  std::uint64_t start_ = 0;  ///< clock at which the count entered the counter
  std::uint64_t held_ = 0;   ///< modes 0 and 4 with the gate low: clocks counted before it fell
  bool prepared_ = false;    ///< modes 2 and 3: `prepared_initial_` takes over at `prepared_at_`
  std::uint32_t prepared_initial_ = 0x1'0000;
  std::uint64_t prepared_at_ = 0;
};

}  // namespace lockstitch

// A PS/2 mouse with wheel: movement and buttons in, packets and answers out. It is a part of the keyboard controller,
// which decides when a byte goes over the wire.
#pragma once
#include <array>
#include <cstdint>
#include <deque>

#include "devices/input/byte_queue.h"
#include "lockstitch/state.h"
#include "lockstitch/types.h"

namespace lockstitch {

class Ps2Mouse {
 public:
  /// Unit: bytes of one report that arrives.
  static constexpr std::size_t report_bytes = 6;
  /// Unit: states of the buttons that wait for the guest, each with the movement before it. Past it the last one gives
  /// way to the new one and is counted.
  static constexpr std::size_t sample_limit = 64;
  /// Unit: counts. Movement that waits; past it the overflow bit is set.
  static constexpr std::int32_t movement_limit = 0xffff;

  void reset();
  void visit(StateVisitor& v);

  /// A byte from the guest.
  void write(std::uint8_t byte);
  /// Reports: i16 dx (right), i16 dy (down), i8 wheel (down), u8 buttons (0 left, 1 right, 2 middle, 3 and 4 the
  /// others).
  void arrive(Bytes payload);

  /// Makes the next movement into a packet, if it is time for one.
  void feed(VirtualNs now);
  /// A byte can go. Movement that was not fed does not count.
  bool ready() const { return !replies_.empty() || !packet_.empty(); }
  /// When feed() or take() can have something. Unit: ns of virtual time; ns_never: there is nothing.
  VirtualNs not_before() const;
  /// The next byte is one the mouse thinks about.
  bool slow() const { return replies_.front_is_slow(); }
  /// Range: ready().
  std::uint8_t take();

  /// Bytes that were no whole report, since reset.
  std::uint64_t ignored_bytes() const { return ignored_; }
  /// States of the buttons that the guest never saw, since reset.
  std::uint64_t dropped_samples() const { return dropped_; }

 private:
  /// A state of the buttons and the movement up to it.
  struct Sample {
    std::int32_t dx = 0, dy = 0, wheel = 0;
    std::uint8_t buttons = 0;
    bool click = false;  ///< the buttons differ from those before: later movement does not join
  };

  void visit(StateVisitor& v, Sample& sample);
  void set_defaults();
  void command(std::uint8_t byte);
  void parameter(std::uint8_t byte);
  void acknowledge();
  /// Three rates in a row make it a wheel mouse, or one with five buttons.
  void knock(std::uint8_t rate);
  void add(std::int32_t dx, std::int32_t dy, std::int32_t wheel, std::uint8_t buttons);
  void forget_movement() { samples_.clear(); }
  bool streams() const { return reporting_ && !remote_ && !wrap_; }
  /// Takes what fits from the first sample.
  Sample next_chunk(std::int32_t most);
  void push_packet(ByteQueue& queue, const Sample& chunk, bool scaled);

  ByteQueue replies_;  ///< go before packets
  ByteQueue packet_;   ///< the rest of one packet
  Sample sent_;        ///< what packet_ was made of
  std::deque<Sample> samples_;
  bool overflow_x_ = false, overflow_y_ = false;
  VirtualNs next_packet_{0};

  bool reporting_ = false, remote_ = false, wrap_ = false, scaling_ = false;
  std::uint8_t resolution_ = 2, rate_ = 100;
  std::uint8_t id_ = 0;  ///< 0 three buttons, 3 wheel, 4 wheel and five buttons
  std::array<std::uint8_t, 2> last_rates_{};
  std::uint8_t expecting_ = 0;  ///< the command whose parameter comes next, or 0
  std::uint8_t last_sent_ = 0;
  std::uint8_t buttons_ = 0;  ///< as they are
  std::uint64_t ignored_ = 0, dropped_ = 0;
};

}  // namespace lockstitch

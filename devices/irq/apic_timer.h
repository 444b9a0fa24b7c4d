// The timer of a local APIC: one-shot, periodic and TSC-deadline. It keeps when it was started, never a running count.
// Not here: the LVT entry's vector and mask, and what an expiry delivers (local_apic.h).
#pragma once
#include <cstdint>

#include "devices/irq/tsc_port.h"
#include "lockstitch/device.h"

namespace lockstitch {

/// Bus clock 1 GHz, that is one count per virtual nanosecond before the divider.
class ApicTimer {
 public:
  /// The LVT timer's mode field (SDM 3A 10.5.4).
  enum class Mode : std::uint8_t { one_shot, periodic, tsc_deadline, reserved };

  /// `tsc` may be null: then the TSC is virtual time itself.
  ApicTimer(ClockPort& clock, const TscPort* tsc) : clock_(clock), tsc_(tsc) {}
  void attach(AlarmPort& alarm) { alarm_ = &alarm; }

  void reset();
  void visit(StateVisitor& visitor);

  void set_mode(Mode mode);
  void set_initial_count(std::uint32_t count);
  void set_divide(std::uint32_t register_value);
  /// TSC-deadline mode only; 0 disarms. A deadline that has passed expires at the next top of the loop.
  void set_deadline(std::uint64_t tsc);

  std::uint32_t initial_count() const { return initial_; }
  std::uint32_t current_count() const;
  std::uint32_t divide() const { return divide_; }
  std::uint64_t deadline() const { return deadline_; }

  /// The alarm rang. Returns whether the timer has expired (else the alarm was early and is set again).
  bool expire();

 private:
  std::uint64_t divisor() const;
  /// Unit: counts since the start.
  std::uint64_t elapsed() const { return (clock_.now().value - start_ns_) / divisor(); }
  std::uint64_t tsc_now() const { return clock_.now().value + (tsc_ != nullptr ? tsc_->offset() : 0); }
  void arm();

  ClockPort& clock_;
  const TscPort* tsc_;
  AlarmPort* alarm_ = nullptr;

  Mode mode_ = Mode::one_shot;
  bool running_ = false;  ///< counting modes: started and, if one-shot, not yet expired
  std::uint32_t initial_ = 0;
  std::uint32_t divide_ = 0;
  /// Start of the shot, or of the period after the last delivered expiry. Modulo 2^64: a change of divider may move it
  /// before power-on.
  std::uint64_t start_ns_ = 0;
  std::uint64_t deadline_ = 0;  ///< Unit: TSC; 0: not armed
};

}  // namespace lockstitch

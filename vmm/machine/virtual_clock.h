// Where the execution stands and what the guest's clocks show there (ARCHITECTURE 4). Moved by the loop alone.
#pragma once
#include "lockstitch/device.h"

namespace lockstitch {

class VirtualClock final : public ClockPort, public Stateful {
 public:
  /// Range: ns_per_tick at least 1.
  explicit VirtualClock(std::uint64_t ns_per_tick);

  Tick tick() const { return tick_; }
  VirtualNs now() const override { return line_.at(tick_); }
  Moment moment() const { return {tick_, now()}; }
  const ClockLine& line() const { return line_; }

  /// The first tick that shows `deadline` or more; tick_never for deadlines further than any run goes.
  Tick first_tick_at(VirtualNs deadline) const;
  /// The moment of a tick; ns_never for tick_never.
  Moment moment_at(Tick tick) const;

  /// Order: never backwards (asserted).
  void advance_to(Tick tick);
  /// Time jumps, the tick stays. Fails: false, without effect, when time would leave the range of any run.
  bool advance_offset(std::uint64_t ns);

  void visit(StateVisitor& visitor) override;

 private:
  Tick tick_;
  ClockLine line_;
};

}  // namespace lockstitch

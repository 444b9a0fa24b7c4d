// Holds the leader's effects back until the replica says that they may leave; from then on they take a moment to leave
// the process, and die with it.
#pragma once
#include <deque>
#include <functional>

#include "lockstitch/sink.h"
#include "sync/replica/term.h"
#include "tests/sim/event_queue.h"
#include "tests/sim/toy_machine.h"

namespace lockstitch::sim {

/// An effect as a value.
struct Emitted {
  std::uint64_t life = 0;
  Tick tick;
  std::uint64_t ordinal = 0;
  Payload payload;
};

class Gate {
 public:
  struct World {
    std::function<HostTime()> now;
    std::function<sync::Term()> term;                      ///< of the replica, now
    std::function<void(HostTime delay)> leave_after;       ///< call leave() then, if the process still runs
    std::function<void(const Emitted&, sync::Term)> left;  ///< the effect is outside
  };
  Gate(World world, HostTime leave_delay, bool always_open)
      : world_(std::move(world)), leave_delay_(leave_delay), always_open_(always_open) {}

  /// Effects of earlier ticks may leave.
  void release(Tick until) {
    released_ = until;
    let_go();
  }
  /// True: it has to wait.
  bool add(const Emitted& effect) {
    waiting_.push_back(effect);
    let_go();
    return !waiting_.empty();
  }
  /// The machine is not ours any more. What was released may still leave.
  void discard() {
    waiting_.clear();
    released_ = {};
  }
  void leave() {
    while (!leaving_.empty() && leaving_.front().when <= world_.now()) {
      const Leaving leaving = leaving_.front();
      leaving_.pop_front();
      world_.left(leaving.effect, leaving.term);
    }
  }
  /// Nothing of an earlier tick is here.
  Tick sent_until(Tick executed) const {
    if (!leaving_.empty()) executed = std::min(executed, leaving_.front().effect.tick);
    if (!waiting_.empty()) executed = std::min(executed, waiting_.front().tick);
    return executed;
  }
  bool empty() const { return waiting_.empty() && leaving_.empty(); }

 private:
  struct Leaving {
    HostTime when = 0;
    Emitted effect;
    sync::Term term = 0;
  };

  void let_go() {
    bool any = false;
    while (!waiting_.empty() && (always_open_ || waiting_.front().tick < released_)) {
      leaving_.push_back({world_.now() + leave_delay_, waiting_.front(), world_.term()});
      waiting_.pop_front();
      any = true;
    }
    if (any) world_.leave_after(leave_delay_);
  }

  World world_;
  const HostTime leave_delay_;
  const bool always_open_;
  Tick released_ = tick_never;
  std::deque<Emitted> waiting_;
  std::deque<Leaving> leaving_;
};

}  // namespace lockstitch::sim

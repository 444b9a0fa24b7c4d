// Gives a machine its recorded inputs, each at its tick and no sooner. Never waits: recorded idleness costs nothing.
#pragma once
#include "lockstitch/source.h"
#include "sync/tape/probe.h"
#include "sync/tape/replay_cursor.h"

namespace lockstitch::sync {

/// A machine that stands elsewhere than the recorded one when an input is due has diverged; it is given the input all
/// the same. Whoever steps the machine looks at the cursor and does not step past its known_until() when the log is
/// exhausted.
class ReplayingSource final : public Source {
 public:
  ReplayingSource(ReplayCursor& cursor, Probe& probe) : cursor_(cursor), probe_(probe) {}

  std::optional<Arrival> take(Moment now) override;
  Tick next_known() const override;
  Tick horizon() const override { return cursor_.known_until(); }
  Tick idle(Moment now, Moment until) override;

 private:
  void check_position(const Entry& entry, Position expected, const char* what);

  ReplayCursor& cursor_;
  Probe& probe_;
};

}  // namespace lockstitch::sync

// Compares a replayed machine with what was recorded of it, digest by digest, and finds what differs.
#pragma once
#include <functional>

#include "lockstitch/sink.h"
#include "sync/tape/probe.h"
#include "sync/tape/replay_cursor.h"

namespace lockstitch::sync {

/// The first field in which two states (state_format.h) differ; nothing when they are equal.
using StateComparer = std::function<std::optional<Divergence>(Tick tick, Bytes expected, Bytes got)>;

class CheckingSink final : public Sink {
 public:
  /// `next`: who gets the effects of the replay.
  CheckingSink(ReplayCursor& cursor, Probe& probe, Sink& next, StateComparer compare)
      : cursor_(cursor), probe_(probe), next_(next), compare_(std::move(compare)) {}

  void effect(const Effect& effect) override { next_.effect(effect); }
  void digest(Tick tick, const Digest& digest) override;

  /// The machine ended or was stopped at `tick`: no digest that was due may be left over.
  void ended(Tick tick);

 private:
  Divergence explain(Tick tick, const DigestEntry& expected, const Digest& got);

  ReplayCursor& cursor_;
  Probe& probe_;
  Sink& next_;
  StateComparer compare_;
};

}  // namespace lockstitch::sync

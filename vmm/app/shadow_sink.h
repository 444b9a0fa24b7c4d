// A follower's effects: kept until the leader has let them out, so that after a take-over none is missing.
#pragma once
#include <deque>
#include <vector>

#include "lockstitch/sink.h"

namespace lockstitch::app {

class ShadowSink final : public Sink {
 public:
  void effect(const Effect& effect) override {
    kept_.push_back({effect.tick, effect.port, effect.ordinal, {effect.payload.begin(), effect.payload.end()}});
  }
  void digest(Tick, const Digest&) override {}

  /// Effects of earlier ticks have left the leader's host.
  void forget_before(Tick tick) {
    while (!kept_.empty() && kept_.front().tick < tick) kept_.pop_front();
  }
  /// The rest, in order. Returns how many.
  std::size_t emit(Sink& to) {
    const std::size_t count = kept_.size();
    for (const Kept& kept : kept_) to.effect({kept.tick, kept.port, kept.ordinal, kept.payload});
    kept_.clear();
    return count;
  }

 private:
  struct Kept {
    Tick tick;
    PortId port;
    std::uint64_t ordinal;
    std::vector<std::uint8_t> payload;
  };
  std::deque<Kept> kept_;
};

}  // namespace lockstitch::app

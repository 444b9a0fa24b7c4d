// Sources and a sink for tests of the loop: a list of known arrivals (a log), a world that decides as it goes, a
// recorder.
#pragma once
#include <algorithm>
#include <deque>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include "lockstitch/sink.h"
#include "lockstitch/source.h"

namespace lockstitch::toy {

inline Arrival input(Tick tick, PortId port, std::vector<std::uint8_t> payload) {
  return {tick, port, {}, std::move(payload)};
}
inline Arrival control(Tick tick, ControlKind kind, std::uint64_t argument = 0) {
  return {tick, control_port, {kind, argument}, {}};
}

/// A log whose end may become known in pieces: waiting moves the horizon on by up to `horizon_step` ticks.
class LogSource final : public Source {
 public:
  explicit LogSource(std::vector<Arrival> log) : log_(log.begin(), log.end()) {}

  std::optional<Arrival> take(Moment now) override {
    if (log_.empty() || log_.front().tick > now.tick) return std::nullopt;
    Arrival arrival = log_.front();
    log_.pop_front();
    return arrival;
  }
  Tick next_known() const override {
    if (log_.empty() || log_.front().tick >= horizon()) return tick_never;
    return log_.front().tick;
  }
  Tick horizon() const override { return horizon_step == 0 ? tick_never : horizon_; }
  Tick idle(Moment now, Moment until) override {
    ++idles;
    if (horizon_step != 0 && now.tick >= horizon_) horizon_ = now.tick + (1 + random_() % horizon_step);
    return until.tick;
  }

  std::uint64_t horizon_step = 0;
  unsigned idles = 0;

 private:
  std::deque<Arrival> log_;
  Tick horizon_;
  std::minstd_rand random_{7};
};

/// A world with its own mind: arrivals at any tick it is asked, waits of any length. Keeps the log of what it gave.
class LiveWorld final : public Source {
 public:
  LiveWorld(unsigned seed, PortId port) : random_(seed), port_(port) {}

  std::optional<Arrival> take(Moment now) override {
    if (random_() % 3 != 0) return std::nullopt;
    Arrival arrival = random_() % 8 == 0 ? control(now.tick, ControlKind::advance_clock, random_() % 500)
                                         : input(now.tick, port_, std::vector<std::uint8_t>(random_() % 4, 0x41));
    log.push_back(arrival);
    return arrival;
  }
  Tick next_known() const override { return tick_never; }
  Tick horizon() const override { return tick_never; }
  Tick idle(Moment now, Moment until) override {
    return std::min(until.tick, now.tick + (random_() % 3 == 0 ? 0 : random_() % 300));
  }

  std::vector<Arrival> log;

 private:
  std::minstd_rand random_;
  PortId port_;
};

struct SunkEffect {
  std::uint64_t tick = 0;
  std::uint16_t port = 0;
  std::uint64_t ordinal = 0;
  std::vector<std::uint8_t> payload;
  friend bool operator==(const SunkEffect&, const SunkEffect&) = default;
};

struct SunkDigest {
  std::uint64_t tick = 0;
  Digest digest;
  friend bool operator==(const SunkDigest&, const SunkDigest&) = default;
};

class KeepingSink final : public Sink {
 public:
  void effect(const Effect& e) override {
    effects.push_back({e.tick.value, e.port.value, e.ordinal, {e.payload.begin(), e.payload.end()}});
  }
  void digest(Tick tick, const Digest& d) override { digests.push_back({tick.value, d}); }

  std::vector<SunkEffect> effects;
  std::vector<SunkDigest> digests;
};

}  // namespace lockstitch::toy

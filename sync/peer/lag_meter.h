// How far a follower is behind, in host time: from when the leader recorded something to when the follower executed it.
#pragma once
#include <deque>

#include "sync/replica/failure_detector.h"
#include "sync/replica/message.h"

namespace lockstitch::sync {

class LagMeter {
 public:
  /// The leader told the log up to here.
  void recorded(Tick known_until, HostTime now) {
    if (known_until.value == 0 || (!points_.empty() && points_.back().until >= known_until)) return;
    points_.push_back({known_until, now, false});
  }
  void acknowledged(const Ack& ack, HostTime now) {
    for (Point& point : points_) {
      if (point.received || point.until > ack.known_until) continue;
      point.received = true;
      round_trip_ns_ = now - point.at;
    }
    // A follower stops a tick before the end of what it knows.
    while (!points_.empty() && points_.front().received && ack.executed + 2 >= points_.front().until)
      points_.pop_front();
  }
  std::uint64_t behind_ns(HostTime now) const { return points_.empty() ? 0 : now - points_.front().at; }
  std::uint64_t round_trip_ns() const { return round_trip_ns_; }
  void reset() { points_.clear(); }

 private:
  struct Point {
    Tick until;
    HostTime at;
    bool received;
  };
  std::deque<Point> points_;
  std::uint64_t round_trip_ns_ = 0;
};

/// Of the last seconds.
class RateMeter {
 public:
  void note(std::uint64_t bytes, HostTime now) {
    if (!samples_.empty() && bytes < samples_.back().bytes) samples_.clear();
    samples_.push_back({bytes, now});
    while (now - samples_.front().at > 5000 * ms) samples_.pop_front();
  }
  std::uint64_t bits_per_second() const {
    if (samples_.size() < 2 || samples_.back().at == samples_.front().at) return 0;
    const auto bits = static_cast<double>(samples_.back().bytes - samples_.front().bytes) * 8e9;
    return static_cast<std::uint64_t>(bits / static_cast<double>(samples_.back().at - samples_.front().at));
  }

 private:
  struct Sample {
    std::uint64_t bytes;
    HostTime at;
  };
  std::deque<Sample> samples_;
};

}  // namespace lockstitch::sync

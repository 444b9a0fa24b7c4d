// Silence of the peer, measured in host time that is passed in. Only suspicion: who may act on it the arbiter decides.
#pragma once
#include <cstdint>

namespace lockstitch::sync {

/// Host time. Unit: ns since any start; does not go back.
using HostTime = std::uint64_t;

inline constexpr HostTime ms = 1'000'000;

class FailureDetector {
 public:
  /// A gap of `nap` between two looks means that we were not running ourselves (stopped, swapped out): what the peer
  /// sent meanwhile may still wait to be read, so its silence counts from anew.
  explicit FailureDetector(HostTime nap) : nap_(nap) {}

  void heard(HostTime now) { last_heard_ = last_look_ = now; }
  /// How long nothing was heard. Order: now does not go back.
  HostTime silence(HostTime now) {
    if (now - last_look_ >= nap_) last_heard_ = now;
    last_look_ = now;
    return now - last_heard_;
  }

 private:
  const HostTime nap_;
  HostTime last_heard_ = 0, last_look_ = 0;
};

}  // namespace lockstitch::sync

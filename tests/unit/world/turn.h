// Serves one endpoint by hand, as the world's loop would, until something is true.
#pragma once
#include <poll.h>

#include <algorithm>
#include <chrono>
#include <vector>

#include "vmm/world/endpoint.h"

namespace lockstitch::test {

inline void turn(world::Endpoint& endpoint, int limit_ms) {
  std::vector<pollfd> fds;
  endpoint.want(fds);
  const int wish_ms = endpoint.timeout_ms();
  ::poll(fds.data(), fds.size(), wish_ms < 0 ? limit_ms : std::min(limit_ms, wish_ms));
  endpoint.ready(fds);
}

/// False if it has not become true after a long time.
template <class Condition>
bool turn_until(world::Endpoint& endpoint, Condition condition) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) return false;
    turn(endpoint, 20);
  }
  return true;
}

}  // namespace lockstitch::test

// See host_clock.h.
#include "vmm/world/host_clock.h"

#include <time.h>

#include <algorithm>
#include <chrono>

namespace lockstitch::world {

namespace {
/// Unit: ns. The condition variable's clock stands still while the host sleeps, ours does not: look again this often.
constexpr std::uint64_t longest_wait_ns = 10'000'000'000;
}  // namespace

HostNs SteadyHostClock::now() {
  timespec time{};
  clock_gettime(CLOCK_BOOTTIME, &time);
  return {static_cast<std::uint64_t>(time.tv_sec) * 1'000'000'000 + static_cast<std::uint64_t>(time.tv_nsec)};
}

void SteadyHostClock::wait(std::unique_lock<std::mutex>& lock, std::condition_variable& wake, HostNs deadline) {
  if (deadline == host_never) {
    wake.wait(lock);
    return;
  }
  const HostNs start = now();
  if (start >= deadline) return;
  wake.wait_for(lock, std::chrono::nanoseconds(std::min(deadline - start, longest_wait_ns)));
}

}  // namespace lockstitch::world

// The host's clock, which only the world side may read, and the wait that goes with it. An interface, so that
// everything which paces or waits can be tested in simulated host time.
#pragma once
#include <compare>
#include <condition_variable>
#include <cstdint>
#include <mutex>

namespace lockstitch::world {

/// Host time. Unit: nanoseconds since an arbitrary start; never goes back; counts while the host sleeps.
struct HostNs {
  std::uint64_t value = 0;
  friend constexpr auto operator<=>(HostNs, HostNs) = default;
};
constexpr HostNs operator+(HostNs t, std::uint64_t n) { return {t.value + n}; }
constexpr std::uint64_t operator-(HostNs a, HostNs b) { return a.value - b.value; }

inline constexpr HostNs host_never{~std::uint64_t{0}};

class HostClock {
 public:
  virtual ~HostClock() = default;
  virtual HostNs now() = 0;
  /// Waits for `wake` or until `deadline`, with `lock` released meanwhile. May return early for no reason.
  virtual void wait(std::unique_lock<std::mutex>& lock, std::condition_variable& wake, HostNs deadline) = 0;
};

/// CLOCK_BOOTTIME: a laptop that was closed shows as a jump, which the pacer then hands to the guest.
class SteadyHostClock : public HostClock {
 public:
  HostNs now() override;
  void wait(std::unique_lock<std::mutex>& lock, std::condition_variable& wake, HostNs deadline) override;
};

}  // namespace lockstitch::world

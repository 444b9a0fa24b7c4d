// Keeps virtual time near host time: a straight line from an anchor, and advice to the source what to do about the
// difference. Pure arithmetic on numbers that are passed in. Not here: sleeping and arrivals (live_source.h).
#pragma once
#include <cstdint>

#include "lockstitch/tick.h"
#include "vmm/world/host_clock.h"

namespace lockstitch::world {

/// What to do now.
struct PaceAdvice {
  enum class Kind : std::uint8_t { run, advance, sleep };
  Kind kind = Kind::run;
  std::uint64_t advance_ns = 0;  ///< for advance: add this to the virtual clock
  HostNs sleep_until;            ///< for sleep: host time has then caught up
};

/// The guest's clock stays within slack_ns + (time between two looks) + (lateness of the host's wake-ups) of the
/// host's; with a look every quantum that is below 20 ms for any guest that runs faster than 3 million instructions a
/// second. After the process was stopped (SIGSTOP, host sleep) the guest catches up with one large advance: like a
/// machine that was suspended and resumed, it sees its clock jump, not a burst of hurried timer interrupts.
class Pacer {
 public:
  /// Unit: ns. Differences below this are left alone: an advance is an entry in the log, and a sleep has a cost.
  static constexpr std::uint64_t slack_ns = 1'000'000;
  /// Unit: ns of host time. At most one advance in this time.
  static constexpr std::uint64_t advance_interval_ns = 1'000'000;

  /// From here on the two clocks run side by side.
  Pacer(HostNs host, VirtualNs guest) : host_anchor_(host), guest_anchor_(guest), last_advance_(host) {}

  /// What the guest's clock should show.
  VirtualNs virtual_at(HostNs host) const;
  /// When the guest's clock should show `ns`: host_never for ns_never.
  HostNs host_when(VirtualNs ns) const;

  /// Order: host does not go back. An advance counts as carried out.
  PaceAdvice advise(HostNs host, VirtualNs guest);

 private:
  HostNs host_anchor_;
  VirtualNs guest_anchor_;
  HostNs last_advance_;
};

}  // namespace lockstitch::world

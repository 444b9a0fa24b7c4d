// Cycles of a clock of some frequency as a function of virtual time, and back. Absolute, never accumulated, so that a
// snapshot or a replay sees the same counts.
#pragma once
#include <cstdint>

#include "lockstitch/tick.h"

namespace lockstitch {

__extension__ typedef unsigned __int128 Wide;

inline constexpr std::uint64_t ns_per_second = 1'000'000'000;
inline constexpr std::uint64_t pit_hz = 1'193'182;
inline constexpr std::uint64_t pm_timer_hz = 3'579'545;
inline constexpr std::uint64_t rtc_hz = 32'768;

/// Whole cycles since time 0. Range: hz up to 10^9.
constexpr std::uint64_t cycles_at(std::uint64_t ns, std::uint64_t hz) {
  return static_cast<std::uint64_t>(Wide{ns} * hz / ns_per_second);
}

/// The first nanosecond at which cycles_at() is `cycles`; saturates at ns_never.
constexpr VirtualNs time_of_cycle(std::uint64_t cycles, std::uint64_t hz) {
  const Wide ns = (Wide{cycles} * ns_per_second + hz - 1) / hz;
  return ns >= ns_never.value ? ns_never : VirtualNs{static_cast<std::uint64_t>(ns)};
}

}  // namespace lockstitch

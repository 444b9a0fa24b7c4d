// The date: for the guest's RTC at power-on, read once and then a recorded input like the rest of the board's
// configuration, and for the name of a trace.
#pragma once
#include <time.h>

#include <cstdint>

namespace lockstitch::world {

/// Unit: seconds since 1970, UTC.
inline std::uint64_t wall_clock_seconds() { return static_cast<std::uint64_t>(::time(nullptr)); }

/// The same date and time of day as the host's time zone has it, taken for UTC.
inline std::uint64_t local_clock_seconds() {
  const time_t now = ::time(nullptr);
  tm local{};
  ::localtime_r(&now, &local);
  return static_cast<std::uint64_t>(now + local.tm_gmtoff);
}

/// Unit: ns since 1970, UTC. When a trace was begun.
inline std::uint64_t wall_clock_ns() {
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<std::uint64_t>(now.tv_nsec);
}

}  // namespace lockstitch::world

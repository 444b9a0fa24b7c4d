// The date for the guest's RTC at power-on: read once, then a recorded input like the rest of the board's
// configuration.
#pragma once
#include <time.h>

#include <cstdint>

namespace lockstitch::world {

/// Unit: seconds since 1970, UTC.
inline std::uint64_t wall_clock_seconds() { return static_cast<std::uint64_t>(::time(nullptr)); }

}  // namespace lockstitch::world

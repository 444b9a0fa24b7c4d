// The date that the guest's real-time clock shows at power-on, as people write it.
#pragma once
#include <cstdint>
#include <string>

#include "lockstitch/result.h"

namespace lockstitch::app {

/// 2020-01-01T00:00:00Z: where `--clock virtual` starts unless it is told otherwise, so that runs repeat.
inline constexpr std::uint64_t rtc_start_virtual_seconds = 1'577'836'800;

/// `YYYY-MM-DDTHH:MM:SSZ`. Unit of the result: seconds since 1970, UTC. Range: 1980 to 2099.
Result<std::uint64_t> parse_rtc_start(const std::string& text);
std::string rtc_start_text(std::uint64_t seconds);

}  // namespace lockstitch::app

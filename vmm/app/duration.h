// Lengths of time as people write them: 60s, 500ms, 5m, 1h, none.
#pragma once
#include <cstdint>
#include <string>

#include "lockstitch/result.h"

namespace lockstitch::app {

/// Unit of the result: ns; none is 0. Fails: no number, an unknown unit, more than 2^63 ns.
Result<std::uint64_t> parse_duration(const std::string& text);

}  // namespace lockstitch::app

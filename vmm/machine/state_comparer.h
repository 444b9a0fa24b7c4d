// Compares two saved states (state_format.h) and names the first field that differs.
#pragma once
#include <optional>

#include "lockstitch/divergence.h"
#include "lockstitch/types.h"

namespace lockstitch {

/// Nothing when the streams are equal. Any bytes are safe; a damaged stream is a difference.
std::optional<Divergence> first_difference(Tick tick, Bytes expected, Bytes got);

}  // namespace lockstitch

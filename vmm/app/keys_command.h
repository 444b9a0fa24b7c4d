// `lockstitch keys`: certificates for the members of a pair.
#pragma once
#include <string>
#include <vector>

#include "lockstitch/result.h"

namespace lockstitch::app {

/// The exit code. Fails: as make_keys().
Result<int> keys(const std::vector<std::string>& arguments);

}  // namespace lockstitch::app

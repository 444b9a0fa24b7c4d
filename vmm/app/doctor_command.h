// `lockstitch doctor`: what this host can do for guests, tried out rather than believed.
#pragma once
#include <string>
#include <vector>

#include "lockstitch/result.h"

namespace lockstitch::app {

/// The exit code: 0, whatever was found. Fails: bad flags.
Result<int> doctor(const std::vector<std::string>& arguments);

}  // namespace lockstitch::app

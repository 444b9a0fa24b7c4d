// `lockstitch witness`: the third party of pairs, which keeps their terms.
#pragma once
#include <string>
#include <vector>

#include "lockstitch/result.h"

namespace lockstitch::app {

/// The exit code, at the end of its service. Fails: as serve_witness().
Result<int> witness(const std::vector<std::string>& arguments);

}  // namespace lockstitch::app

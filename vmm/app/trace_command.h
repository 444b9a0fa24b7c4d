// `lockstitch trace`: looks at traces without running them.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "lockstitch/result.h"

namespace lockstitch::app {

/// The process's exit code. `arguments`: behind `trace`; the first names what to do.
Result<int> trace(const std::vector<std::string>& arguments);

extern const std::string_view trace_help;

}  // namespace lockstitch::app

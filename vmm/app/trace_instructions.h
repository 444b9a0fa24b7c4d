// `lockstitch trace instructions`: every instruction of a stretch of a recording, one a line.
#pragma once
#include <string>
#include <vector>

#include "lockstitch/result.h"

namespace lockstitch::app {

struct InstructionsWish {
  std::string trace, from, to, symbols, format = "text";
  std::vector<std::string> images;
};

/// Prints on stdout. The exit code.
Result<int> trace_instructions(const InstructionsWish& wish);

}  // namespace lockstitch::app

// Two executions that had to be equal were not: a value to keep and to report, never an exception.
#pragma once
#include <string>

#include "lockstitch/tick.h"

namespace lockstitch {

struct Divergence {
  Tick tick;
  std::string component;  ///< path of the first differing field, e.g. "board/lapic/timer/deadline_ns"
  std::string expected;
  std::string got;
};

}  // namespace lockstitch

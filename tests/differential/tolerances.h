// Known differences between the processor and the engine that are not held against it, each with its reason. A tolerance makes
// the two outcomes alike in exactly what it is about; everything else of the case is still compared.
#pragma once
#include <span>

#include "tests/differential/registers.h"

namespace lockstitch::differential {

struct Tolerance {
  const char* what;
  const char* reason;
  /// Changes the outcomes where they may differ.
  void (*apply)(const Case& which, Outcome& native, Outcome& engine);
};

std::span<const Tolerance> tolerances();

}  // namespace lockstitch::differential

// Compares what the processor and the engine made of one case, and tells a person where they differ.
#pragma once
#include <cstdint>
#include <span>
#include <string>

#include "tests/differential/registers.h"

namespace lockstitch::differential {

/// Status flags that are undefined for this very case: the row's, refined by the shift count.
std::uint64_t undefined_flags(const Case& which);

struct Comparison {
  bool equal = true;
  std::string report;  ///< differing rows, processor and engine side by side
};

/// Status flags, registers and the data pages after the case; tolerances.h applied. Not compared: FIP, FDP and FOP, which the
/// engine keeps at zero.
Comparison compare(const Case& which, Outcome native, Outcome engine, std::span<const std::uint8_t> native_memory,
                   std::span<const std::uint8_t> engine_memory);

}  // namespace lockstitch::differential

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

/// `native` and `engine` memory: the data pages after the case.
Comparison compare(const Case& which, const Outcome& native, const Outcome& engine, std::span<const std::uint8_t> native_memory,
                   std::span<const std::uint8_t> engine_memory);

}  // namespace lockstitch::differential

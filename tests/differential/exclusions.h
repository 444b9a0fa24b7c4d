// What the differential test leaves out, each with its reason. `LOCKSTITCH_LIST_EXCLUSIONS=1` prints the list.
#pragma once
#include <cstdint>
#include <span>
#include <string>

#include "vmm/engine/interp/row.h"

namespace lockstitch::differential {

struct Encoding {
  const interp::Row& row;
  unsigned bits;
  std::span<const std::uint8_t> bytes;
};

struct Exclusion {
  const char* what;
  const char* reason;
  bool (*matches)(const Encoding& encoding);
};

std::span<const Exclusion> exclusions();

/// The exclusion that applies, or null.
const Exclusion* excluded(const Encoding& encoding);

/// Text of the instruction by an independent decoder; "?" if it knows none.
std::string disassemble(std::span<const std::uint8_t> bytes, unsigned bits, std::uint64_t rip);

}  // namespace lockstitch::differential

// Reads a resource template, the contents of _CRS and _PRS, into its descriptors. Not here: what they must say.
// Source: ACPI 6.3 chapter 6.4.
#pragma once
#include <string>
#include <vector>

#include "lockstitch/types.h"

namespace lockstitch::acpi_check {

struct AcpiResource {
  enum class Kind {
    io,         ///< ports first..last; a device of `length` ports may be put from `first` up to `last_base`
    memory,     ///< a fixed range
    interrupt,  ///< lines
    dma,        ///< lines
    window,     ///< of an address space
    other,
  };
  enum class Space { memory, io, bus, other };
  Kind kind = Kind::other;
  Space space = Space::other;  ///< window
  std::uint64_t first = 0, last = 0, length = 0, last_base = 0, translation = 0;
  bool producer = false, fixed_first = false, fixed_last = false;  ///< window
  std::vector<unsigned> lines;
  bool level = false, active_low = false, shared = false;
  bool extended = false;  ///< interrupt: the descriptor with 32-bit numbers
};

struct ResourceTemplate {
  std::vector<AcpiResource> resources;
  std::vector<std::string> errors;  ///< parts of sentences: "has no end tag"
};

ResourceTemplate read_resources(Bytes bytes);

}  // namespace lockstitch::acpi_check

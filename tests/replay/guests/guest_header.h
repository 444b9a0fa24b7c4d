// The expected outcome that a test guest states in its own source (firmware/guests/README.md).
#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace lockstitch::test {

struct GuestHeader {
  std::string name;
  std::string boot;             ///< multiboot, pvh or flat
  std::string expect;           ///< "exit N", "shutdown", "power-off" or "reset"
  std::string serial;           ///< must appear in the output of COM1
  std::uint64_t ticks_max = 0;  ///< Unit: ticks
  std::uint64_t memory_mib = 16;
};

/// Of every .asm file in the folder, by name. A file without `; expect:` is reported with an empty `expect`.
std::vector<GuestHeader> read_guest_headers(const std::string& folder);

}  // namespace lockstitch::test

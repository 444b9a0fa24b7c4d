// What a recorder writes down of the machine, and a replayer compares, at the moment it is called by the machine.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "sync/log/entry.h"

namespace lockstitch::sync {

class Probe {
 public:
  virtual ~Probe() = default;
  virtual Position position() = 0;
  /// Everything but RAM.
  virtual std::vector<std::uint8_t> state() = 0;
  /// Of equal parts of RAM. Order: after a digest, which brings them up to date.
  virtual std::vector<std::uint64_t> memory_sums() = 0;
  /// Path of the part in reports, e.g. "memory/0x00800000-0x00ffffff".
  virtual std::string memory_part(std::size_t index) = 0;
};

}  // namespace lockstitch::sync

// How far a CPU's time stamp counter is ahead of virtual time. The counter belongs to the engine; the local APIC needs
// the distance for TSC deadlines.
#pragma once
#include <cstdint>

namespace lockstitch {

class TscPort {
 public:
  virtual ~TscPort() = default;
  /// Unit: TSC counts (1 per virtual nanosecond), modulo 2^64.
  virtual std::uint64_t offset() const = 0;
};

}  // namespace lockstitch

// The CPU's question to an external interrupt controller: which vector? (the INTA cycle)
#pragma once
#include <cstdint>

namespace lockstitch {

class ExternalInterrupt {
 public:
  virtual ~ExternalInterrupt() = default;
  /// Takes the highest request in service and returns its vector; a spurious vector when there is none.
  virtual std::uint8_t acknowledge() = 0;
};

}  // namespace lockstitch

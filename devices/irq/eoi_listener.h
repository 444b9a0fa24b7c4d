// Who is told when a local APIC ends a level-triggered interrupt: the IOAPIC.
#pragma once
#include <cstdint>

namespace lockstitch {

class EoiListener {
 public:
  virtual ~EoiListener() = default;
  virtual void end_of_interrupt(std::uint8_t vector) = 0;
};

}  // namespace lockstitch

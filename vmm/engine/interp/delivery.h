// Delivery of interrupts and exceptions through the IDT (or the IVT) in every mode. Source: SDM 3A chapter 6, SDM 2 INT n.
#pragma once
#include <cstdint>

#include "vmm/engine/interp/cpu.h"

namespace lockstitch::interp {

struct Delivery {
  std::uint8_t vector = 0;
  bool software = false;   ///< INT n, INT3, INTO: gate DPL counts
  bool fault = false;      ///< push RF set
  bool has_code = false;
  std::uint32_t code = 0;
  std::uint64_t return_rip = 0;
};

/// Pushes the frame and enters the handler; registers change only after the last access that can fault. Raises what goes
/// wrong on the way. Leaves the new RIP in cpu.rip.
void deliver(Cpu& cpu, const Delivery& how);

}  // namespace lockstitch::interp

// What follows from a report: whether KVM can run guests here, and what would have to change.
#pragma once
#include <string>
#include <vector>

#include "vmm/engine/kvm/probe.h"

namespace lockstitch::kvm {

/// Unit: instructions a second. Below it ring 0 is emulated, whatever else holds.
inline constexpr std::uint64_t hardware_speed_min = 100'000'000;

struct Verdict {
  /// Unmodified guests run, at the speed of the processor.
  bool sound = false;
  std::vector<std::string> faults;  ///< why not; each a clause without a full stop
  std::vector<std::string> cures;   ///< what an administrator could change; each a clause

  // The deterministic ways to use KVM (docs/KVM.md). `detail`: what is missing, or what one must know.
  Finding boundary;  ///< the machine looks at the guest only at exits
  Finding stepping;  ///< instruction by instruction
  Finding counting;  ///< by retired branches
};

Verdict judge(const Report& report);

}  // namespace lockstitch::kvm

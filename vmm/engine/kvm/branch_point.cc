// See branch_point.h.
#include "vmm/engine/kvm/branch_point.h"

#include <fmt/format.h>

namespace lockstitch::kvm {

namespace {

Error lost(const BranchPoint& target, const BranchPoint& here, const char* why) {
  return {ExitCode::divergence, fmt::format("Branch {} at RIP {:#x} was not reached: {} (branch {}, RIP {:#x}).",
                                            target.branches, target.rip, why, here.branches, here.rip)};
}

}  // namespace

Outcome go_to(CountedGuest& guest, const BranchPoint& target) {
  BranchPoint here = guest.here();
  if (here.branches > target.branches) return lost(target, here, "it lies behind the guest");
  if (target.branches - here.branches > guest.skid()) {
    guest.run_to_count(target.branches - guest.skid());
    here = guest.here();
    if (here.branches > target.branches) return lost(target, here, "the counter's alarm came too late");
  }
  while (here != target) {
    if (here.branches > target.branches) return lost(target, here, "the guest passed it by");
    // An arrival at the instruction with other registers is an earlier turn of a loop.
    here.rip == target.rip ? guest.step() : guest.run_to_instruction(target.rip, target.branches);
    here = guest.here();
  }
  return success();
}

}  // namespace lockstitch::kvm

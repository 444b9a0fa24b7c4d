// See stepping.h. Source: reference of KVM's single steps: TF is set in the guest's own flags while it lasts.
#include "vmm/engine/kvm/stepping.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "vmm/engine/interp/cpu.h"

namespace lockstitch::kvm {

namespace {

/// Ends of blocks that only move RIP and the stack.
bool is_near_branch(std::string_view name) {
  static constexpr std::array branches{"jmp J", "jmp E", "call J", "call E", "loop", "jcxz", "ret"};
  if (name.starts_with("retf")) return false;
  if (name.starts_with("j") && name.find(" J") != name.npos) return true;
  return std::any_of(branches.begin(), branches.end(), [&](const char* start) { return name.starts_with(start); });
}

/// What shows TF, or stores pointers of which processors keep different ones.
bool shows_too_much(std::string_view name) {
  static constexpr std::array names{"pushf",  "popf",   "fxsave", "fxrstor", "fnsave",   "fnstenv",
                                    "frstor", "fldenv", "rep",    "repne",   "mov Ev,Sw"};
  return std::any_of(names.begin(), names.end(), [&](const char* start) { return name.starts_with(start); });
}

}  // namespace

bool steps_on_processor(const interp::Row& row, const CpuState& cpu, bool undefined_flags) {
  const bool watched = (cpu.rflags & (interp::flag::tf | interp::flag::rf)) || (cpu.dr[7] & 0xff);
  if (watched || cpu.interrupt_shadow || cpu.pending_debug != 0 || cpu.debug_blocked) return false;
  if (row.attrs & interp::attr::system) return false;
  if (row.undefined != 0 && !undefined_flags) return false;
  const std::string_view name = row.name;
  if ((row.attrs & interp::attr::ends) && !is_near_branch(name)) return false;
  return !shows_too_much(name);
}

}  // namespace lockstitch::kvm

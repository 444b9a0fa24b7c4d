// Pages whose code may read the time-stamp counter, which no KVM lets its user trap. The engine keeps them out of the
// guest's memory slots, so that the interpreter executes what lies there. A page counts if it holds the bytes of RDTSC
// or RDTSCP anywhere, and
//   - a device has written it (pages of files), or
//   - it is executable for the kernel or for a process (found by walking the page tables now and then), or
//   - it is near the instruction pointer at an exit.
// Code that was written and executed between two looks is missed: the digests tell.
#pragma once
#include <cstdint>
#include <set>
#include <vector>

#include "lockstitch/cpu_state.h"
#include "lockstitch/guest_memory.h"

namespace lockstitch::kvm {

class CounterPages {
 public:
  explicit CounterPages(GuestMemory& memory) : memory_(memory) {}

  bool holds(Gpa gpa) const { return !held_.empty() && held_.count(gpa & ~page_mask) != 0; }
  /// Of pages, ascending.
  const std::set<Gpa>& held() const { return held_; }

  /// By a device, or by us in place of the guest.
  void written(Gpa gpa, std::uint64_t length);
  /// By the guest: what is known of the page is void.
  void forget(Gpa gpa);
  void forget_all();
  /// The CPU stands at an exit.
  void look(const CpuState& cpu);

  /// Since the last call.
  bool take_changed();

 private:
  void check(Gpa page);
  void walk(Gpa table, unsigned level, std::uint64_t linear, bool user, const CpuState& cpu);

  GuestMemory& memory_;
  std::set<Gpa> held_;
  std::vector<bool> clean_;  ///< by page number: looked at and not written since
  bool changed_ = false;
};

}  // namespace lockstitch::kvm

// A place in an execution as a counter of branches can name it, and the way there: run until shortly before, for a
// counter's alarm comes late by a few branches; then from breakpoint to breakpoint, and step where that is not enough
// (the method of rr). Pure: what runs is behind an interface.
#pragma once
#include <cstdint>

#include "lockstitch/result.h"

namespace lockstitch::kvm {

/// Two places with equal members are the same place, unless the guest goes round without a conditional branch.
struct BranchPoint {
  std::uint64_t branches = 0;  ///< conditional ones retired
  std::uint64_t rip = 0, rcx = 0;
  std::uint64_t registers = 0;  ///< hash
  friend bool operator==(const BranchPoint&, const BranchPoint&) = default;
};

/// A guest that its counter can stop.
class CountedGuest {
 public:
  virtual ~CountedGuest() = default;
  virtual BranchPoint here() = 0;
  /// Unit: branches. How late an alarm may come.
  virtual std::uint64_t skid() const = 0;
  /// Runs until an alarm at that count: at least so far, at most skid() further.
  virtual void run_to_count(std::uint64_t branches) = 0;
  /// Runs until the next arrival at `rip`, or until the count is above `branches`.
  virtual void run_to_instruction(std::uint64_t rip, std::uint64_t branches) = 0;
  virtual void step() = 0;
};

/// The guest stands exactly there. Fails: the place is behind the guest, an alarm came too late, or the place does not
/// come: then the execution is another one.
Outcome go_to(CountedGuest& guest, const BranchPoint& target);

}  // namespace lockstitch::kvm

// The standby's half of a join: tells the leader by sums what its disks hold, and puts what comes into a machine that
// was just made.
#pragma once
#include <cstdint>

#include "lockstitch/result.h"
#include "sync/peer/desk.h"
#include "vmm/app/machine_snapshot.h"

namespace lockstitch::app {

class JoinTarget {
 public:
  JoinTarget(Machine& machine, const WrittenDisks& disks, sync::Desk& desk);

  /// Sends the next sums. False: there are none left, or no room.
  bool work();
  /// True: it was the last part, the machine is whole and durable. Fails: it does not fit, or is not what it was.
  Result<bool> take(const sync::JoinPart& part);

 private:
  Outcome take_state(const sync::MachineState& state);

  Machine& machine_;
  const WrittenDisks& disks_;
  sync::Desk& desk_;
  std::size_t disk_ = 0;
  std::uint64_t chunk_ = 0;
};

}  // namespace lockstitch::app

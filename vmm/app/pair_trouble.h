// What a replica does when its host fails a disk request: it steps down, for the other one has the same disk and goes
// on. Only a leader without a follower stands still and tries again, like an unprotected guest.
#pragma once
#include "sync/peer/desk.h"
#include "vmm/world/world_trouble.h"

namespace lockstitch::app {

class PairTrouble final : public world::WorldTrouble {
 public:
  explicit PairTrouble(sync::Desk& desk) : desk_(desk) {}

  void report(const Error& error) override;
  void over() override;
  bool wait_to_retry() override;
  [[noreturn]] void abandon(const Error& error) override;

 private:
  sync::Desk& desk_;
};

}  // namespace lockstitch::app

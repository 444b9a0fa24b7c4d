// A disk request that the host fails is tried again until it succeeds or somebody ends the process (world_trouble.h).
#pragma once
#include "lockstitch/result.h"
#include "vmm/world/world_trouble.h"

namespace lockstitch::world {

/// `attempt`: returns an Outcome, and may be called any number of times.
template <class Attempt>
void insist(WorldTrouble& trouble, Attempt attempt) {
  Outcome outcome = attempt();
  if (outcome) return;
  trouble.report(outcome.error());
  do {
    if (!trouble.wait_to_retry()) trouble.abandon(outcome.error());
    outcome = attempt();
  } while (!outcome);
  trouble.over();
}

/// Of a flush that failed: a second attempt that succeeds would prove nothing, so the machine stands still until it is
/// ended.
inline void stand_still(WorldTrouble& trouble, const Error& error) {
  trouble.report(error);
  while (trouble.wait_to_retry()) continue;
  trouble.abandon(error);
}

}  // namespace lockstitch::world

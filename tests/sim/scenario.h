// What one seed decides before anything runs, and the switches of the harness.
#pragma once
#include <cstdint>
#include <string>
#include <utility>

#include "tests/sim/event_queue.h"
#include "tests/sim/random.h"

namespace lockstitch::sim {

/// Bugs of the harness's own, to see that the checkers see.
enum class Plant : std::uint8_t {
  none,
  release_before_ack,  ///< the gate opens to what was executed
  no_term_check,       ///< every message seems to be of our own term, and the arbiter grants whatever is claimed
  early_arrival,       ///< the follower's machine is given an input one tick early
  dropped_entry,       ///< at a take-over one acknowledged input is lost
  early_in_sync,       ///< a follower may take over before it has the log of what left while it joined
};

/// A checker has found something.
struct Violation {
  std::string sentence;
};

enum class Fault : std::uint8_t {
  kill,
  kill_between_actions,
  power_failure,
  pause,
  slow_core,
  cut_one_way,
  cut_both_ways,
  slow_link,
  close_link,
  arbiter_away,
  arbiter_loses_answers,
  hand_over,
  play_dead,
  drop_follower,
  step_down,
};
inline constexpr unsigned fault_kinds = 15;

struct Scenario {
  explicit Scenario(std::uint64_t seed_, Plant plant_) : seed(seed_), plant(plant_) {
    Random random(mix(seed) ^ 0x5eed);
    link_delay = random.spread(20 * us, 20 * ms);
    link_jitter = random.spread(10 * us, 20 * ms);
    core_period = random.between(4, 16) * ms;
    leave_delay = random.spread(10 * us, 5 * ms);
    client_every = random.spread(20 * ms, 300 * ms);
    fault_every = random.spread(100 * ms, 6 * s);
    provoke_permille = random.chance(400) ? 0 : static_cast<unsigned>(random.spread(20, 400));
    faults_until = random.between(8, 30) * s;
    hurry_permille = random.chance(500) ? 1000 : 300;
    catch_up_ticks = random.spread(25, 400);
    flush_permille = static_cast<unsigned>(random.between(100, 1000));
    real_codec = random.chance(60);
    b_may_start = !random.chance(120);
    guest_ends = random.chance(150);
    for (unsigned i = 0; i < fault_kinds; ++i) {
      if (random.chance(550)) faults |= 1u << i;
    }
  }

  const std::uint64_t seed;
  const Plant plant;
  // Unit: ns of host time.
  HostTime link_delay = 0, link_jitter = 0, core_period = 0, leave_delay = 0;
  HostTime client_every = 0, fault_every = 0, faults_until = 0;
  unsigned provoke_permille = 0;     ///< how often a change of role has a fault follow at once
  unsigned hurry_permille = 0;       ///< how often an effect that waits makes the log leave at once
  unsigned flush_permille = 0;       ///< how often the log leaves when the core has worked, though no effect waits
  std::uint64_t catch_up_ticks = 0;  ///< at each turn of the core; faster than the clock
  bool real_codec = false, b_may_start = true, guest_ends = false;
  unsigned faults = 0;  ///< bit i: Fault i may happen in this run
};

}  // namespace lockstitch::sim

// The account of a run for scripts, as JSON. docs/GUEST_FILE.md describes the fields.
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "lockstitch/digest.h"
#include "lockstitch/tick.h"
#include "vmm/app/host_usage.h"
#include "vmm/app/settings.h"

namespace lockstitch::app {

struct Summary {
  std::string end_reason;
  int exit_code = 0;
  std::uint64_t seed = 0;
  std::string rtc_start;
  std::string engine, ticks;
  ClockMode clock = ClockMode::realtime;
  std::uint64_t guest_memory_bytes = 0;
  double wall_seconds = 0;

  /// Nothing: the run ended where the machine could not be looked at (a disk failed in the middle of a request).
  struct Machine {
    Moment end;
    Digest digest;
    HostUsage usage;
    std::map<std::string, std::uint64_t> counters;
    std::map<std::string, std::uint64_t> exits;   ///< of the engine, by kind
    std::map<std::string, std::uint64_t> engine;  ///< what the engine counts itself
  };
  std::optional<Machine> machine;

  struct Recorded {
    std::string trace;
    std::uint64_t log_entries = 0, log_bytes = 0;  ///< bytes before compression
    std::uint64_t checkpoints = 0, checkpoint_bytes = 0;
    double checkpoint_pause_seconds = 0;  ///< how long the guest stood still for them
  };
  std::optional<Recorded> recorded;

  struct Replayed {
    std::string trace;
    Tick started_at;
    std::uint64_t inputs = 0, digests_compared = 0, checkpoints_compared = 0;
    bool complete = false;  ///< the recorded end was reached
    std::string cut;        ///< why not; empty when nothing is missing of the log
    struct Diverged {
      Tick tick;
      std::string component, expected, got;
    };
    std::optional<Diverged> diverged;
  };
  std::optional<Replayed> replayed;
};

/// One object over several lines, with a line end.
std::string to_json(const Summary& summary);

}  // namespace lockstitch::app

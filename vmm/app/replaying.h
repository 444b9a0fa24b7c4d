// A replay in progress: where in the log the machine is, how far it is to go, and what came of it.
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "lockstitch/result.h"
#include "sync/tape/checker.h"
#include "sync/tape/replay_cursor.h"
#include "vmm/app/engine_setting.h"
#include "vmm/app/machine_probe.h"
#include "vmm/app/machine_snapshot.h"
#include "vmm/app/open_trace.h"

namespace lockstitch::app {

struct ReplayOptions {
  /// What executes the guest; nothing: as recorded, if this host has it.
  std::optional<std::vector<EngineTurn>> engines;
  bool debugged = false;  ///< the engine must be able to watch every instruction
  Tick from;                    ///< shown and reported from here; the machine starts at a checkpoint before it
  std::string from_checkpoint;  ///< a file; goes before `from`
  std::optional<Tick> to;       ///< nothing: to the end of the log
  bool check = false;           ///< compare with every checkpoint on the way, byte for byte
  bool realtime = false;        ///< as fast as the guest's clock, not faster
};

/// What differs, and all that helps to find why.
struct DivergenceReport {
  Divergence what;
  std::optional<Tick> last_agreement;
  std::vector<std::string> entries;  ///< around it, in order
  std::string repeat;                ///< the command that shows it again
};

class Replaying {
 public:
  struct Account {
    std::uint64_t inputs = 0, digests_compared = 0, checkpoints_compared = 0;
    Tick started_at;
    std::string cut;        ///< why the replay did not reach the end of the recording, as a sentence
    bool complete = false;  ///< the recorded end was reached and was equal
  };

  /// Fails: a log that cannot be read or is damaged before the goal, a checkpoint that is none.
  static Result<std::unique_ptr<Replaying>> open(const OpenTrace& trace, const ReplayOptions& options);

  /// Where the machine is to start; nothing: at power-on.
  const std::optional<sync::CheckpointFile>& start() const { return start_; }
  /// Once the machine stands there.
  void begin(Machine& machine, const WrittenDisks& disks);

  sync::ReplayCursor& cursor() { return *cursor_; }
  MachineProbe& probe() { return *probe_; }
  const ReplayOptions& options() const { return options_; }
  void set_checker(sync::CheckingSink& checker) { checker_ = &checker; }

  /// The machine may be stepped up to here.
  Tick limit() const { return std::min(limit_, next_compared()); }
  /// Where the replay will be over, as far as is known; for progress.
  Tick goal() const { return limit_; }
  /// Between two passes: true when there is no sense in going on.
  bool between_passes();

  /// After the machine's end, or after between_passes() said so. Nothing: everything that could be compared is equal.
  /// Fails: damage of the log.
  Result<std::optional<DivergenceReport>> finish(const std::optional<End>& end);
  Account account() const;

 private:
  Replaying(const OpenTrace& trace, ReplayOptions options) : trace_(trace), options_(std::move(options)) {}

  Outcome set_limit();
  Outcome choose_start();
  Tick next_compared() const;
  void compare_checkpoint();
  void compare_end(const End& end);
  DivergenceReport report() const;

  const OpenTrace& trace_;
  const ReplayOptions options_;
  LogSurvey survey_;
  Tick limit_ = tick_never;
  std::optional<sync::CheckpointFile> start_;
  std::optional<sync::LogReader> reader_;
  std::unique_ptr<sync::ReplayCursor> cursor_;
  std::unique_ptr<MachineProbe> probe_;
  sync::CheckingSink* checker_ = nullptr;
  Machine* machine_ = nullptr;
  const WrittenDisks* disks_ = nullptr;
  std::vector<sync::CheckpointListing> to_compare_;  ///< ascending
  std::size_t next_to_compare_ = 0;
  Outcome trouble_ = success();
  Account account_;
};

/// For people, several lines.
std::string to_text(const DivergenceReport& report);

}  // namespace lockstitch::app

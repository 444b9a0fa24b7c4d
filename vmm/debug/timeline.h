// A recorded machine that can be anywhere in its past, forwards and backwards, exact to the boundary between two
// instructions. Going back is going forward from a mark (marks.h): the past is a function of the log. Not here: what a
// debugger says and hears (debugger.h).
//
// A diversion is a run without the log: whatever the person changes happens there, and is gone when it ends.
#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "lockstitch/result.h"
#include "sync/tape/checker.h"
#include "sync/tape/probe.h"
#include "sync/tape/replayer.h"
#include "vmm/debug/log_tape.h"
#include "vmm/debug/marks.h"
#include "vmm/machine/quiet_source.h"

namespace lockstitch::debug {

enum class Arrived : std::uint8_t {
  there,          ///< where it was to go; one step
  watched,        ///< hit() says what it was
  interrupted,    ///< the person asked
  history_begin,  ///< there is nothing before
  history_end,    ///< there is nothing behind, or trouble() says why it cannot be reached
};

struct TimelineOptions {
  std::uint64_t budget_bytes = 2ull << 30;  ///< of marks
  Tick limit = tick_never;                  ///< the end of the recording
};

class Timeline {
 public:
  using Interrupted = std::function<bool()>;

  /// The machine stands where the timeline begins; nobody else steps it from now on. `effects` gets each effect once,
  /// when it is first passed.
  Timeline(Machine& machine, const Disks& disks, sync::EntryStream& log, sync::Probe& probe,
           sync::StateComparer compare, Sink& effects, const TimelineOptions& options);
  ~Timeline();

  Boundary here() const { return machine_.boundary(); }
  Tick begin() const { return marks_.first(); }
  Tick limit() const { return options_.limit; }
  /// The machine stands at the end of the recording.
  bool at_end() const { return ended_ || machine_.tick() >= options_.limit; }

  /// To the first boundary at `there` or behind it.
  Arrived go_to(Boundary there, const Interrupted& interrupted);
  /// One instruction or one delivery. `watched` if that touched a range of the set; its breakpoints do not count.
  Arrived step(const WatchSet& set, const Interrupted& interrupted);
  Arrived step(const Interrupted& interrupted) { return step(WatchSet{}, interrupted); }
  Arrived step_back(const Interrupted& interrupted);
  /// Until something of the set happens: forwards behind a touched range, backwards in front of it.
  Arrived run(const WatchSet& set, const Interrupted& interrupted);
  Arrived run_back(const WatchSet& set, const Interrupted& interrupted);

  /// Whether the machine stands on one of the set's breakpoints, which hit() then says.
  bool stands_on(const WatchSet& set);

  /// What the latest move came upon.
  const std::optional<WatchHit>& hit() const { return hit_; }
  /// Why the recording cannot be followed: damage, or a divergence.
  const std::string& trouble() const { return trouble_; }

  bool diverted() const { return diverted_from_.has_value(); }
  /// From here on without the log.
  void divert();
  /// Where the latest diversion began.
  Arrived end_diversion(const Interrupted& interrupted);

  LogTape& log() { return log_; }
  const Marks& marks() const { return marks_; }

 private:
  class OnceSink;

  void begin_at_machine();
  bool set_back(Tick mark);
  std::optional<Arrived> advance(Tick until, const Interrupted& interrupted);
  std::optional<Arrived> advance_leaving_marks(Tick until, const Interrupted& interrupted);
  std::optional<Arrived> note(const std::optional<End>& end);
  Arrived step_once(const Interrupted& interrupted);
  bool find_stretch(Boundary end, const Interrupted& interrupted);
  std::optional<Arrived> collect(const WatchSet& set, Tick from, Boundary until, const Interrupted& interrupted);
  void mark_now_and_then();
  Source& source();
  Sink& sink();

  Machine& machine_;
  LogTape log_;
  sync::Probe& probe_;
  sync::StateComparer compare_;
  std::unique_ptr<OnceSink> effects_;
  const TimelineOptions options_;
  Marks marks_;

  // Of the present position in the log.
  std::unique_ptr<sync::ReplayCursor> cursor_;
  std::unique_ptr<sync::ReplayingSource> replaying_;
  std::unique_ptr<sync::CheckingSink> checking_;
  bool ended_ = false;

  std::optional<Boundary> diverted_from_;
  QuietSource quiet_;

  std::optional<WatchHit> hit_;
  std::string trouble_;
  /// Boundaries one behind the other without a gap: what step_back() goes along.
  std::vector<Boundary> stretch_;
  std::int64_t mark_at_ms_ = 0;
};

}  // namespace lockstitch::debug

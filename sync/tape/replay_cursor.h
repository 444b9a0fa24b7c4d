// A place in a log from which a machine is replayed: what the machine is still to be given, what it is still expected
// to be, and the first difference. Source and sink of a replay share one (replayer.h). Reads ahead no further than it
// must.
#pragma once
#include <deque>
#include <optional>
#include <vector>

#include "lockstitch/divergence.h"
#include "lockstitch/result.h"
#include "sync/log/entry_stream.h"

namespace lockstitch::sync {

class ReplayCursor {
 public:
  /// Unit: entries. Kept behind the machine, for reports.
  static constexpr std::size_t context_entries = 8;

  /// Entries before `from`, the tick at which the machine stands, are passed over.
  ReplayCursor(EntryStream& log, Tick from) : log_(&log), from_(from), known_until_(from) {}
  /// Is fed; what was not fed yet is as if the log were cut off there. Whoever steps the machine stays two ticks behind
  /// known_until() as long as more may come: then the digest of every tick that is executed is here, too.
  explicit ReplayCursor(Tick from) : from_(from), known_until_(from), exhausted_(true) {}

  /// The next entry of the log.
  void feed(Entry entry);

  /// Reads until every input of ticks up to `tick` is here, or the log ends.
  void read_past(Tick tick);
  /// Reads until a digest is here, or the log ends. A digest may stand behind the horizon of its own tick, for it is
  /// taken after the inputs.
  void read_digest();

  /// All inputs of earlier ticks are known; tick_never behind the end entry.
  Tick known_until() const { return known_until_; }
  /// The log has no more entries to read. Without an end entry it was cut off, and known_until() is as far as it goes.
  bool exhausted() const { return exhausted_; }
  /// The end entry, once it was read.
  const std::optional<Entry>& end() const { return end_; }

  /// The next input that is known; null: none.
  const Entry* input() const { return inputs_.empty() ? nullptr : &inputs_.front(); }
  Entry take_input();
  /// The next digest that is known; null: none.
  const Entry* digest() const { return digests_.empty() ? nullptr : &digests_.front(); }
  Entry take_digest();

  /// Keeps the first.
  void diverged(Divergence divergence);
  const std::optional<Divergence>& divergence() const { return divergence_; }
  /// Damage of the log that was met while reading.
  const Outcome& trouble() const { return trouble_; }

  /// The latest digest that agreed.
  std::optional<Tick> last_agreement() const { return last_agreement_; }
  std::uint64_t digests_compared() const { return digests_compared_; }
  std::uint64_t inputs_taken() const { return inputs_taken_; }
  /// What was taken last, oldest first; without states.
  const std::deque<Entry>& behind() const { return behind_; }
  /// What comes next, in the order of ticks; without states.
  std::vector<Entry> ahead(std::size_t count) const;

 private:
  void read_entry();
  void remember(const Entry& entry);

  EntryStream* log_ = nullptr;
  const Tick from_;
  Tick known_until_;
  bool exhausted_ = false;
  std::deque<Entry> inputs_, digests_;
  std::optional<Entry> end_;
  std::optional<Divergence> divergence_;
  Outcome trouble_ = success();
  std::optional<Tick> last_agreement_;
  std::uint64_t digests_compared_ = 0, inputs_taken_ = 0;
  std::deque<Entry> behind_;

  friend class CheckingSink;
};

}  // namespace lockstitch::sync

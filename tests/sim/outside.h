// What the outside world has seen of the guest, and what it holds the pair to: no gap, no second version of anything,
// no answered request forgotten, one voice per term.
#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "sync/replica/term.h"
#include "tests/sim/scenario.h"
#include "tests/sim/toy_machine.h"

namespace lockstitch::sim {

/// A process, for all time: host and which of its processes.
struct Incarnation {
  char host = '?';
  std::uint64_t number = 0;
  friend bool operator==(const Incarnation&, const Incarnation&) = default;
};
std::string to_text(const Incarnation& who);

class Outside {
 public:
  /// An effect has left `who`, which let it go in `term`. `late`: it was stopped in between and has just gone on.
  void saw(std::uint64_t life, std::uint64_t ordinal, const Payload& payload, sync::Term term, const Incarnation& who,
           bool late);
  /// A machine is to run on with this disk.
  void expect_all_answered_in(const Disk& disk, const std::string& where) const;
  /// `who` leads in `term`.
  void leads(sync::Term term, const Incarnation& who);
  /// The guest of this life has ended, and who says so is free to go.
  void expect_last_word(std::uint64_t life) const;

  std::uint64_t effects_seen() const { return seen_; }
  std::uint64_t duplicates() const { return duplicates_; }
  std::size_t answered() const { return answered_.size(); }
  std::size_t lives() const { return lives_.size(); }
  /// Rows that the disk lacks of what was answered.
  std::vector<RequestId> missing(const Disk& disk) const;

 private:
  std::map<std::uint64_t, std::vector<Payload>> lives_;
  std::vector<RequestId> answered_;
  std::map<sync::Term, Incarnation> voices_, leaders_;
  std::uint64_t seen_ = 0, duplicates_ = 0;
};

}  // namespace lockstitch::sim

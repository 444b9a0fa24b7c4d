// See outside.h.
#include "tests/sim/outside.h"

#include <algorithm>

namespace lockstitch::sim {
namespace {

std::string effect_text(std::uint64_t life, std::uint64_t ordinal) {
  return "effect " + std::to_string(ordinal) + " of life " + std::to_string(life);
}

}  // namespace

std::string to_text(const Incarnation& who) { return std::string(1, who.host) + std::to_string(who.number); }

void Outside::saw(std::uint64_t life, std::uint64_t ordinal, const Payload& payload, sync::Term term,
                  const Incarnation& who, bool late) {
  ++seen_;
  const auto [voice, first] = voices_.try_emplace(term, who);
  if (!first && !(voice->second == who)) {
    throw Violation{"two replicas let effects out in term " + std::to_string(term) + ": " + to_text(voice->second) +
                    " and " + to_text(who)};
  }
  const bool old_life = !lives_.empty() && life < lives_.rbegin()->first;
  if (old_life && !late && ordinal >= lives_[life].size()) {
    throw Violation{"after life " + std::to_string(lives_.rbegin()->first) + " was seen, " + to_text(who) +
                    " lets out the new " + effect_text(life, ordinal)};
  }
  std::vector<Payload>& view = lives_[life];
  if (ordinal < view.size()) {
    ++duplicates_;
    if (view[ordinal] == payload) return;
    throw Violation{effect_text(life, ordinal) + " leaves " + to_text(who) + " in another version than before"};
  }
  if (ordinal > view.size()) {
    throw Violation{"gap: " + effect_text(life, ordinal) + " leaves " + to_text(who) + ", but the one before it is " +
                    std::to_string(view.size()) + " and was never seen"};
  }
  view.push_back(payload);
  if (payload.answers != 0) answered_.push_back(payload.answers);
}

std::vector<RequestId> Outside::missing(const Disk& disk) const {
  std::vector<RequestId> rows = disk.rows, missing;
  std::sort(rows.begin(), rows.end());
  for (const RequestId request : answered_) {
    if (!std::binary_search(rows.begin(), rows.end(), request)) missing.push_back(request);
  }
  return missing;
}

void Outside::expect_all_answered_in(const Disk& disk, const std::string& where) const {
  const auto lost = missing(disk);
  if (lost.empty()) return;
  throw Violation{std::to_string(lost.size()) + " answered requests, the first of them " +
                  std::to_string(lost.front()) + ", are not in the database of " + where};
}

void Outside::leads(sync::Term term, const Incarnation& who) {
  const auto [leader, first] = leaders_.try_emplace(term, who);
  if (first || leader->second == who) return;
  throw Violation{"two replicas lead in term " + std::to_string(term) + ": " + to_text(leader->second) + " and " +
                  to_text(who)};
}

void Outside::expect_last_word(std::uint64_t life) const {
  const auto view = lives_.find(life);
  if (view != lives_.end() && view->second.back().last) return;
  throw Violation{"the guest of life " + std::to_string(life) + " ended, but its last effect was never seen"};
}

}  // namespace lockstitch::sim

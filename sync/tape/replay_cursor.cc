// See replay_cursor.h.
#include "sync/tape/replay_cursor.h"

#include <algorithm>
#include <utility>

namespace lockstitch::sync {
namespace {

Entry without_state(const Entry& entry) {
  if (const auto* digest = std::get_if<DigestEntry>(&entry.body)) {
    return {entry.tick, DigestEntry{digest->digest, {}, {}}};
  }
  return entry;
}

}  // namespace

void ReplayCursor::read_past(Tick tick) {
  while (known_until_ <= tick && !exhausted_) read_entry();
}

void ReplayCursor::read_digest() {
  while (digests_.empty() && !exhausted_ && !end_) read_entry();
}

void ReplayCursor::read_entry() {
  auto read = log_->next();
  if (!read.ok()) trouble_ = read.error();
  if (!read.ok() || !read.value()) {
    exhausted_ = true;
    return;
  }
  feed(std::move(*read.value()));
}

void ReplayCursor::feed(Entry entry) {
  // Others of the same tick may follow, but none before it.
  known_until_ = std::max(known_until_, entry.tick);
  if (std::holds_alternative<HorizonEntry>(entry.body)) {
    known_until_ = std::max(known_until_, entry.tick + 1);
  } else if (std::holds_alternative<EndEntry>(entry.body)) {
    known_until_ = tick_never;
    end_ = std::move(entry);
  } else if (entry.tick < from_) {
    return;
  } else if (is_input(entry)) {
    inputs_.push_back(std::move(entry));
  } else if (std::holds_alternative<DigestEntry>(entry.body)) {
    digests_.push_back(std::move(entry));
  }
}

Entry ReplayCursor::take_input() {
  Entry entry = std::move(inputs_.front());
  inputs_.pop_front();
  ++inputs_taken_;
  remember(entry);
  return entry;
}

Entry ReplayCursor::take_digest() {
  Entry entry = std::move(digests_.front());
  digests_.pop_front();
  remember(entry);
  return entry;
}

void ReplayCursor::diverged(Divergence divergence) {
  if (!divergence_) divergence_ = std::move(divergence);
}

void ReplayCursor::remember(const Entry& entry) {
  behind_.push_back(without_state(entry));
  if (behind_.size() > context_entries) behind_.pop_front();
}

std::vector<Entry> ReplayCursor::ahead(std::size_t count) const {
  std::vector<Entry> entries;
  for (const auto* queue : {&inputs_, &digests_}) {
    for (std::size_t i = 0; i < std::min(count, queue->size()); ++i) entries.push_back(without_state((*queue)[i]));
  }
  std::stable_sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) { return a.tick < b.tick; });
  if (entries.size() > count) entries.resize(count);
  return entries;
}

}  // namespace lockstitch::sync

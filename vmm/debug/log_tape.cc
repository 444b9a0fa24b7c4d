// See log_tape.h.
#include "vmm/debug/log_tape.h"

#include <algorithm>

namespace lockstitch::debug {
namespace {

std::size_t index_of(const std::vector<sync::Entry>& entries, Tick tick) {
  const auto at = std::lower_bound(entries.begin(), entries.end(), tick,
                                   [](const sync::Entry& entry, Tick wanted) { return entry.tick < wanted; });
  return static_cast<std::size_t>(at - entries.begin());
}

}  // namespace

Result<bool> LogTape::read_one() {
  if (complete_) return false;
  auto read = log_.next();
  if (!read.ok()) return read.error();
  if (!read.value()) {
    complete_ = true;
    return false;
  }
  entries_.push_back(std::move(*read.value()));
  return true;
}

void LogTape::wind_to(Tick tick) { next_ = index_of(entries_, tick); }

Result<std::optional<sync::Entry>> LogTape::next() {
  if (next_ == entries_.size()) {
    const auto read = read_one();
    if (!read.ok()) return read.error();
    if (!read.value()) return std::optional<sync::Entry>();
  }
  return std::optional<sync::Entry>(entries_[next_++]);
}

Outcome LogTape::for_each(Tick from, Tick to, const std::function<void(const sync::Entry&)>& visit) {
  while (!complete_ && (entries_.empty() || entries_.back().tick < to)) {
    const auto read = read_one();
    if (!read.ok()) return read.error();
  }
  for (std::size_t i = index_of(entries_, from); i < entries_.size() && entries_[i].tick < to; ++i) visit(entries_[i]);
  return success();
}

}  // namespace lockstitch::debug

// See log_queue.h.
#include "sync/log/log_queue.h"

#include <algorithm>

namespace lockstitch::sync {
namespace {

std::size_t size_of(const Entry& entry) {
  std::size_t bytes = sizeof entry;
  if (const auto* arrival = std::get_if<ArrivalEntry>(&entry.body)) bytes += arrival->payload.size();
  if (const auto* digest = std::get_if<DigestEntry>(&entry.body)) bytes += digest->state.size();
  return bytes;
}

}  // namespace

void LogQueue::append(Entry entry) {
  const std::size_t bytes = size_of(entry);
  std::unique_lock lock(mutex_);
  room_.wait(lock, [&] { return released_ || bytes_ + bytes <= max_bytes; });
  if (released_) return;
  bytes_ += bytes;
  entries_.push_back(std::move(entry));
}

bool LogQueue::take(std::vector<Entry>& out) {
  out.clear();
  // Read first: whatever the core has passed by now was appended before.
  const std::uint64_t passed = passed_.load(std::memory_order_acquire);
  {
    std::lock_guard lock(mutex_);
    out.swap(entries_);
    bytes_ = 0;
    room_.notify_all();
  }
  // The core may be among the inputs of the last entry's tick: a horizon that it told before lies behind them.
  if (!out.empty()) told_ = std::max(told_, out.back().tick.value);
  const bool ended = !out.empty() && std::holds_alternative<EndEntry>(out.back().body);
  if (passed > told_ && !ended && (out.empty() || out.back().tick.value < passed)) {
    told_ = passed;
    out.push_back({Tick{passed - 1}, HorizonEntry{}});
  }
  return !out.empty();
}

void LogQueue::release() {
  std::lock_guard lock(mutex_);
  released_ = true;
  entries_.clear();
  bytes_ = 0;
  room_.notify_all();
}

}  // namespace lockstitch::sync

// See checker.h.
#include "sync/tape/checker.h"

#include <algorithm>
#include <string>

namespace lockstitch::sync {
namespace {

std::string at_tick(const Entry* entry) {
  return entry == nullptr ? "no digest" : "digest at tick " + std::to_string(entry->tick.value);
}

}  // namespace

void CheckingSink::digest(Tick tick, const Digest& digest) {
  cursor_.read_digest();
  const Entry* next = cursor_.digest();
  if (next == nullptr && cursor_.exhausted() && !cursor_.end()) {
    // Cut off before it was written: nothing to compare with.
  } else if (next == nullptr || next->tick != tick) {
    cursor_.diverged({tick, "digests", at_tick(next), "digest at tick " + std::to_string(tick.value)});
  } else {
    const Entry entry = cursor_.take_digest();
    const auto& expected = std::get<DigestEntry>(entry.body);
    ++cursor_.digests_compared_;
    if (expected.digest == digest) {
      cursor_.last_agreement_ = tick;
    } else {
      cursor_.diverged(explain(tick, expected, digest));
    }
  }
  next_.digest(tick, digest);
}

void CheckingSink::ended(Tick tick) {
  const Entry* next = cursor_.digest();
  if (next != nullptr && next->tick < tick) cursor_.diverged({tick, "digests", at_tick(next), "no digest"});
}

Divergence CheckingSink::explain(Tick tick, const DigestEntry& expected, const Digest& got) {
  if (auto difference = compare_(tick, expected.state, probe_.state())) return *difference;
  const std::vector<std::uint64_t> sums = probe_.memory_sums();
  for (std::size_t i = 0; i < std::min(sums.size(), expected.memory_sums.size()); ++i) {
    if (sums[i] == expected.memory_sums[i]) continue;
    return {tick, probe_.memory_part(i), "sum " + std::to_string(expected.memory_sums[i]),
            "sum " + std::to_string(sums[i])};
  }
  return {tick, "digest", to_text(expected.digest), to_text(got)};
}

}  // namespace lockstitch::sync

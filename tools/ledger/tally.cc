// See tally.h.
#include "tools/ledger/tally.h"

#include <algorithm>

namespace lockstitch::ledger {

void Tally::add(const Acknowledgement& acknowledgement) {
  const std::int64_t gap_ns = acknowledgement.acked_ns - last_acked_ns_;
  if (!latencies_ns_.empty() && gap_ns > longest_gap_ns_) {
    longest_gap_ns_ = gap_ns;
    gap_at_ns_ = last_acked_ns_;
  }
  last_acked_ns_ = acknowledgement.acked_ns;
  latencies_ns_.push_back(acknowledgement.acked_ns - acknowledgement.sent_ns);
}

std::int64_t Tally::latency_ns(int percent) const {
  if (latencies_ns_.empty()) return 0;
  std::vector<std::int64_t> sorted = latencies_ns_;
  const std::size_t rank = (sorted.size() * std::size_t(percent) + 99) / 100;  // from 1
  const auto wanted = sorted.begin() + std::ptrdiff_t(rank - 1);
  std::nth_element(sorted.begin(), wanted, sorted.end());
  return *wanted;
}

}  // namespace lockstitch::ledger

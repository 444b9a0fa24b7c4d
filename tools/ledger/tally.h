// How long the acknowledgements of a run took, and the longest time without any.
#pragma once
#include <cstdint>
#include <vector>

#include "tools/ledger/history.h"

namespace lockstitch::ledger {

class Tally {
 public:
  void add(const Acknowledgement& acknowledgement);

  std::uint64_t acknowledged() const { return latencies_ns_.size(); }
  /// The longest time between two acknowledgements that followed each other; 0 with fewer than two.
  std::int64_t longest_gap_ns() const { return longest_gap_ns_; }
  /// When that began.
  std::int64_t gap_at_ns() const { return gap_at_ns_; }
  /// The latency that this many percent of the transactions did not exceed; 0 without any. Range: 0 < percent <= 100.
  std::int64_t latency_ns(int percent) const;

 private:
  std::vector<std::int64_t> latencies_ns_;
  std::int64_t last_acked_ns_ = 0;
  std::int64_t longest_gap_ns_ = 0, gap_at_ns_ = 0;
};

}  // namespace lockstitch::ledger

// The ledger's account of a run in time.
#include "tools/ledger/tally.h"

#include <doctest/doctest.h>

using namespace lockstitch::ledger;

TEST_CASE("the longest gap lies between two acknowledgements, and its beginning is known") {
  Tally tally;
  CHECK(tally.longest_gap_ns() == 0);
  tally.add({1, 90'000, 100'000});  // the time before the first is no gap
  CHECK(tally.longest_gap_ns() == 0);
  tally.add({2, 100'000, 100'010});
  tally.add({3, 100'010, 105'010});
  tally.add({4, 105'010, 105'020});
  CHECK(tally.acknowledged() == 4);
  CHECK(tally.longest_gap_ns() == 5'000);
  CHECK(tally.gap_at_ns() == 100'010);
}

TEST_CASE("a percentile is the latency that so many transactions did not exceed") {
  Tally tally;
  CHECK(tally.latency_ns(50) == 0);
  for (std::int64_t i = 100; i >= 1; --i) tally.add({i, 0, i});
  CHECK(tally.latency_ns(1) == 1);
  CHECK(tally.latency_ns(50) == 50);
  CHECK(tally.latency_ns(99) == 99);
  CHECK(tally.latency_ns(100) == 100);
  Tally one;
  one.add({1, 5, 12});
  CHECK(one.latency_ns(50) == 7);
  CHECK(one.latency_ns(99) == 7);
}

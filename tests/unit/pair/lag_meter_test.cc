// How far a follower is behind, how long silence lasts, and how much is sent: from times that are passed in.
#include "sync/peer/lag_meter.h"

#include <doctest/doctest.h>

#include "sync/replica/failure_detector.h"

namespace lockstitch::sync {
namespace {

TEST_CASE("a follower is behind by the age of the oldest point that it has not both received and executed") {
  LagMeter lag;
  CHECK(lag.behind_ns(1000 * ms) == 0);
  lag.recorded({100}, 1000 * ms);
  lag.recorded({200}, 1010 * ms);
  CHECK(lag.behind_ns(1020 * ms) == 20 * ms);
  lag.acknowledged({1, {100}, {50}}, 1020 * ms);
  CHECK(lag.behind_ns(1020 * ms) == 20 * ms);
  // A follower stops two ticks before the end of what it knows.
  lag.acknowledged({1, {100}, {97}}, 1025 * ms);
  CHECK(lag.behind_ns(1030 * ms) == 30 * ms);
  lag.acknowledged({1, {100}, {98}}, 1030 * ms);
  CHECK(lag.behind_ns(1030 * ms) == 20 * ms);
  lag.acknowledged({1, {200}, {198}}, 1040 * ms);
  CHECK(lag.behind_ns(1040 * ms) == 0);
}

TEST_CASE("execution ahead of the acknowledgement is not believed") {
  LagMeter lag;
  lag.recorded({100}, 1000 * ms);
  lag.acknowledged({1, {0}, {1000}}, 1010 * ms);
  CHECK(lag.behind_ns(1020 * ms) == 20 * ms);
}

TEST_CASE("the round trip is that of the last point that was received, executed or not") {
  LagMeter lag;
  CHECK(lag.round_trip_ns() == 0);
  lag.recorded({100}, 1000 * ms);
  lag.recorded({200}, 1010 * ms);
  lag.acknowledged({1, {100}, {0}}, 1007 * ms);
  CHECK(lag.round_trip_ns() == 7 * ms);
  lag.acknowledged({1, {100}, {98}}, 1050 * ms);
  CHECK(lag.round_trip_ns() == 7 * ms);
  lag.acknowledged({1, {200}, {98}}, 1013 * ms);
  CHECK(lag.round_trip_ns() == 3 * ms);
}

TEST_CASE("signs of life, which record nothing new, are no points") {
  LagMeter lag;
  lag.recorded({0}, 900 * ms);
  CHECK(lag.behind_ns(1000 * ms) == 0);
  lag.recorded({100}, 1000 * ms);
  lag.recorded({100}, 1100 * ms);
  lag.acknowledged({1, {100}, {98}}, 1110 * ms);
  CHECK(lag.behind_ns(1200 * ms) == 0);
  lag.recorded({300}, 1200 * ms);
  lag.reset();
  CHECK(lag.behind_ns(1300 * ms) == 0);
}

TEST_CASE("the rate is that of the last seconds, and begins anew with a new stream") {
  RateMeter rate;
  CHECK(rate.bits_per_second() == 0);
  rate.note(0, 1000 * ms);
  CHECK(rate.bits_per_second() == 0);
  rate.note(1000, 2000 * ms);
  CHECK(rate.bits_per_second() == 8000);
  for (unsigned second = 3; second <= 60; ++second) rate.note(1000, second * 1000 * ms);
  CHECK(rate.bits_per_second() == 0);
  rate.note(500, 61'000 * ms);
  CHECK(rate.bits_per_second() == 0);
  rate.note(1500, 62'000 * ms);
  CHECK(rate.bits_per_second() == 8000);
}

TEST_CASE("silence counts from the last word, and a nap of one's own is not the peer's silence") {
  FailureDetector detector(250 * ms);
  HostTime now = 1'000'000 * ms;
  detector.heard(now);
  CHECK(detector.silence(now) == 0);
  for (unsigned looks = 0; looks < 10; ++looks) CHECK(detector.silence(now += 20 * ms) == (looks + 1) * 20 * ms);
  // Just short of a nap.
  CHECK(detector.silence(now += 249 * ms) == 449 * ms);
  CHECK(detector.silence(now += 250 * ms) == 0);
  CHECK(detector.silence(now += 20 * ms) == 20 * ms);
  detector.heard(now += 5 * ms);
  CHECK(detector.silence(now += 20 * ms) == 20 * ms);
  // What was heard counts as a look: the gap is since then.
  detector.heard(now += 240 * ms);
  CHECK(detector.silence(now += 240 * ms) == 240 * ms);
}

}  // namespace
}  // namespace lockstitch::sync

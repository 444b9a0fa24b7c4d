// Traces whose log was cut: the replay goes up to the cut, says so, and is there what the whole recording was there.
#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>

#include "tests/e2e/faults/trace_desk.h"

using namespace lockstitch::test;

namespace {

void check_cut_replay(const TraceCopy& copy) {
  const Outcome outcome = run({"replay", copy.path(), "--json"});
  REQUIRE_MESSAGE(outcome.exit_code == 0, outcome.err);
  const Replayed here = account_of(outcome);
  CHECK(outcome.err.find("cut off") != std::string::npos);
  CHECK(here.cut.find("cut off") != std::string::npos);
  CHECK(!here.complete);
  CHECK(here.ticks <= recorded().end.ticks);
  const Replayed there = replayed(recorded().trace, {"--to", std::to_string(here.ticks)});
  CHECK(there.ticks == here.ticks);
  CHECK(there.digest == here.digest);
  CHECK(run({"trace", "verify", copy.path()}).out.find("cut off") != std::string::npos);
}

std::vector<std::size_t> cuts_of(std::size_t size) {
  std::mt19937_64 random(seed());
  std::vector<std::size_t> cuts{0, 1, size / 2, size - 1};
  while (cuts.size() < several(40)) cuts.push_back(random() % size);
  std::sort(cuts.begin(), cuts.end());
  return cuts;
}

}  // namespace

TEST_CASE("a log cut at any byte replays up to there, to the digest that the whole recording has there") {
  INFO("LOCKSTITCH_SEED=", seed());
  for (const bool open : {false, true}) {
    const TraceCopy copy;
    if (open) copy.open_log();
    const std::string name = open ? open_log : sealed_log;
    std::uint64_t ticks = 0;
    const auto original = copy.contents(name);
    for (const std::size_t length : cuts_of(original.size())) {
      CAPTURE(open);
      CAPTURE(length);
      copy.put(name, {original.begin(), original.begin() + static_cast<std::ptrdiff_t>(length)});
      check_cut_replay(copy);
      const std::uint64_t here = replayed(copy.path()).ticks;
      CHECK(here >= ticks);
      ticks = here;
    }
    // Frames are small: an open log that misses its last byte misses little else.
    if (open) CHECK(ticks > recorded().end.ticks / 2);
  }
}

TEST_CASE("a cut log replays from its checkpoints up to the cut, and a checkpoint behind the cut is a wrong start") {
  const TraceCopy copy;
  copy.open_log();
  const auto& r = recorded();
  const auto original = copy.contents(open_log);
  copy.put(open_log, {original.begin(), original.end() - static_cast<std::ptrdiff_t>(original.size() / 4)});
  const Replayed whole = replayed(copy.path(), {"--check"});
  REQUIRE(whole.ticks > r.end.ticks * 3 / 10);
  REQUIRE(whole.ticks < r.end.ticks * 9 / 10);
  const Replayed part = replayed(copy.path(), {"--from", copy.file(r.checkpoints[0]), "--check"});
  CHECK(part.ticks == whole.ticks);
  CHECK(part.digest == whole.digest);
  const Outcome behind = run({"replay", copy.path(), "--from", copy.file(r.checkpoints[2])});
  CHECK(behind.exit_code == 64);
  CHECK(behind.err.find("cut off") != std::string::npos);
}

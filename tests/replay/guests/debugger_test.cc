// What a debugger does to a guest: nothing. And what it is told: all that a run in single steps shows, at the same
// place.
#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>

#include "tests/replay/guests/guest.h"

using namespace lockstitch;
using namespace lockstitch::test;

namespace {

/// The beginning of a guest's run, step by step.
struct Step {
  Boundary begin;
  std::uint64_t linear = 0;
  bool running = false;
  std::vector<std::uint64_t> written;  ///< of `watched`, the 8-byte words that had changed behind it
};

std::uint64_t linear_rip(const CpuState& cpu) {
  const Segment& code = cpu.segment[unsigned(SegmentName::cs)];
  return (cpu.efer & 0x400) && (code.attributes & 0x2000) ? cpu.rip : (code.base + cpu.rip) & 0xffff'ffff;
}

std::uint64_t word_at(Memory& memory, Gpa gpa) {
  std::uint64_t value = 0;
  memory.read(gpa, MutableBytes(reinterpret_cast<std::uint8_t*>(&value), sizeof value));
  return value;
}

std::vector<Step> single_steps(const Guest& guest, std::size_t most, const std::vector<Gpa>& watched) {
  auto board = guest.board(limits::quantum_ticks);
  Machine& machine = board->machine();
  QuietSource source;
  TrailSink sink;
  std::vector<Step> steps;
  std::map<Gpa, std::uint64_t> last;
  for (const Gpa gpa : watched) last[gpa] = word_at(machine.memory(), gpa);
  while (steps.size() < most) {
    const CpuState cpu = machine.cpu();
    Step step{machine.boundary(), linear_rip(cpu), cpu.activity == Activity::running, {}};
    const auto end = machine.step_once(source, sink, guest.limit());
    if (end && end->reason != EndReason::watched) break;
    if (!end) continue;  // nothing but time passed
    for (auto& [gpa, value] : last) {
      const std::uint64_t now = word_at(machine.memory(), gpa);
      if (now != value) step.written.push_back(gpa);
      value = now;
    }
    CHECK(machine.boundary() > step.begin);
    steps.push_back(step);
  }
  return steps;
}

/// Addresses that a run of these steps writes to now and then: where it keeps its stack and its data.
std::vector<Gpa> places_of(const Guest& guest, std::mt19937_64& random) {
  auto board = guest.board(limits::quantum_ticks);
  Machine& machine = board->machine();
  std::vector<std::uint64_t> pages;
  machine.memory().take_dirty(DirtySince::checkpoint, pages);
  QuietSource source;
  TrailSink sink;
  machine.run(source, sink, std::min(guest.limit(), Tick{20'000}));
  machine.memory().take_dirty(DirtySince::checkpoint, pages);
  std::vector<Gpa> places;
  for (int i = 0; i < 200 && !pages.empty(); ++i) {
    places.push_back(machine.memory().page_gpa(pages[random() % pages.size()]) + random() % 512 * 8);
  }
  return places;
}

}  // namespace

TEST_CASE("a guest that a debugger stops, steps and watches runs as it does without") {
  for (const GuestHeader& header : read_guest_headers(std::string(LOCKSTITCH_SOURCE_DIR) + "/firmware/guests")) {
    SUBCASE(header.name.c_str()) {
      CAPTURE(header.name);
      INFO("LOCKSTITCH_SEED=", seed());
      std::mt19937_64 random(seed());
      const Guest guest(header);
      const Ended whole = run_whole(guest);
      if (whole.tick > 100'000'000) return;  // watches a second go by
      const std::vector<Gpa> places = places_of(guest, random);
      auto board = guest.board(1 + random() % 5000);
      Machine& machine = board->machine();
      QuietSource source;
      TrailSink sink;
      std::optional<End> end;
      std::uint64_t stops = 0;
      WatchSet set;
      while (!end) {
        // Most of a long run is left alone, so that this ends.
        if (stops < 3000 && random() % 8 == 0) {
          set = {};
          for (std::uint64_t n = random() % 3; n > 0; --n) set.breakpoints.push_back(linear_rip(machine.cpu()));
          for (std::uint64_t n = places.empty() ? 0 : random() % 3; n > 0; --n) {
            set.ranges.push_back({random() % 2 ? WatchSpace::linear : WatchSpace::physical,
                                  places[random() % places.size()], 1 + random() % 64, random() % 2 == 0, true});
          }
          machine.set_watched(set);
        } else if (stops >= 3000 && !set.empty()) {
          machine.set_watched(set = {});
        }
        if (stops < 3000 && random() % 2) {
          for (std::uint64_t n = 1 + random() % 20; n > 0 && !end; --n, ++stops) {
            end = machine.step_once(source, sink, guest.limit());
            if (end && end->reason == EndReason::watched) end.reset();
          }
        } else {
          const Tick stop{std::min(guest.limit().value, machine.tick().value + 1 + random() % (whole.tick / 50 + 1))};
          end = machine.run(source, sink, stop);
          ++stops;
          if (end->reason == EndReason::watched || (end->reason == EndReason::stop_tick && stop < guest.limit()))
            end.reset();
        }
        machine.take_hit();
      }
      const Ended watched = finish(*board, *end, sink);
      CHECK(watched.end.reason == whole.end.reason);
      CHECK(watched.tick == whole.tick);
      CHECK(watched.console == whole.console);
      CHECK(watched.trail == whole.trail);
      CHECK(watched.digest == whole.digest);
    }
  }
}

TEST_CASE("breakpoints and watched words stop a guest exactly where a run in single steps passes them") {
  for (const GuestHeader& header : read_guest_headers(std::string(LOCKSTITCH_SOURCE_DIR) + "/firmware/guests")) {
    SUBCASE(header.name.c_str()) {
      CAPTURE(header.name);
      INFO("LOCKSTITCH_SEED=", seed());
      std::mt19937_64 random(seed());
      const Guest guest(header);
      std::vector<Gpa> words = places_of(guest, random);
      words.resize(std::min<std::size_t>(words.size(), 8));
      const std::vector<Step> steps = single_steps(guest, 5000, words);
      REQUIRE(steps.size() > 1);

      WatchSet set;
      std::set<std::uint64_t> chosen;
      for (int i = 0; i < 5; ++i) chosen.insert(steps[random() % steps.size()].linear);
      set.breakpoints.assign(chosen.begin(), chosen.end());
      for (const Gpa word : words) set.ranges.push_back({WatchSpace::physical, word, 8, false, true});
      std::vector<Boundary> expected_stops;
      std::set<Boundary> expected_writes;
      for (const Step& step : steps) {
        // A run does not stop where it starts.
        if (&step != &steps.front() && step.running && chosen.count(step.linear)) expected_stops.push_back(step.begin);
        if (!step.written.empty()) expected_writes.insert(step.begin);
      }

      auto board = guest.board(1 + random() % 5000);
      Machine& machine = board->machine();
      machine.set_watched(set);
      machine.take_hit();
      QuietSource source;
      TrailSink sink;
      const Tick until = std::min(guest.limit(), steps.back().begin.tick);
      std::vector<Boundary> stops;
      std::set<Boundary> writes;
      for (;;) {
        const End end = machine.run(source, sink, until);
        if (const auto hit = machine.take_hit()) writes.insert(hit->begin);
        if (end.reason != EndReason::watched) break;
        // Also behind each write.
        if (chosen.count(linear_rip(machine.cpu())) && machine.cpu().activity == Activity::running)
          stops.push_back(machine.boundary());
      }
      std::erase_if(stops, [&](Boundary at) { return at.tick >= until; });
      std::erase_if(expected_stops, [&](Boundary at) { return at.tick >= until; });
      std::erase_if(expected_writes, [&](Boundary at) { return at.tick >= until; });
      CHECK(stops == expected_stops);
      // What writes the same value again is told of as well.
      for (const Boundary& write : expected_writes) {
        CAPTURE(write.tick.value);
        CHECK(writes.count(write) == 1);
      }

      // Looking back, only the last one counts, and nothing stops on the way.
      if (expected_stops.empty()) return;
      board = guest.board(1 + random() % 5000);
      set.ranges.clear();
      set.collect = true;
      board->machine().set_watched(set);
      CHECK(board->machine().run(source, sink, expected_stops.back().tick + 1).reason != EndReason::watched);
      const auto last = board->machine().take_hit();
      REQUIRE(last);
      CHECK(last->kind == WatchKind::breakpoint);
      CHECK(last->begin >= expected_stops.back());
    }
  }
}

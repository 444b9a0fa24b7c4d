// Wherever a debugger goes in the past, forwards or backwards, the machine is what it was there: compared with a run in
// single steps from the beginning.
#include "vmm/debug/timeline.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <random>

#include "tests/replay/guests/guest.h"
#include "tests/replay/support/memory_log.h"
#include "vmm/app/machine_probe.h"
#include "vmm/machine/state_comparer.h"
#include "vmm/machine/state_hasher.h"
#include "vmm/machine/state_writer.h"

using namespace lockstitch;
using namespace lockstitch::debug;
using namespace lockstitch::test;

namespace {

const auto never = [] { return false; };

std::uint64_t linear_rip(const CpuState& cpu) {
  const Segment& code = cpu.segment[unsigned(SegmentName::cs)];
  return (cpu.efer & 0x400) && (code.attributes & 0x2000) ? cpu.rip : (code.base + cpu.rip) & 0xffff'ffff;
}

using Pages = std::vector<std::uint64_t>;

/// The CPU and the sums of all pages that a guest writes, inside a pass too.
struct Visible final : Stateful {
  Visible(Machine& machine, const Pages& pages) : cpu(machine.cpu()) {
    for (const std::uint64_t page : pages) sums.push_back(hash_bytes(machine.memory().page_contents(page)).low);
  }
  void visit(StateVisitor& visitor) override {
    cpu.visit(visitor);
    for (std::size_t i = 0; i < sums.size(); ++i) visitor.field("page" + std::to_string(i), sums[i]);
  }
  CpuState cpu;
  std::vector<std::uint64_t> sums;
};

std::vector<std::uint8_t> print_of(Machine& machine, const Pages& pages) {
  Visible visible(machine, pages);
  return save_state(visible);
}

/// Empty: the machine is what it was then.
std::string difference(Machine& machine, const Pages& pages, const std::vector<std::uint8_t>& then) {
  const auto found = first_difference(machine.tick(), then, print_of(machine, pages));
  return found ? found->component + ": " + found->expected + ", got " + found->got : "";
}

struct Place {
  Boundary at;
  std::vector<std::uint8_t> print;
  std::uint64_t linear = 0;
  bool running = false;
};

/// The pages that a guest writes in the beginning.
Pages written_pages(const Guest& guest) {
  auto board = guest.board(limits::quantum_ticks);
  QuietSource source;
  TrailSink sink;
  Pages pages;
  board->machine().memory().take_dirty(DirtySince::checkpoint, pages);
  board->machine().run(source, sink, std::min(guest.limit(), Tick{100'000}));
  board->machine().memory().take_dirty(DirtySince::checkpoint, pages);
  return pages;
}

/// The first steps of a guest; the last moment is the end of the recording.
std::vector<Place> moments_of(const Guest& guest, const Pages& pages, std::size_t most) {
  auto board = guest.board(limits::quantum_ticks);
  Machine& machine = board->machine();
  QuietSource source;
  TrailSink sink;
  std::vector<Place> moments;
  const auto keep = [&] {
    const CpuState cpu = machine.cpu();
    moments.push_back(
        {machine.boundary(), print_of(machine, pages), linear_rip(cpu), cpu.activity == Activity::running});
  };
  keep();
  while (moments.size() < most) {
    const auto end = machine.step_once(source, sink, guest.limit());
    if (!end) continue;
    if (end->reason != EndReason::watched) break;
    keep();
  }
  while (moments.back().at.delivered != 0) moments.pop_back();
  return moments;
}

/// A guest on a timeline that ends with the last of its moments.
struct Subject {
  Subject(const Guest& guest, const std::vector<Place>& moments, std::uint64_t budget_bytes)
      : board(guest.board(limits::quantum_ticks)),
        probe(board->machine()),
        log({{moments.back().at.tick + 1'000'000, sync::HorizonEntry{}}}),
        timeline(board->machine(), disks, log, probe, first_difference, sink, {budget_bytes, moments.back().at.tick}) {}

  std::unique_ptr<app::Board> board;
  app::MachineProbe probe;
  Disks disks;
  MemoryStream log;
  TrailSink sink;
  Timeline timeline;
};

std::vector<GuestHeader> headers() {
  return read_guest_headers(std::string(LOCKSTITCH_SOURCE_DIR) + "/firmware/guests");
}

}  // namespace

TEST_CASE("a jump to any moment, forwards or backwards, gives the machine of that moment") {
  for (const GuestHeader& header : headers()) {
    SUBCASE(header.name.c_str()) {
      CAPTURE(header.name);
      INFO("LOCKSTITCH_SEED=", seed());
      std::mt19937_64 random(seed());
      const Guest guest(header);
      const Pages pages = written_pages(guest);
      const auto moments = moments_of(guest, pages, 3000);
      Subject subject(guest, moments, (random() % 2 ? 1u : 1024u) << 20);
      for (int jump = 0; jump < 40; ++jump) {
        const Place& goal = moments[random() % moments.size()];
        CAPTURE(goal.at.tick.value);
        CAPTURE(goal.at.delivered);
        REQUIRE(subject.timeline.go_to(goal.at, never) == Arrived::there);
        CHECK(subject.timeline.here() == goal.at);
        REQUIRE(difference(subject.board->machine(), pages, goal.print) == "");
        if (random() % 8 == 0) {
          // What happens in a diversion did not happen.
          subject.timeline.divert();
          CpuState cpu = subject.board->machine().cpu();
          cpu.gpr[random() % 16] ^= 1 + random();
          subject.board->machine().set_cpu(cpu);
          for (int n = 0; n < 30; ++n) subject.timeline.step(never);
          REQUIRE(subject.timeline.end_diversion(never) == Arrived::there);
          CHECK(difference(subject.board->machine(), pages, goal.print) == "");
        }
      }
    }
  }
}

TEST_CASE("steps forward and the same steps back pass the same moments") {
  for (const GuestHeader& header : headers()) {
    SUBCASE(header.name.c_str()) {
      CAPTURE(header.name);
      INFO("LOCKSTITCH_SEED=", seed());
      std::mt19937_64 random(seed());
      const Guest guest(header);
      const Pages pages = written_pages(guest);
      const auto moments = moments_of(guest, pages, 3000);
      Subject subject(guest, moments, 64u << 20);
      std::size_t at = random() % moments.size();
      REQUIRE(subject.timeline.go_to(moments[at].at, never) == Arrived::there);
      for (int walk = 0; walk < 4; ++walk) {
        const bool forwards = random() % 2;
        for (std::uint64_t steps = random() % 200; steps > 0; --steps) {
          CAPTURE(moments[at].at.tick.value);
          if (forwards) {
            const Arrived arrived = subject.timeline.step(never);
            if (at + 1 == moments.size()) {
              CHECK(arrived == Arrived::history_end);
              break;
            }
            REQUIRE(arrived == Arrived::there);
            ++at;
          } else {
            const Arrived arrived = subject.timeline.step_back(never);
            if (at == 0) {
              CHECK(arrived == Arrived::history_begin);
              break;
            }
            REQUIRE(arrived == Arrived::there);
            --at;
          }
          CAPTURE(forwards);
          CAPTURE(subject.timeline.here().tick.value);
          CAPTURE(subject.timeline.here().delivered);
          REQUIRE(subject.timeline.here() == moments[at].at);
          REQUIRE(difference(subject.board->machine(), pages, moments[at].print) == "");
        }
      }
    }
  }
}

TEST_CASE("running back ends at the last breakpoint before, and at the beginning when there is none") {
  for (const GuestHeader& header : headers()) {
    SUBCASE(header.name.c_str()) {
      CAPTURE(header.name);
      INFO("LOCKSTITCH_SEED=", seed());
      std::mt19937_64 random(seed());
      const Guest guest(header);
      const Pages pages = written_pages(guest);
      const auto moments = moments_of(guest, pages, 3000);
      Subject subject(guest, moments, 64u << 20);
      for (int round = 0; round < 6; ++round) {
        std::size_t at = random() % moments.size();
        REQUIRE(subject.timeline.go_to(moments[at].at, never) == Arrived::there);
        WatchSet set;
        set.breakpoints = {moments[random() % moments.size()].linear};
        for (int again = 0; again < 4; ++again) {
          const auto is_hit = [&](const Place& m) { return m.running && m.linear == set.breakpoints[0]; };
          std::size_t expected = at;
          while (expected > 0 && !is_hit(moments[--expected])) continue;
          const bool hit = at > 0 && is_hit(moments[expected]);
          CAPTURE(moments[at].at.tick.value);
          const Arrived arrived = subject.timeline.run_back(set, never);
          CHECK(arrived == (hit ? Arrived::watched : Arrived::history_begin));
          REQUIRE(subject.timeline.here() == moments[hit ? expected : 0].at);
          REQUIRE(difference(subject.board->machine(), pages, moments[hit ? expected : 0].print) == "");
          if (!hit) break;
          at = expected;
        }
        // And forwards to the next one.
        at = random() % moments.size();
        REQUIRE(subject.timeline.go_to(moments[at].at, never) == Arrived::there);
        const auto next = std::find_if(moments.begin() + static_cast<std::ptrdiff_t>(at) + 1, moments.end(),
                                       [&](const Place& m) { return m.running && m.linear == set.breakpoints[0]; });
        const Arrived arrived = subject.timeline.run(set, never);
        if (next == moments.end()) {
          CHECK(arrived == Arrived::history_end);
        } else {
          CHECK(arrived == Arrived::watched);
          CHECK(subject.timeline.here() == next->at);
          CHECK(difference(subject.board->machine(), pages, next->print) == "");
        }
      }
    }
  }
}

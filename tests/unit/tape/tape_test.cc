// Recorder, replayer and checker around machines with random programs in random worlds: a replay is the recording, and
// whatever is changed in one of the two is found and named.
#include <doctest/doctest.h>

#include <cstdlib>
#include <functional>

#include "sync/log/log_queue.h"
#include "sync/tape/checker.h"
#include "sync/tape/recorder.h"
#include "sync/tape/replayer.h"
#include "tests/replay/support/memory_log.h"
#include "tests/unit/machine/toy_program.h"
#include "tests/unit/machine/toy_world.h"
#include "vmm/app/machine_probe.h"
#include "vmm/machine/state_comparer.h"
#include "vmm/machine/state_reader.h"
#include "vmm/machine/state_writer.h"

using namespace lockstitch;
using namespace lockstitch::sync;
using namespace lockstitch::test;
using namespace lockstitch::toy;

namespace {

constexpr std::uint64_t length_ticks = 6'000;

unsigned long seed_of_run() {
  const char* text = std::getenv("LOCKSTITCH_SEED");
  return text != nullptr ? std::strtoul(text, nullptr, 0) : 20261123;
}

/// Runs `body` for many seeds; each failure names the one that repeats it.
template <class Body>
void for_seeds(unsigned count, Body body) {
  const unsigned long first = seed_of_run();
  for (unsigned long seed = first; seed < first + count; ++seed) {
    INFO("repeat with LOCKSTITCH_SEED=", seed);
    Random random(seed);
    body(random);
  }
}

MachineConfig config_with(std::uint64_t quantum) {
  MachineConfig config;
  config.quantum_ticks = quantum;
  config.digest_every_ticks = 97;
  config.ns_per_tick = 3;
  return config;
}

struct Recorded {
  std::vector<Entry> entries;
  KeepingSink sink;
  Digest final;
};

Recorded record(const Program& program, Random& random) {
  Board board(program, config_with(1 + random() % 100));
  LiveWorld world(static_cast<unsigned>(random()), board.console_port);
  MemoryLog log(random);
  app::MachineProbe probe(board.machine);
  Recorded recorded;
  RecordingSource source(world, log, probe);
  RecordingSink sink(recorded.sink, source, log, probe);
  board.machine.run(source, sink, {length_ticks});
  recorded.final = board.machine.digest();
  recorded.entries = std::move(log.entries);
  recorded.entries.push_back(
      {board.machine.tick(), EndEntry{static_cast<std::uint8_t>(EndReason::stop_tick), 0, recorded.final}});
  return recorded;
}

/// A replay that can be stopped, looked at and meddled with.
struct Replay {
  Replay(const Program& program, std::vector<Entry> entries, std::uint64_t quantum, Tick from = {})
      : board(program, config_with(quantum)), stream(std::move(entries)), cursor(stream, from), probe(board.machine) {}

  /// To `stop`, or to the first difference, or as far as the log goes.
  void run(std::uint64_t stop = length_ticks) {
    while (board.machine.tick().value < stop && !cursor.divergence()) {
      const Tick limit = cursor.exhausted() ? std::min(Tick{stop}, cursor.known_until()) : Tick{stop};
      if (board.machine.tick() >= limit) return;
      board.machine.step(source, sink, limit);
    }
  }

  Board board;
  MemoryStream stream;
  ReplayCursor cursor;
  app::MachineProbe probe;
  KeepingSink kept;
  ReplayingSource source{cursor, probe};
  CheckingSink sink{cursor, probe, kept, first_difference};
};

void check_not_diverged(const Replay& replay) {
  if (const auto& d = replay.cursor.divergence()) {
    FAIL_CHECK("tick ", d->tick.value, " ", d->component, ": expected ", d->expected, ", got ", d->got);
  }
}

void check_same(const Recorded& recorded, const Replay& replay) {
  check_not_diverged(replay);
  CHECK(recorded.sink.effects == replay.kept.effects);
  CHECK(recorded.sink.digests == replay.kept.digests);
}

std::string component_of(const Replay& replay) {
  REQUIRE(replay.cursor.divergence());
  return replay.cursor.divergence()->component;
}

}  // namespace

TEST_CASE("a replay has the recording's effects, digests and end, whatever its quantum") {
  std::uint64_t digests = 0, inputs = 0;
  for_seeds(150, [&](Random& random) {
    const Program program = random_program(random);
    const Recorded recorded = record(program, random);
    Replay replay(program, recorded.entries, 1 + random() % 1000);
    replay.run();
    check_same(recorded, replay);
    CHECK(replay.board.machine.digest() == recorded.final);
    digests += replay.cursor.digests_compared();
    inputs += replay.cursor.inputs_taken();
  });
  CHECK(digests > 1'000);
  CHECK(inputs > 1'000);
}

TEST_CASE("a log that was cut anywhere is replayed up to the cut and no further") {
  for_seeds(150, [&](Random& random) {
    const Program program = random_program(random);
    const Recorded recorded = record(program, random);
    auto entries = recorded.entries;
    entries.resize(random() % entries.size());
    Replay replay(program, entries, 1 + random() % 1000);
    replay.run();
    check_not_diverged(replay);
    CHECK(replay.cursor.exhausted());
    CHECK(replay.board.machine.tick() == replay.cursor.known_until());
    const auto& whole = recorded.sink.effects;
    const auto& part = replay.kept.effects;
    REQUIRE(part.size() <= whole.size());
    CHECK(std::equal(part.begin(), part.end(), whole.begin()));
  });
}

TEST_CASE("whatever a recorder has let out is in the replay of what it had written by then") {
  for_seeds(50, [&](Random& random) {
    const Program program = random_program(random);
    Board board(program, config_with(1 + random() % 1000));
    LiveWorld world(static_cast<unsigned>(random()), board.console_port);
    LogQueue log;
    app::MachineProbe probe(board.machine);
    KeepingSink let_out;
    RecordingSource source(world, log, probe);
    RecordingSink sink(let_out, source, log, probe);
    // Killed in the middle of a pass, right after an effect.
    struct Kill final : Sink {
      Kill(Sink& behind, unsigned count) : next(behind), left(count) {}
      void effect(const Effect& effect) override {
        if (dead) return;
        next.effect(effect);
        dead = --left == 0;
        if (dead) died();
      }
      void digest(Tick tick, const Digest& digest) override {
        if (!dead) next.digest(tick, digest);
      }
      Sink& next;
      unsigned left;
      bool dead = false;
      std::function<void()> died;
    };
    Kill kill(sink, 1 + static_cast<unsigned>(random() % 20));
    std::vector<Entry> written;
    kill.died = [&] { log.take(written); };
    while (!kill.dead && board.machine.tick().value < length_ticks) board.machine.step(source, kill, {length_ticks});
    if (!kill.dead) return;
    Replay replay(program, written, 1 + random() % 1000);
    replay.run();
    check_not_diverged(replay);
    CHECK(replay.kept.effects == let_out.effects);
  });
}

TEST_CASE("a replay from a state in the middle goes on as the recording did") {
  for_seeds(150, [&](Random& random) {
    const Program program = random_program(random);
    const Recorded recorded = record(program, random);
    Replay first(program, recorded.entries, 50'000);
    first.run(1 + random() % (length_ticks - 1));
    REQUIRE(!first.cursor.divergence());
    const Tick middle = first.board.machine.tick();
    Replay second(program, recorded.entries, 1 + random() % 1000, middle);
    REQUIRE(load_state(second.board.machine, save_state(first.board.machine)).ok());
    const Memory& memory = first.board.machine.memory();
    for (std::uint64_t page = 0; page < memory.pages(); ++page) {
      second.board.machine.memory().set_page_contents(page, memory.page_contents(page));
    }
    second.run();
    check_not_diverged(second);
    CHECK(second.board.machine.digest() == recorded.final);
    CHECK(first.cursor.digests_compared() + second.cursor.digests_compared() == recorded.sink.digests.size());
  });
}

TEST_CASE("a device's field that differs is named by its path, with both values") {
  unsigned named = 0;
  for_seeds(100, [&](Random& random) {
    const Program program = random_program(random);
    const Recorded recorded = record(program, random);
    Replay replay(program, recorded.entries, 50'000);
    replay.run(2'000 + random() % 2'000);
    auto saved = save_state(replay.board.machine);
    // The scratch MSR of the controller, which nothing depends on until a program reads it.
    const std::string state(saved.begin(), saved.end());
    const std::size_t name = state.find("scratch");
    REQUIRE(name != std::string::npos);
    saved[name + 7 + 1] ^= 0x40;  // behind the name: its width, then the value
    REQUIRE(load_state(replay.board.machine, saved).ok());
    replay.run();
    // The program may have written the field, or read it and changed others, before the next digest.
    if (!replay.cursor.divergence() || component_of(replay).find("scratch") == std::string::npos) return;
    CHECK(replay.cursor.divergence()->expected != replay.cursor.divergence()->got);
    ++named;
  });
  CHECK(named > 20);
}

TEST_CASE("a byte of memory that differs is named by the part of memory that it lies in") {
  unsigned named = 0;
  for_seeds(100, [&](Random& random) {
    const Program program = random_program(random);
    const Recorded recorded = record(program, random);
    Replay replay(program, recorded.entries, 50'000);
    replay.run(3'000);
    Memory& memory = replay.board.machine.memory();
    const Gpa gpa = memory.page_gpa(random() % memory.ram_pages());
    std::uint8_t byte = memory.page_contents(gpa / page_bytes)[0];
    byte ^= 1;
    memory.write(gpa, {&byte, 1});
    replay.run();
    if (recorded.sink.digests.empty() || recorded.sink.digests.back().tick < 3'000) return;  // halted for good
    const std::string component = component_of(replay);
    REQUIRE(component.starts_with("memory/0x"));
    std::size_t end = 0;
    const std::uint64_t first = std::stoull(component.substr(7), &end, 16);
    const std::uint64_t last = std::stoull(component.substr(7 + end + 1), nullptr, 16);
    CHECK(first <= gpa);
    CHECK(gpa <= last);
    ++named;
  });
  CHECK(named > 20);
}

TEST_CASE("an input that comes one tick late is found by the next thing that is compared") {
  unsigned found = 0;
  for_seeds(100, [&](Random& random) {
    const Program program = random_program(random);
    Recorded recorded = record(program, random);
    std::vector<std::size_t> movable;
    for (std::size_t i = 0; i + 1 < recorded.entries.size(); ++i) {
      const Entry& entry = recorded.entries[i];
      if (std::holds_alternative<ArrivalEntry>(entry.body) && recorded.entries[i + 1].tick > entry.tick + 1) {
        movable.push_back(i);
      }
    }
    if (movable.empty()) return;
    Entry& moved = recorded.entries[movable[random() % movable.size()]];
    moved.tick = moved.tick + 1;
    Replay replay(program, recorded.entries, 50'000);
    replay.run();
    // A program that is asleep, or looks away, takes no notice.
    if (!replay.cursor.divergence()) return;
    CHECK(replay.cursor.divergence()->tick >= moved.tick);
    ++found;
  });
  CHECK(found > 25);
}

TEST_CASE("a digest that is missing from the log, or one too many, is a difference") {
  Random random(seed_of_run());
  Program program;
  Recorded recorded;
  std::vector<std::size_t> digests;
  while (digests.size() < 5) {  // some programs halt at once
    program = random_program(random);
    recorded = record(program, random);
    digests.clear();
    for (std::size_t i = 0; i < recorded.entries.size(); ++i) {
      if (std::holds_alternative<DigestEntry>(recorded.entries[i].body)) digests.push_back(i);
    }
  }
  auto fewer = recorded.entries;
  fewer.erase(fewer.begin() + static_cast<std::ptrdiff_t>(digests[2]));
  Replay missing(program, fewer, 50'000);
  missing.run();
  CHECK(component_of(missing) == "digests");

  auto more = recorded.entries;
  Entry extra = more[digests[2]];
  extra.tick = extra.tick + 1;
  more.insert(more.begin() + static_cast<std::ptrdiff_t>(digests[2]) + 1, extra);
  while (more[digests[2] + 2].tick < extra.tick) more.erase(more.begin() + static_cast<std::ptrdiff_t>(digests[2]) + 2);
  Replay surplus(program, more, 50'000);
  surplus.run();
  CHECK(surplus.cursor.divergence());
}

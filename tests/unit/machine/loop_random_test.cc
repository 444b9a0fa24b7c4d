// Laws 2, 4 and 7 over random programs: however an execution is cut into passes, saved and loaded, or fed, it is the
// same.
#include <doctest/doctest.h>

#include <cstdlib>
#include <random>

#include "tests/unit/machine/toy_board.h"
#include "tests/unit/machine/toy_program.h"
#include "tests/unit/machine/toy_world.h"
#include "vmm/machine/state_reader.h"
#include "vmm/machine/state_writer.h"

using namespace lockstitch;
using namespace lockstitch::toy;

namespace {

constexpr std::uint64_t length_ticks = 6'000;
constexpr std::uint64_t digest_every_ticks = 97;

unsigned long seed_of_run() {
  const char* text = std::getenv("LOCKSTITCH_SEED");
  return text != nullptr ? std::strtoul(text, nullptr, 0) : 20240603;
}

std::vector<Arrival> random_log(Random& random) {
  std::vector<Arrival> log;
  std::uint64_t tick = 0;
  for (;;) {
    tick += random() % 200;
    if (tick >= length_ticks) return log;
    log.push_back(random() % 5 == 0 ? control({tick}, ControlKind::advance_clock, random() % 700)
                                    : input({tick}, PortId{1}, std::vector<std::uint8_t>(random() % 4, 0x31)));
  }
}

struct Outcomes {
  std::vector<Event> trace;
  std::vector<Delivery> deliveries;
  std::vector<SunkEffect> effects;
  std::vector<SunkDigest> digests;
  Digest final;
};

MachineConfig config_with(std::uint64_t quantum) {
  MachineConfig config;
  config.quantum_ticks = quantum;
  config.digest_every_ticks = digest_every_ticks;
  config.ns_per_tick = 3;
  return config;
}

Outcomes outcomes(Board& board, KeepingSink& sink) {
  return {board.trace.events, board.engine.deliveries, sink.effects, sink.digests, board.machine.digest()};
}

Outcomes plain_run(const Program& program, const std::vector<Arrival>& log, std::uint64_t quantum) {
  Board board(program, config_with(quantum));
  LogSource source(log);
  KeepingSink sink;
  board.machine.run(source, sink, {length_ticks});
  return outcomes(board, sink);
}

void check_equal(const Outcomes& expected, const Outcomes& got) {
  const std::size_t common = std::min(expected.trace.size(), got.trace.size());
  for (std::size_t i = 0; i < common; ++i) {
    if (expected.trace[i] == got.trace[i]) continue;
    FAIL_CHECK("event ", i, " was ", to_text(expected.trace[i]), " and is ", to_text(got.trace[i]));
    return;
  }
  CHECK(expected.trace.size() == got.trace.size());
  CHECK(expected.deliveries == got.deliveries);
  CHECK(expected.effects == got.effects);
  REQUIRE(expected.digests.size() == got.digests.size());
  for (std::size_t i = 0; i < expected.digests.size(); ++i) {
    CAPTURE(i);
    CAPTURE(expected.digests[i].tick);
    REQUIRE(expected.digests[i] == got.digests[i]);
  }
  CHECK(expected.final == got.final);
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

}  // namespace

TEST_CASE("the quantum cannot be seen") {
  std::size_t deliveries = 0;
  std::size_t digests = 0;
  for_seeds(150, [&](Random& random) {
    const Program program = random_program(random);
    const auto log = random_log(random);
    const Outcomes expected = plain_run(program, log, 1'000'000);
    deliveries += expected.deliveries.size();
    digests += expected.digests.size();
    for (const std::uint64_t quantum : {std::uint64_t{1}, 2 + random() % 10, 10 + random() % 1000}) {
      CAPTURE(quantum);
      check_equal(expected, plain_run(program, log, quantum));
    }
  });
  // The programs must do something worth comparing.
  CHECK(deliveries > 1'000);
  CHECK(digests > 1'000);
}

TEST_CASE("stops, slowly growing horizons, digests and dropped caches cannot be seen") {
  for_seeds(150, [&](Random& random) {
    const Program program = random_program(random);
    const auto log = random_log(random);
    const Outcomes expected = plain_run(program, log, 50'000);
    Board board(program, config_with(1 + random() % 500));
    LogSource source(log);
    source.horizon_step = 1 + random() % 300;
    KeepingSink sink;
    while (board.machine.tick().value < length_ticks) {
      const std::uint64_t stop = std::min(length_ticks, board.machine.tick().value + 1 + random() % 400);
      board.machine.run(source, sink, {stop});
      REQUIRE(board.machine.tick().value == stop);
      if (random() % 4 == 0) board.machine.digest();
      if (random() % 4 == 0) board.machine.drop_caches();
    }
    check_equal(expected, outcomes(board, sink));
  });
}

TEST_CASE("a live run and the replay of its log are the same") {
  std::size_t arrivals = 0;
  for_seeds(150, [&](Random& random) {
    const Program program = random_program(random);
    Board board(program, config_with(1 + random() % 100));
    LiveWorld world(static_cast<unsigned>(random()), board.console_port);
    KeepingSink sink;
    board.machine.run(world, sink, {length_ticks});
    const Outcomes expected = outcomes(board, sink);
    arrivals += world.log.size();
    check_equal(expected, plain_run(program, world.log, 1 + random() % 1000));
  });
  CHECK(arrivals > 1'000);
}

TEST_CASE("a machine saved at any stop goes on elsewhere as if nothing had happened") {
  for_seeds(150, [&](Random& random) {
    const Program program = random_program(random);
    const auto log = random_log(random);
    const Outcomes expected = plain_run(program, log, 50'000);

    LogSource source(log);
    KeepingSink sink;
    auto board = std::make_unique<Board>(program, config_with(50'000));
    while (board->machine.tick().value < length_ticks) {
      const std::uint64_t stop = std::min(length_ticks, board->machine.tick().value + 1 + random() % 1500);
      board->machine.run(source, sink, {stop});
      const auto saved = save_state(board->machine);
      const Digest digest = board->machine.digest();

      auto next = std::make_unique<Board>(program, config_with(50'000));
      REQUIRE(load_state(next->machine, saved).ok());
      for (std::uint64_t page = 0; page < board->machine.memory().pages(); ++page) {
        next->machine.memory().set_page_contents(page, board->machine.memory().page_contents(page));
      }
      REQUIRE(save_state(next->machine) == saved);
      REQUIRE(next->machine.digest() == digest);
      next->trace.events = board->trace.events;
      next->engine.deliveries = board->engine.deliveries;
      board = std::move(next);
    }
    check_equal(expected, outcomes(*board, sink));
  });
}

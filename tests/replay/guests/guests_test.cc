// Every test guest, run as it is, in random pieces, with caches dropped, and saved and loaded half-way: the outcome
// that its source states, and equal digests each time.
#include <doctest/doctest.h>

#include <cstdlib>
#include <random>

#include "tests/replay/guests/guest.h"
#include "vmm/machine/state_reader.h"
#include "vmm/machine/state_writer.h"

using namespace lockstitch;
using namespace lockstitch::test;

namespace {

// In pieces; between two of them the caches go, and now and then the whole machine is saved and made anew.
Ended run_in_pieces(const Guest& guest, std::uint64_t ticks, std::mt19937_64& random) {
  auto board = guest.board(1 + random() % 5000);
  QuietSource source;
  TrailSink sink;
  for (;;) {
    const std::uint64_t piece = 1 + random() % std::max<std::uint64_t>(ticks / 20, 2);
    const Tick stop{std::min(guest.limit().value, board->machine().tick().value + piece)};
    const End end = board->machine().run(source, sink, stop);
    if (end.reason != EndReason::stop_tick || stop == guest.limit()) return finish(*board, end, sink);
    if (random() % 2) board->machine().drop_caches();
    if (random() % 4 == 0) {
      const std::vector<std::uint8_t> saved = save_state(board->machine());
      auto next = guest.board(1 + random() % 5000);
      Memory& from = board->machine().memory();
      for (std::uint64_t page = 0; page < from.pages(); ++page)
        next->machine().memory().set_page_contents(page, from.page_contents(page));
      const auto loaded = load_state(next->machine(), saved);
      REQUIRE_MESSAGE(loaded.ok(), loaded.error().text);
      board = std::move(next);
    }
  }
}

std::string outcome(const Ended& ended) {
  switch (ended.end.reason) {
    case EndReason::debug_exit:
      return "exit " + std::to_string(ended.end.argument);
    case EndReason::shutdown:
      return "shutdown";
    case EndReason::power_off:
      return "power-off";
    case EndReason::reset:
      return "reset";
    case EndReason::stop_tick:
      return "still running at its limit of ticks";
    default:
      return "ended for another reason";
  }
}

}  // namespace

TEST_CASE("every test guest ends as its source says, and equally however its run is cut up") {
  const auto headers = read_guest_headers(std::string(LOCKSTITCH_SOURCE_DIR) + "/firmware/guests");
  REQUIRE(headers.size() >= 30);
  for (const GuestHeader& header : headers) {
    SUBCASE(header.name.c_str()) {
      CAPTURE(header.name);
      INFO("LOCKSTITCH_SEED=", seed());
      std::mt19937_64 random(seed());
      const Guest guest(header);
      const Ended whole = run_whole(guest);
      CHECK_MESSAGE(outcome(whole) == header.expect, whole.console);
      CHECK(whole.console.find(header.serial) != std::string::npos);
      const int rounds = whole.tick > 100'000'000 ? 1 : 3;  // a guest that watches a second go by is slow
      for (int round = 0; round < rounds; ++round) {
        const Ended pieces = run_in_pieces(guest, whole.tick, random);
        CHECK(outcome(pieces) == outcome(whole));
        CHECK(pieces.tick == whole.tick);
        CHECK(pieces.console == whole.console);
        CHECK(pieces.trail == whole.trail);
        CHECK(pieces.digest == whole.digest);
      }
    }
  }
}

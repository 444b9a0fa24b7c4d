// Every test guest in boundary mode: counted in exits, it goes the same way on KVM, on the interpreter, and on both in
// turns.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdio>
#include <random>

#include "tests/replay/guests/guest.h"
#include "tests/replay/kvm/host_kvm.h"
#include "tests/replay/kvm/known_differences.h"
#include "tests/replay/kvm/machine_difference.h"
#include "vmm/machine/state_reader.h"
#include "vmm/machine/state_writer.h"

using namespace lockstitch;
using namespace lockstitch::test;

namespace {

/// Unit: exits. What makes more waits for a clock by reading it; that takes too long where an exit is dear.
constexpr Tick exits_max{250'000};

app::EngineRequest counting_exits(app::EngineKind kind) {
  app::EngineRequest request;
  request.turns = {{Tick{}, kind}};
  request.ticks = TickUnit::exit;
  request.patience = [](unsigned times) { return times < 5; };
  return request;
}

struct Ran {
  std::unique_ptr<app::Board> board;
  Ended ended;
};

Ran run_on(const Guest& guest, app::EngineKind kind) {
  auto board = guest.board(limits::quantum_ticks, counting_exits(kind));
  QuietSource source;
  TrailSink sink;
  const End end = board->machine().run(source, sink, exits_max);
  Ended ended = finish(*board, end, sink);
  return {std::move(board), std::move(ended)};
}

// Saved on one engine and loaded on another, again and again.
Ended run_in_turns(const Guest& guest, std::uint64_t exits, std::mt19937_64& random) {
  const auto any_engine = [&] { return counting_exits(random() % 2 ? app::EngineKind::kvm : app::EngineKind::interp); };
  auto board = guest.board(1 + random() % 50, any_engine());
  QuietSource source;
  TrailSink sink;
  for (;;) {
    const Tick stop{board->machine().tick().value + 1 + random() % std::max<std::uint64_t>(exits / 8, 2)};
    const End end = board->machine().run(source, sink, stop);
    if (end.reason != EndReason::stop_tick) return finish(*board, end, sink);
    const std::vector<std::uint8_t> saved = save_state(board->machine());
    auto next = guest.board(1 + random() % 50, any_engine());
    Memory& from = board->machine().memory();
    for (std::uint64_t page = 0; page < from.pages(); ++page)
      next->machine().memory().set_page_contents(page, from.page_contents(page));
    const auto loaded = load_state(next->machine(), saved);
    REQUIRE_MESSAGE(loaded.ok(), loaded.error().text);
    board = std::move(next);
  }
}

void skip(const std::string& guest, const std::string& why) {
  std::printf("skipped: %s: %s\n", guest.c_str(), why.c_str());
}

void check_guest(Host host, const GuestHeader& header) {
  const Guest guest(header);
  const Ran interp = run_on(guest, app::EngineKind::interp);
  if (interp.ended.end.reason == EndReason::stop_tick) {
    skip(header.name, "it makes too many exits");
    return;
  }
  if (interp.ended.end.reason == EndReason::spinning) {
    skip(header.name, "it waits in a loop without exits, which boundary mode cannot serve");
    return;
  }
  const Ran kvm = run_on(guest, app::EngineKind::kvm);
  const bool equal = interp.ended.digest == kvm.ended.digest && interp.ended.trail == kvm.ended.trail;
  if (const std::string why = known_difference(host, header.name); !why.empty()) {
    if (!equal) skip(header.name, why);
    return;
  }
  CHECK(interp.ended.tick == kvm.ended.tick);
  CHECK(interp.ended.console == kvm.ended.console);
  CHECK(interp.ended.trail == kvm.ended.trail);
  CHECK_MESSAGE(interp.ended.digest == kvm.ended.digest, difference(*interp.board, *kvm.board));
  std::mt19937_64 random(seed());
  const Ended turns = run_in_turns(guest, interp.ended.tick, random);
  CHECK(turns.tick == interp.ended.tick);
  CHECK(turns.console == interp.ended.console);
  CHECK(turns.digest == interp.ended.digest);
}

}  // namespace

TEST_CASE(
    "every test guest makes the same exits on KVM as on the interpreter, and ends equally, also on both in turns") {
  const auto host = host_kvm("test guests on KVM");
  if (!host) return;
  for (const GuestHeader& header : read_guest_headers(std::string(LOCKSTITCH_SOURCE_DIR) + "/firmware/guests")) {
    SUBCASE(header.name.c_str()) {
      CAPTURE(header.name);
      INFO("LOCKSTITCH_SEED=", seed());
      check_guest(*host, header);
    }
  }
}

// What the core and the link's thread leave for each other on the desk.
#include "sync/peer/desk.h"

#include <doctest/doctest.h>
#include <poll.h>

#include <chrono>
#include <thread>

#include "tests/unit/pair/bytes.h"

namespace lockstitch::sync {
namespace {

using Data = std::vector<std::uint8_t>;

bool readable(int fd) {
  pollfd entry{fd, POLLIN, 0};
  return ::poll(&entry, 1, 0) == 1;
}

Entry arrival(std::uint64_t tick, std::uint32_t number, std::size_t bytes = 8) {
  return {{tick}, ArrivalEntry{PortId{1}, {number}, Data(bytes)}};
}

/// The core takes up the order to send its machine to a standby.
void begin_join(Desk& desk) {
  desk.order({OrderKind::begin_join, "", std::nullopt});
  while (desk.has_orders()) REQUIRE(desk.next_order().has_value());
}

TEST_CASE("a log begins at the tick that it is told, and what was appended before goes nowhere") {
  Desk desk;
  std::vector<Entry> entries;
  desk.log().append(arrival(3, 1));
  desk.log().passed({4});
  CHECK(!desk.logging());
  CHECK(!desk.log_waits());
  CHECK(!desk.take_log(entries));
  CHECK(!readable(desk.bell_fd()));

  begin_join(desk);
  desk.begin_log({100});
  CHECK(desk.logging());
  REQUIRE(desk.take_log(entries));
  REQUIRE(entries.size() == 1);
  CHECK(std::holds_alternative<HorizonEntry>(entries[0].body));
  CHECK(entries[0].tick == Tick{99});
  CHECK(!desk.take_log(entries));

  desk.log().append(arrival(100, 2));
  desk.log().passed({100});
  REQUIRE(desk.take_log(entries));
  REQUIRE(entries.size() == 2);
  CHECK(std::get<ArrivalEntry>(entries[0].body).position.hash == 2);
  CHECK(std::holds_alternative<HorizonEntry>(entries[1].body));
  CHECK(entries[1].tick == Tick{100});
}

TEST_CASE("a log from power-on begins without a horizon") {
  Desk desk;
  std::vector<Entry> entries;
  begin_join(desk);
  desk.begin_log({0});
  CHECK(!desk.take_log(entries));
}

TEST_CASE("nothing that the core appends is lost, doubled or moved while another thread takes") {
  constexpr std::uint32_t count = 50'000;
  Desk desk;
  begin_join(desk);
  desk.begin_log({1});
  std::thread core([&] {
    for (std::uint32_t i = 0; i < count; ++i) {
      desk.log().append(arrival(10 + i, i));
      desk.log().passed({10 + i});
      if (i % 64 == 0) desk.hurry();
    }
  });
  std::uint32_t next = 0;
  Tick last;
  std::uint64_t horizon = 0;
  std::vector<Entry> entries;
  while (next < count || horizon < 10 + count - 1) {
    if (!readable(desk.bell_fd())) {
      pollfd bell{desk.bell_fd(), POLLIN, 0};
      ::poll(&bell, 1, 5);
    }
    desk.clear_bell();
    desk.take_hurry();
    if (!desk.take_log(entries)) continue;
    for (const Entry& entry : entries) {
      REQUIRE(entry.tick >= last);
      last = entry.tick;
      if (std::holds_alternative<HorizonEntry>(entry.body)) {
        horizon = entry.tick.value;
        continue;
      }
      // Nothing of a tick that a horizon has closed follows it.
      REQUIRE(entry.tick.value > horizon);
      REQUIRE(std::get<ArrivalEntry>(entry.body).position.hash == next);
      ++next;
    }
  }
  core.join();
  CHECK(next == count);
  CHECK(horizon == 10 + count - 1);
}

TEST_CASE("a core that waits for a link which takes nothing is let go when the log ends, and its log goes nowhere") {
  Desk desk;
  begin_join(desk);
  desk.begin_log({1});
  std::atomic<bool> done{false};
  std::thread core([&] {
    // Twice what the queue holds: it has to wait.
    for (std::uint32_t i = 0; i < 2 * (LogQueue::max_bytes >> 20); ++i) desk.log().append(arrival(10 + i, i, 1 << 20));
    done = true;
  });
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  CHECK(!done);
  desk.end_log();
  core.join();
  CHECK(done);
  CHECK(!desk.logging());
  std::vector<Entry> entries;
  CHECK(!desk.take_log(entries));
  desk.log().append(arrival(9999, 1));
  CHECK(!desk.take_log(entries));
}

TEST_CASE("a log that is begun anew has nothing of the one before") {
  Desk desk;
  std::vector<Entry> entries;
  begin_join(desk);
  desk.begin_log({1});
  desk.log().append(arrival(5, 1));
  desk.end_log();
  begin_join(desk);
  desk.begin_log({50});
  REQUIRE(desk.take_log(entries));
  REQUIRE(entries.size() == 1);
  CHECK(entries[0].tick == Tick{49});
}

TEST_CASE("whoever waits for a release is woken once for each change, and sees the last one") {
  Desk desk;
  CHECK(desk.released() == tick_never);
  CHECK(!readable(desk.release_fd()));
  desk.release({10});
  CHECK(desk.released() == Tick{10});
  CHECK(readable(desk.release_fd()));
  desk.clear_release_fd();
  CHECK(!readable(desk.release_fd()));
  desk.release({10});
  CHECK(!readable(desk.release_fd()));
  desk.release({11});
  desk.release({12});
  CHECK(readable(desk.release_fd()));
  desk.clear_release_fd();
  CHECK(!readable(desk.release_fd()));
  CHECK(desk.released() == Tick{12});
  // A gate may also be shut again.
  desk.release({5});
  CHECK(readable(desk.release_fd()));
  CHECK(desk.released() == Tick{5});
}

TEST_CASE("the bell rings for the first thing and not again until it is cleared") {
  Desk desk;
  begin_join(desk);
  desk.begin_log({1});
  CHECK(!readable(desk.bell_fd()));
  desk.log().append(arrival(5, 1));
  CHECK(readable(desk.bell_fd()));
  CHECK(desk.log_waits());
  CHECK(!desk.take_hurry());
  desk.clear_bell();
  CHECK(!readable(desk.bell_fd()));
  // Still not taken: whoever takes it then takes all.
  desk.log().append(arrival(6, 2));
  CHECK(!readable(desk.bell_fd()));
  std::vector<Entry> entries;
  REQUIRE(desk.take_log(entries));
  CHECK(entries.size() >= 2);
  CHECK(!desk.log_waits());
  desk.log().append(arrival(7, 3));
  CHECK(readable(desk.bell_fd()));
  desk.clear_bell();

  desk.hurry();
  CHECK(readable(desk.bell_fd()));
  CHECK(desk.take_hurry());
  CHECK(!desk.take_hurry());
  desk.clear_bell();
  desk.report({CoreReport::Kind::frozen, "", {7}});
  CHECK(readable(desk.bell_fd()));
  desk.clear_bell();
  desk.send_part(JoinProgress{1, 2});
  CHECK(readable(desk.bell_fd()));
  desk.clear_bell();
  CHECK(!desk.quitting());
  desk.quit();
  CHECK(readable(desk.bell_fd()));
  CHECK(desk.quitting());
}

TEST_CASE("nobody hurries while there is no log") {
  Desk desk;
  desk.hurry();
  CHECK(!readable(desk.bell_fd()));
  CHECK(!desk.take_hurry());
}

TEST_CASE("parts come out as they went in, and one that is damaged is refused") {
  Desk desk;
  begin_join(desk);
  desk.send_part(JoinProgress{3, 4});
  CHECK(desk.parts_wait());
  const auto bytes = desk.take_outgoing_part();
  REQUIRE(bytes.has_value());
  CHECK(!desk.parts_wait());
  REQUIRE(desk.deliver_part(*bytes).ok());
  CHECK(desk.parts_in_bytes() == bytes->size());
  const auto part = desk.take_part();
  REQUIRE(part.has_value());
  CHECK(std::get<JoinProgress>(*part).total_bytes == 4);
  CHECK(desk.parts_in_bytes() == 0);
  CHECK(!desk.take_part().has_value());
  const Outcome damaged = desk.deliver_part(Data{1, 2, 3});
  REQUIRE(!damaged.ok());
  test::check_sentence(damaged.error());
}

TEST_CASE("a sender sees when there is no room, and is woken when there is again") {
  Desk desk;
  begin_join(desk);
  unsigned woken = 0;
  desk.set_waker([&](bool) { ++woken; });
  test::Random random(test::run_seed());
  MachineState large;
  large.state.resize(6u << 20);
  for (auto& byte : large.state) byte = static_cast<std::uint8_t>(random.next());
  while (desk.room()) desk.send_part(large);
  CHECK(woken == 0);
  while (const auto part = desk.take_outgoing_part()) desk.part_sent(part->size());
  CHECK(desk.room());
  CHECK(woken == 1);
}

TEST_CASE("orders come in their order, and wake a core that waits for the world, for good when it is to leave") {
  Desk desk;
  std::vector<bool> woken;
  desk.set_waker([&](bool leaving) { woken.push_back(leaving); });
  CHECK(!desk.has_orders());
  desk.order({OrderKind::freeze, "", std::nullopt});
  desk.order({OrderKind::thaw, "", std::nullopt});
  desk.order({OrderKind::discard, "why", std::nullopt});
  CHECK(woken == std::vector<bool>{false, false, true});
  CHECK(desk.has_orders());
  CHECK(desk.next_order()->kind == OrderKind::freeze);
  CHECK(desk.next_order()->kind == OrderKind::thaw);
  CHECK(desk.has_orders());
  const auto last = desk.next_order();
  CHECK(last->kind == OrderKind::discard);
  CHECK(last->why == "why");
  CHECK(!desk.has_orders());
  CHECK(!desk.next_order().has_value());
}

TEST_CASE("what belongs to a join that was given up is neither given to the core nor taken from it") {
  Desk desk;
  begin_join(desk);
  desk.deliver({arrival(5, 1)}, {3});
  REQUIRE(desk.deliver_part(encode(JoinProgress{1, 2})).ok());
  // The link has given up; the core has not looked yet.
  desk.order({OrderKind::end_join, "", std::nullopt});
  std::vector<Entry> entries;
  CHECK(!desk.take_entries(entries));
  CHECK(!desk.take_part().has_value());
  desk.send_part(JoinProgress{1, 2});
  CHECK(!desk.parts_wait());
  desk.begin_log({7});
  CHECK(!desk.logging());
  // What comes for the next one waits until the core has taken it up.
  desk.order({OrderKind::begin_join, "", std::nullopt});
  REQUIRE(desk.deliver_part(encode(JoinProgress{8, 9})).ok());
  CHECK(!desk.take_part().has_value());
  CHECK(desk.next_order()->kind == OrderKind::end_join);
  CHECK(desk.next_order()->kind == OrderKind::begin_join);
  CHECK(desk.take_part().has_value());
}

TEST_CASE("what a core says of a machine that is not its any more is not heard") {
  Desk desk;
  desk.order({OrderKind::cold_start, "", std::nullopt});
  REQUIRE(desk.next_order().has_value());
  desk.report({CoreReport::Kind::frozen, "", {7}});
  CHECK(desk.take_reports().size() == 1);
  desk.report({CoreReport::Kind::joined, "", {7}});
  desk.order({OrderKind::discard, "", std::nullopt});
  desk.order({OrderKind::begin_receiving, "", Header()});
  CHECK(desk.take_reports().empty());
  desk.report({CoreReport::Kind::joined, "", {8}});
  CHECK(desk.take_reports().empty());
  while (desk.next_order()) continue;
  desk.report({CoreReport::Kind::joined, "", {9}});
  const auto reports = desk.take_reports();
  REQUIRE(reports.size() == 1);
  CHECK(reports[0].tick == Tick{9});
}

TEST_CASE("a failure ends the process and says why") {
  Desk desk;
  CHECK(desk.failure().empty());
  desk.fail("the standing cannot be written");
  CHECK(desk.failure() == "the standing cannot be written");
  CHECK(desk.next_order()->kind == OrderKind::end);
}

}  // namespace
}  // namespace lockstitch::sync

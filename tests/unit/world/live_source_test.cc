// The live source in simulated host time: stamps, waits, and how near the guest's clock stays to the host's.
#include "vmm/world/live_source.h"

#include <doctest/doctest.h>

#include <vector>

#include "tests/unit/world/fake_clock.h"

namespace lockstitch::world {

namespace {

using test::FakeClock;

constexpr std::uint64_t ms = 1'000'000;
constexpr PortId frames{3};

Message frame(std::uint8_t byte) { return {frames, {}, {byte}}; }

/// The part of the machine's loop that matters to a source.
class Guest {
 public:
  Guest(FakeClock& clock, Inbox& inbox, std::uint64_t ns_per_tick)
      : clock_(clock),
        source_(inbox, clock, Clocking::realtime, ns_per_tick),
        line_{ns_per_tick, 0},
        start_(clock.now()) {}

  Moment now() const { return {tick_, line_.at(tick_)}; }
  LiveSource& source() { return source_; }

  void top() {
    measure();
    const Moment stale = now();  // a machine may ask again with the time from before an advance
    while (auto arrival = source_.take(stale)) {
      CHECK(arrival->tick == tick_);
      if (arrival->port == control_port && arrival->control.kind == ControlKind::advance_clock) {
        line_.offset_ns += arrival->control.argument;
        ++advances;
        largest_advance_ns = std::max(largest_advance_ns, arrival->control.argument);
      } else {
        ++arrivals;
      }
    }
    measure();
  }

  void run(std::uint64_t ticks, std::uint64_t host_ps_per_tick) {
    tick_ = tick_ + ticks;
    clock_.pass(ticks * host_ps_per_tick / 1000);
  }

  void idle(std::uint64_t ns) {
    const Tick until = line_.first_tick_at(now().ns + ns);
    const Tick reached = source_.idle(now(), {until, line_.at(until)});
    CHECK(reached >= tick_);
    CHECK(reached <= until);
    tick_ = reached;
  }

  void measure() {
    const auto guest = static_cast<std::int64_t>(now().ns.value);
    const auto host = static_cast<std::int64_t>(clock_.now() - start_);
    worst_ns = std::max(worst_ns, guest > host ? guest - host : host - guest);
  }

  std::int64_t worst_ns = 0;
  std::uint64_t advances = 0, arrivals = 0, largest_advance_ns = 0;

 private:
  FakeClock& clock_;
  LiveSource source_;
  ClockLine line_;
  Tick tick_;
  HostNs start_;
};

}  // namespace

TEST_CASE("a busy guest of any speed stays within 20 ms of the host and gets at most one advance a millisecond") {
  for (const std::uint64_t ns_per_tick : {1, 4}) {
    for (const std::uint64_t host_ps_per_tick : {100, 900, 1'000, 1'500, 10'000, 100'000, 300'000}) {
      CAPTURE(ns_per_tick);
      CAPTURE(host_ps_per_tick);
      FakeClock clock;
      Inbox inbox;
      Guest guest(clock, inbox, ns_per_tick);
      const HostNs start = clock.now();
      while (clock.now() < start + 3'000 * ms) {
        guest.top();
        guest.run(50'000, host_ps_per_tick);
      }
      CHECK(guest.worst_ns <= 20 * 1'000'000);
      CHECK(guest.advances <= 3'001 + 16);
      if (host_ps_per_tick > 1'000 * ns_per_tick) CHECK(guest.advances > 0);
      if (host_ps_per_tick < 1'000 * ns_per_tick) CHECK(guest.advances == 0);
    }
  }
}

TEST_CASE("an idle guest stays within 20 ms of a host that wakes it late") {
  for (const std::uint64_t oversleep_ns : {0, 60'000, 3'000'000}) {
    CAPTURE(oversleep_ns);
    FakeClock clock;
    clock.oversleep_ns = oversleep_ns;
    Inbox inbox;
    Guest guest(clock, inbox, 1);
    for (int i = 0; i < 1000; ++i) {
      guest.top();
      guest.run(3'000, 10'000);  // a timer interrupt
      guest.idle(4 * ms);
    }
    CHECK(guest.worst_ns <= 20 * 1'000'000);
  }
}

TEST_CASE("an idle guest costs one wait for each of its own wake-ups") {
  FakeClock clock;
  Inbox inbox;
  Guest guest(clock, inbox, 1);
  for (int i = 0; i < 250; ++i) {
    guest.top();
    guest.idle(4 * ms);
  }
  CHECK(clock.waits == 250);
  CHECK(guest.advances == 0);
}

TEST_CASE("after the process was stopped for ten seconds the guest's clock jumps once") {
  FakeClock clock;
  Inbox inbox;
  Guest guest(clock, inbox, 1);
  for (int i = 0; i < 50; ++i) {
    guest.top();
    guest.idle(4 * ms);
    if (i == 20) clock.pass(10'000 * ms);
  }
  CHECK(guest.advances == 1);
  CHECK(guest.largest_advance_ns == 10'000 * ms);
}

TEST_CASE("messages come in order, stamped with the tick at which they are taken") {
  FakeClock clock;
  Inbox inbox;
  LiveSource source(inbox, clock, Clocking::realtime, 1);
  REQUIRE(inbox.try_push(frame(1)));
  REQUIRE(inbox.try_push({control_port, {ControlKind::power_button, 0}, {}}));
  const Moment now{{77}, {77}};
  auto first = source.take(now);
  REQUIRE(first);
  CHECK(first->tick == Tick{77});
  CHECK(first->port == frames);
  CHECK(first->payload == std::vector<std::uint8_t>{1});
  auto second = source.take(now);
  REQUIRE(second);
  CHECK(second->port == control_port);
  CHECK(second->control.kind == ControlKind::power_button);
  CHECK(!source.take(now));
  CHECK(source.next_known() == tick_never);
  CHECK(source.horizon() == tick_never);
}

TEST_CASE("a message ends the idle wait at the tick that host time has reached") {
  for (const std::uint64_t ns_per_tick : {1, 4}) {
    FakeClock clock;
    Inbox inbox;
    LiveSource source(inbox, clock, Clocking::realtime, ns_per_tick);
    const ClockLine line{ns_per_tick, 1'000};
    const Tick start{1'000'000}, until{start + 4 * ms};
    CHECK(!source.take({start, line.at(start)}));
    clock.at(clock.now() + ms, [&] { REQUIRE(inbox.try_push(frame(9))); });
    CHECK(source.idle({start, line.at(start)}, {until, line.at(until)}) == start + ms / ns_per_tick);
    // It lies there already: no wait, no jump.
    const Tick reached = start + ms / ns_per_tick;
    const HostNs before = clock.now();
    CHECK(source.idle({reached, line.at(reached)}, {until, line.at(until)}) == reached);
    CHECK(clock.now() == before);
  }
}

TEST_CASE("an idle wait without a message returns exactly its end, when the host has reached it") {
  FakeClock clock;
  Inbox inbox;
  LiveSource source(inbox, clock, Clocking::realtime, 1);
  const HostNs start = clock.now();
  CHECK(source.idle({{10}, {10}}, {{10 + 4 * ms}, {10 + 4 * ms}}) == Tick{10 + 4 * ms});
  CHECK(clock.now() == start + 4 * ms);
}

TEST_CASE("an idle wait without end lasts until a message comes") {
  for (const Clocking clocking : {Clocking::realtime, Clocking::unpaced}) {
    FakeClock clock;
    Inbox inbox;
    LiveSource source(inbox, clock, clocking, 1);
    clock.at(clock.now() + 50 * ms, [&] { REQUIRE(inbox.try_push(frame(9))); });
    const Tick reached = source.idle({{10}, {10}}, {tick_never, ns_never});
    CHECK(reached == (clocking == Clocking::realtime ? Tick{10 + 50 * ms} : Tick{10}));
    CHECK(source.take({reached, {reached.value}}).has_value());
  }
}

TEST_CASE("a guest that is ahead is held, but a message gets through at once") {
  FakeClock clock;
  Inbox inbox;
  LiveSource source(inbox, clock, Clocking::realtime, 1);
  const HostNs start = clock.now();
  CHECK(!source.take({{0}, {0}}));
  clock.at(start + 2 * ms, [&] { REQUIRE(inbox.try_push(frame(9))); });
  CHECK(source.take({{5 * ms}, {5 * ms}}).has_value());
  CHECK(clock.now() == start + 2 * ms);
  CHECK(!source.take({{5 * ms}, {5 * ms}}));
  CHECK(clock.now() == start + 5 * ms);
}

TEST_CASE("a tick gets one advance at most, however late the machine asks again") {
  FakeClock clock;
  Inbox inbox;
  LiveSource source(inbox, clock, Clocking::realtime, 1);
  CHECK(!source.take({{0}, {0}}));
  clock.pass(5 * ms);
  const auto advance = source.take({{100}, {100}});
  REQUIRE(advance);
  CHECK(advance->control.kind == ControlKind::advance_clock);
  CHECK(advance->control.argument == 5 * ms - 100);
  clock.pass(5 * ms);
  CHECK(!source.take({{100}, {100}}));
  CHECK(source.take({{101}, {5 * ms + 1}}).has_value());
}

TEST_CASE("a flood of frames neither keeps the guest from running nor stops the pacing") {
  FakeClock clock;
  Inbox inbox;
  Guest guest(clock, inbox, 1);
  for (int i = 0; i < 1'000; ++i) {
    while (inbox.try_push(frame(1))) continue;
    guest.top();
    CHECK(guest.arrivals == LiveSource::batch_max * (i + 1u));
    guest.run(50'000, 10'000);
  }
  CHECK(guest.worst_ns <= 20 * 1'000'000);
  // A halted guest gets the rest without waiting, even where it stands.
  const HostNs before = clock.now();
  for (int i = 0; i < 100 && !inbox.empty(); ++i) {
    guest.top();
    if (!inbox.empty()) guest.idle(4 * ms);
  }
  CHECK(inbox.empty());
  CHECK(clock.now() == before);
}

TEST_CASE("an unpaced source never looks at the host's clock: it jumps at once and takes what comes") {
  FakeClock clock;
  Inbox inbox;
  LiveSource source(inbox, clock, Clocking::unpaced, 1);
  const HostNs start = clock.now();
  CHECK(source.idle({{10}, {10}}, {{4 * ms}, {4 * ms}}) == Tick{4 * ms});
  clock.pass(10'000 * ms);
  CHECK(!source.take({{4 * ms}, {4 * ms}}));
  REQUIRE(inbox.try_push(frame(9)));
  CHECK(source.idle({{4 * ms}, {4 * ms}}, {{9 * ms}, {9 * ms}}) == Tick{4 * ms});
  CHECK(source.take({{4 * ms}, {4 * ms}}).has_value());
  CHECK(clock.waits == 0);
  CHECK(clock.now() == start + 10'000 * ms);
}

}  // namespace lockstitch::world

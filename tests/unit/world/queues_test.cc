// The two queues between core and world, from two threads; what is dropped, what waits, and what a stop frees.
#include <doctest/doctest.h>
#include <sys/eventfd.h>

#include <thread>
#include <vector>

#include "tests/contract/support/random.h"
#include "vmm/world/inbox.h"
#include "vmm/world/live_sink.h"
#include "vmm/world/outbox.h"
#include "vmm/world/stop_request.h"

namespace lockstitch::world {

namespace {

constexpr PortId frames{2}, console{5};

Effect effect_of(PortId port, Bytes payload) { return {{1}, port, 0, payload}; }

}  // namespace

TEST_CASE("the inbox hands over every message once and in order, from another thread") {
  Inbox inbox;
  SteadyHostClock clock;
  constexpr unsigned count = 20'000;
  std::thread world([&] {
    for (unsigned i = 0; i < count;) {
      Message message{frames, {}, {std::uint8_t(i), std::uint8_t(i >> 8)}};
      if (inbox.try_push(std::move(message))) {
        ++i;
      } else {
        std::this_thread::yield();
      }
    }
  });
  unsigned wrong = 0;
  for (unsigned i = 0; i < count; ++i) {
    inbox.wait_until(clock, host_never);
    auto message = inbox.pop();
    wrong += !message || message->payload != std::vector<std::uint8_t>{std::uint8_t(i), std::uint8_t(i >> 8)};
  }
  world.join();
  CHECK(wrong == 0);
  CHECK(inbox.empty());
  CHECK(!inbox.pop());
}

TEST_CASE("a wait on an empty inbox ends at its deadline") {
  Inbox inbox;
  SteadyHostClock clock;
  const HostNs deadline = clock.now() + 3'000'000;
  inbox.wait_until(clock, deadline);
  CHECK(clock.now() >= deadline);
}

TEST_CASE("a full inbox refuses a frame and leaves it whole, and still takes controls and the stop") {
  Inbox inbox;
  Outbox outbox;
  StopRequest stop(inbox, outbox);
  std::size_t taken = 0;
  while (inbox.try_push({frames, {}, {1}})) ++taken;
  CHECK(taken == limits::queue_max_messages - Inbox::control_reserve);
  Message frame{frames, {}, {4, 5}};
  CHECK(!inbox.try_push(std::move(frame)));
  CHECK(frame.payload == std::vector<std::uint8_t>{4, 5});
  std::size_t presses = 0;
  while (inbox.try_push({control_port, {ControlKind::power_button, 0}, {}})) ++presses;
  CHECK(presses == Inbox::control_reserve - 1);
  stop.ask(StopReason::escape_key);
  std::optional<Message> last;
  while (auto message = inbox.pop()) last = std::move(message);
  REQUIRE(last);
  CHECK(last->control.kind == ControlKind::stop);
  CHECK(last->control.argument == std::uint64_t(StopReason::escape_key));
}

TEST_CASE("asking twice to stop sends one stop, with the first reason") {
  Inbox inbox;
  Outbox outbox;
  StopRequest stop(inbox, outbox);
  CHECK(!stop.asked());
  CHECK(!stop.wait_ms(1));
  stop.ask(StopReason::signal);
  stop.ask(StopReason::escape_key);
  CHECK(stop.asked());
  CHECK(stop.wait_ms(1'000'000));
  CHECK(inbox.pop()->control.argument == std::uint64_t(StopReason::signal));
  CHECK(inbox.empty());
}

TEST_CASE("the outbox wakes the world only when it was empty") {
  Outbox outbox;
  const int fd = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  outbox.set_wake_fd(fd);
  const std::uint8_t byte = 1;
  for (int i = 0; i < 5; ++i) REQUIRE(outbox.try_push(Tick{}, frames, {&byte, 1}));
  std::uint64_t wakes = 0;
  REQUIRE(::read(fd, &wakes, sizeof wakes) == sizeof wakes);
  CHECK(wakes == 1);
  std::vector<Departure> departures;
  outbox.take(departures);
  CHECK(departures.size() == 5);
  REQUIRE(outbox.try_push(Tick{}, frames, {&byte, 1}));
  REQUIRE(::read(fd, &wakes, sizeof wakes) == sizeof wakes);
  CHECK(wakes == 1);
  ::close(fd);
}

TEST_CASE("a frame for which the outbox has no room is dropped and counted") {
  Outbox outbox;
  LiveSink sink(outbox);
  const std::uint8_t byte = 1;
  for (std::size_t i = 0; i < limits::queue_max_messages + 3; ++i) sink.effect(effect_of(frames, {&byte, 1}));
  CHECK(sink.frames_dropped() == 3);
  std::vector<Departure> departures;
  outbox.take(departures);
  CHECK(departures.size() == limits::queue_max_messages);
}

TEST_CASE("console bytes are never dropped: the core waits for a slow world") {
  const std::uint64_t seed = test::run_seed();
  CAPTURE(seed);
  Outbox outbox;
  LiveSink sink(outbox);
  sink.add_stream(console);
  constexpr std::size_t total = 3 << 20;
  std::thread core([&] {
    test::Random random(seed);
    std::vector<std::uint8_t> bytes;
    for (std::size_t sent = 0; sent < total; sent += bytes.size()) {
      bytes.resize(std::min<std::size_t>(total - sent, 1 + random.below(random.one_in(8) ? 60'000 : 8)));
      for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::uint8_t>((sent + i) * 31 >> 3);
      sink.effect(effect_of(console, bytes));
    }
  });
  std::size_t received = 0, wrong = 0, most = 0, backlog = 0;
  std::vector<Departure> departures;
  while (received < total) {
    outbox.take(departures);
    for (const Departure& departure : departures) {
      for (const std::uint8_t byte : departure.payload)
        wrong += byte != static_cast<std::uint8_t>(received++ * 31 >> 3);
      backlog += departure.payload.size();
    }
    most = std::max(most, backlog);
    outbox.set_stream_backlog(console, backlog);
    std::this_thread::yield();
    backlog -= std::min<std::size_t>(backlog, 50'000);
    outbox.set_stream_backlog(console, backlog);
  }
  core.join();
  CHECK(wrong == 0);
  CHECK(sink.stream_bytes_lost() == 0);
  CHECK(most <= 2 * Outbox::stream_max_bytes + limits::message_max_bytes);
}

TEST_CASE("a core that waits for a stuck console is freed by the request to stop, and what it lost is counted") {
  Inbox inbox;
  Outbox outbox;
  StopRequest stop(inbox, outbox);
  LiveSink sink(outbox);
  sink.add_stream(console);
  std::atomic<std::uint64_t> offered{0};
  std::thread core([&] {
    const std::vector<std::uint8_t> bytes(1000);
    while (sink.stream_bytes_lost() == 0) {
      offered += bytes.size();
      sink.effect(effect_of(console, bytes));
    }
  });
  while (offered < Outbox::stream_max_bytes) std::this_thread::yield();
  stop.ask(StopReason::escape_key);
  core.join();
  CHECK(sink.stream_bytes_lost() == 1000);
  CHECK(offered <= Outbox::stream_max_bytes + 2000);
}

TEST_CASE("a digest goes to whoever asked for it") {
  Outbox outbox;
  std::vector<std::uint64_t> seen;
  LiveSink sink(outbox, [&](Tick tick, const Digest& digest) { seen = {tick.value, digest.high, digest.low}; });
  sink.digest({9}, {1, 2});
  CHECK(seen == std::vector<std::uint64_t>{9, 1, 2});
  LiveSink(outbox).digest({9}, {1, 2});
}

}  // namespace lockstitch::world

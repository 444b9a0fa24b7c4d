// Signals as the person sends them, and the world's loop that serves them.
#include "vmm/world/signals.h"

#include <doctest/doctest.h>
#include <sys/wait.h>

#include <iostream>
#include <thread>

#include "vmm/world/world.h"

namespace lockstitch::world {

namespace {

struct Desk {
  Inbox inbox;
  Outbox outbox;
  StopRequest stop{inbox, outbox};
};

}  // namespace

TEST_CASE("SIGINT, SIGTERM and SIGHUP become a stop; SIGCONT is passed on") {
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) {
    CAPTURE(number);
    Desk desk;
    std::atomic<int> continued{0};
    auto signals = Signals::open(desk.stop, [&] { ++continued; });
    REQUIRE(signals.ok());
    World world(desk.outbox);
    world.add(*signals.value());
    REQUIRE(world.start().ok());
    ::kill(::getpid(), SIGCONT);
    ::kill(::getpid(), number);
    SteadyHostClock clock;
    desk.inbox.wait_until(clock, host_never);
    const auto message = desk.inbox.pop();
    REQUIRE(message);
    CHECK(message->control.kind == ControlKind::stop);
    CHECK(message->control.argument == std::uint64_t(StopReason::signal));
    world.stop();
    CHECK(continued == 1);
  }
}

TEST_CASE("a second SIGINT ends a process whose core does not listen") {
  std::cout.flush();  // or the child prints it again
  const pid_t child = ::fork();
  if (child == 0) {
    Desk desk;
    auto signals = Signals::open(desk.stop);
    World world(desk.outbox);
    world.add(*signals.value());
    if (!world.start()) ::_exit(3);
    ::kill(::getpid(), SIGINT);
    while (!desk.stop.wait_ms(1000)) continue;
    ::kill(::getpid(), SIGINT);
    std::this_thread::sleep_for(std::chrono::seconds(60));
    ::_exit(4);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  REQUIRE(WIFSIGNALED(status));
  CHECK(WTERMSIG(status) == SIGINT);
}

TEST_CASE("a world starts, stops and starts again, and counts effects that nobody claims") {
  Desk desk;
  World world(desk.outbox);
  const std::uint8_t byte = 1;
  for (int i = 0; i < 3; ++i) {
    REQUIRE(world.start().ok());
    REQUIRE(desk.outbox.try_push(Tick{}, PortId{8}, {&byte, 1}));
    world.stop();
    world.stop();
  }
  CHECK(world.unclaimed_effects() == 3);
}

}  // namespace lockstitch::world

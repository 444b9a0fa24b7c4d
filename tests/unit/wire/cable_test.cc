// The cable between two socket pairs in place of TAP interfaces, with the moments given by hand.
#include "tools/wire/cable.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <string>

using namespace lockstitch::wire;

namespace {

using Pair = std::array<int, 2>;

Pair pair() {
  Pair ends{};
  REQUIRE(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, ends.data()) == 0);
  return ends;
}

/// Two hosts, each at the first end of a pair, and the cable between the second ends.
struct Bench {
  ~Bench() {
    for (const int fd : {hosts[0][0], hosts[0][1], hosts[1][0], hosts[1][1]}) ::close(fd);
  }

  void obey(std::string_view command) {
    std::string answer;
    lockstitch::wire::obey(command, cable.settings(), answer);
    REQUIRE(answer == "ok\n");
    cable.settings_changed();
  }
  /// A host sends a frame, and the cable takes it.
  void send(std::size_t host, const std::string& frame, std::int64_t now_ns = 0) {
    REQUIRE(::write(hosts[host][0], frame.data(), frame.size()) == ssize_t(frame.size()));
    REQUIRE(cable.receive(int(host), now_ns));
  }
  /// What waits for a host; "" if nothing.
  std::string received(std::size_t host) {
    char frame[2048];
    const ssize_t got = ::read(hosts[host][0], frame, sizeof frame);
    return {frame, got > 0 ? std::size_t(got) : 0};
  }

  std::array<Pair, 2> hosts{pair(), pair()};
  Cable cable{hosts[0][1], hosts[1][1]};
};

constexpr std::int64_t ms = 1'000'000;

}  // namespace

TEST_CASE("a frame passes at once, either way, and nothing waits") {
  Bench bench;
  bench.send(0, "to b");
  CHECK(bench.received(1) == "to b");
  bench.send(1, "to a");
  CHECK(bench.received(0) == "to a");
  CHECK(bench.cable.send_due(0) == -1);
}

TEST_CASE("a delayed frame leaves when it is due and not before") {
  Bench bench;
  bench.obey("delay 10");
  bench.send(0, "one", 100 * ms);
  bench.send(0, "two", 103 * ms);
  CHECK(bench.cable.send_due(110 * ms - 1) == 110 * ms);
  CHECK(bench.received(1) == "");
  CHECK(bench.cable.send_due(110 * ms) == 113 * ms);
  CHECK(bench.received(1) == "one");
  CHECK(bench.received(1) == "");
  CHECK(bench.cable.send_due(200 * ms) == -1);
  CHECK(bench.received(1) == "two");
}

TEST_CASE("a frame never overtakes another, even when the delay is taken away meanwhile") {
  Bench bench;
  bench.obey("delay 10");
  bench.send(0, "slow", 0);
  bench.obey("delay 0");
  bench.send(0, "quick", 1 * ms);
  CHECK(bench.received(1) == "");
  CHECK(bench.cable.send_due(10 * ms) == -1);
  CHECK(bench.received(1) == "slow");
  CHECK(bench.received(1) == "quick");
}

TEST_CASE("a cut direction loses what comes and what is on its way, and the other direction goes on") {
  Bench bench;
  bench.obey("delay 10");
  bench.send(0, "on its way");
  bench.send(1, "other way");
  bench.obey("cut ab");
  bench.send(0, "into the cut");
  bench.obey("mend");
  CHECK(bench.cable.send_due(10 * ms) == -1);
  CHECK(bench.received(1) == "");
  CHECK(bench.received(0) == "other way");
  bench.obey("delay 0");
  bench.send(0, "after");
  CHECK(bench.received(1) == "after");
}

TEST_CASE("a queue holds a bounded number of frames; more are lost") {
  FrameQueue queue;
  for (std::size_t i = 0; i < FrameQueue::max_frames; ++i) REQUIRE(queue.push(std::int64_t(i), {1}));
  CHECK(!queue.push(0, {1}));
  queue.pop();
  CHECK(queue.push(0, {2}));
}

TEST_CASE("an interface that is gone is told") {
  Bench bench;
  // A directory cannot be read either.
  const int elsewhere = ::open("/", O_RDONLY);
  ::dup2(elsewhere, bench.hosts[0][1]);
  ::close(elsewhere);
  CHECK(!bench.cable.receive(0, 0));
}

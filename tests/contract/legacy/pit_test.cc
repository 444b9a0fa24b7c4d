// Claims about the 8254 and port 61h. Source: Intel 8254 datasheet.
#include <doctest/doctest.h>

#include "devices/timer/frequency.h"
#include "tests/contract/legacy/rigs.h"

using namespace lockstitch;
using namespace lockstitch::test;

namespace {
struct Pit : Port61Rig {
  TestLine& irq = line;
  void control(std::uint8_t value) { it.pit.write(3, 1, value); }
  void put(unsigned channel, std::uint8_t value) { it.pit.write(channel, 1, value); }
  void load(unsigned channel, std::uint16_t count) {
    put(channel, count & 0xff);
    put(channel, static_cast<std::uint8_t>(count >> 8));
  }
  std::uint8_t get(unsigned channel) { return static_cast<std::uint8_t>(it.pit.read(channel, 1)); }
  unsigned count(unsigned channel) {
    control(static_cast<std::uint8_t>(channel << 6));  // latch
    const unsigned low = get(channel);
    return low | get(channel) << 8u;
  }
  unsigned status(unsigned channel) {
    control(static_cast<std::uint8_t>(0xe0 | 2u << channel));
    return get(channel);
  }
  bool output2() { return it.port.read(0, 1) & 0x20; }
  void gate2(bool to) { it.port.write(0, 1, to); }
  /// To the first nanosecond of a PIT clock, `clocks` after the current one.
  void run(std::uint64_t clocks) {
    const std::uint64_t target = cycles_at(bench.clock.time.value, pit_hz) + clocks;
    bench.advance(time_of_cycle(target, pit_hz).value - bench.clock.time.value);
  }
  /// Rises of IRQ 0 in a stretch of time.
  std::uint64_t rises_in(std::uint64_t ns) {
    irq.rises = 0;
    bench.advance(ns);
    return irq.rises;
  }
};
constexpr std::uint64_t second = 1'000'000'000;
}  // namespace

TEST_CASE("the rate generator interrupts at 1 193 182 Hz over its count, without drift") {
  for (unsigned mode : {2u, 3u}) {
    for (unsigned count : {100u, 1193u, 11'932u, 65'535u, 0u}) {
      CAPTURE(mode);
      CAPTURE(count);
      Pit p;
      p.control(static_cast<std::uint8_t>(0x30 | mode << 1));
      p.load(0, static_cast<std::uint16_t>(count));
      p.bench.advance(100);
      const std::uint64_t expected = 3 * pit_hz / (count == 0 ? 0x1'0000 : count);
      const std::uint64_t got = p.rises_in(3 * second);
      CHECK(got >= expected - 1);
      CHECK(got <= expected + 1);
    }
  }
}

TEST_CASE("the rate generator's n-th interrupt is at clock n times count, however late alarms ring") {
  Pit p;
  p.run(10);
  p.control(0x34);
  p.load(0, 1000);
  const std::uint64_t start = cycles_at(p.bench.clock.time.value, pit_hz) + 1;
  for (unsigned n = 1; n < 50; ++n) {
    REQUIRE(p.alarm.deadline == time_of_cycle(start + n * 1000, pit_hz));
    const std::uint64_t before = p.irq.rises;
    p.bench.jump(p.alarm.deadline - p.bench.clock.time + (n % 3 == 0 ? 5000 : 0));
    CHECK(p.irq.rises == before + 1);
  }
}

TEST_CASE("mode 0 goes low when it is programmed and rises once, one clock after its count") {
  Pit p;
  p.control(0x34);
  p.load(0, 100);
  p.run(5);
  CHECK(p.irq.level);
  p.control(0x30);
  CHECK(!p.irq.level);
  p.load(0, 50);
  p.irq.rises = 0;
  p.run(50);
  CHECK(!p.irq.level);
  p.run(1);
  CHECK(p.irq.level);
  p.run(70'000);
  CHECK(p.irq.rises == 1);
  p.load(0, 20);  // again without a control word
  CHECK(!p.irq.level);
  p.run(21);
  CHECK(p.irq.level);
}

TEST_CASE("mode 0 stops between the two bytes of a count") {
  Pit p;
  p.control(0x30);
  p.load(0, 10);
  p.put(0, 5);
  p.run(100);
  CHECK(!p.irq.level);
  p.put(0, 0);
  p.run(6);
  CHECK(p.irq.level);
}

TEST_CASE("mode 4 strobes low for one clock and interrupts when it rises") {
  Pit p;
  p.control(0x38);
  CHECK(p.irq.level);
  p.load(0, 30);
  p.irq.rises = 0;
  p.run(31);
  CHECK((p.status(0) & 0x80) == 0);
  p.run(1);
  CHECK((p.status(0) & 0x80) != 0);
  CHECK(p.irq.rises == 1);
  p.run(70'000);
  CHECK(p.irq.rises == 1);
}

TEST_CASE("counts run down from the written value and wrap after the end of a single shot") {
  Pit p;
  p.control(0x30);
  p.load(0, 1000);
  p.run(1);
  CHECK(p.count(0) == 1000);
  p.run(400);
  CHECK(p.count(0) == 600);
  p.run(601);
  CHECK(p.count(0) == 0xffff);
}

TEST_CASE("the square wave counts by twos and is high for the longer half") {
  for (unsigned n : {10u, 11u}) {
    CAPTURE(n);
    Pit p;
    p.control(0x36);
    p.load(0, static_cast<std::uint16_t>(n));
    p.run(1);
    for (unsigned clock = 0; clock < 3 * n; ++clock) {
      CAPTURE(clock);
      const bool high = clock % n < (n + 1) / 2;
      CHECK((p.status(0) & 0x80) == (high ? 0x80 : 0));
      const unsigned count = p.count(0);
      CHECK(count % 2 == 0);
      CHECK(count <= 10);
      if (clock % n == 0) CHECK(count == 10);
      p.run(1);
    }
  }
}

TEST_CASE("a new count for a running rate generator takes over at the end of the period") {
  Pit p;
  p.control(0x34);
  p.load(0, 1000);
  p.run(101);
  p.load(0, 300);
  CHECK((p.status(0) & 0x40) != 0);
  p.run(899);
  CHECK(p.count(0) == 1);
  p.run(1);
  CHECK(p.irq.rises == 2);  // once when mode 2 raised the wire, once at the end of the period
  CHECK(p.count(0) == 300);
  CHECK((p.status(0) & 0x40) == 0);
  p.run(300);
  CHECK(p.irq.rises == 3);
}

TEST_CASE("a latched count holds until it is read, in the byte order of its access mode") {
  Pit p;
  p.control(0x34);
  p.load(0, 0x5000);
  p.run(1 + 0x1000);
  p.control(0x00);
  p.run(1000);
  p.control(0x00);
  CHECK(p.get(0) == 0x00);
  CHECK(p.get(0) == 0x40);
  p.control(0x14);  // low byte only
  p.put(0, 0x80);
  p.run(1 + 0x10);
  CHECK(p.get(0) == 0x70);
  CHECK(p.get(0) == 0x70);
  p.control(0x24);  // high byte only
  p.put(0, 0x80);
  p.run(1 + 0x1000);
  CHECK(p.get(0) == 0x70);
}

TEST_CASE("read-back latches status before count, for the channels it names") {
  Pit p;
  p.control(0x34);
  p.load(0, 0x1234);
  p.run(2);
  p.control(0xc2);
  CHECK(p.get(0) == 0xb4);
  CHECK(p.get(0) == 0x33);
  CHECK(p.get(0) == 0x12);
  p.control(0xb6);
  CHECK((p.status(2) & 0x7f) == 0x76);  // no count yet
}

TEST_CASE("a BCD counter counts in decimal") {
  Pit p;
  p.control(0x35);
  p.load(0, 0x1000);
  p.run(2);
  CHECK(p.count(0) == 0x0999);
  p.control(0x31);
  p.load(0, 0);
  p.run(2);
  CHECK(p.count(0) == 0x9999);
}

TEST_CASE("channel 2 counts while its gate is open and shows its output in port 61h") {
  Pit p;
  p.gate2(false);
  p.control(0xb0);
  p.load(2, 1000);
  p.run(5000);
  CHECK(!p.output2());
  p.gate2(true);
  p.run(400);
  p.gate2(false);
  const unsigned held = p.count(2);
  p.run(3000);
  CHECK(p.count(2) == held);
  p.gate2(true);
  p.run(held - 1);
  CHECK(!p.output2());
  p.run(1);
  CHECK(p.output2());
}

TEST_CASE("a guest calibrating with channel 2 measures the PIT's frequency") {
  Pit p;
  p.gate2(true);
  p.control(0xb0);
  p.load(2, 59'659);  // 50 ms
  const std::uint64_t start = p.bench.clock.time.value;
  while (!p.output2()) p.bench.advance(1000);
  const std::uint64_t took = p.bench.clock.time.value - start;
  CHECK(took >= 49'999'000);
  CHECK(took <= 50'003'000);
}

TEST_CASE("a one-shot on channel 2 is triggered by its gate, and again while it runs") {
  Pit p;
  p.gate2(false);
  p.control(0xb2);
  p.load(2, 100);
  p.run(500);
  CHECK(p.output2());
  p.gate2(true);
  p.run(60);
  CHECK(!p.output2());
  p.gate2(false);
  p.gate2(true);
  p.run(60);
  CHECK(!p.output2());
  p.run(41);
  CHECK(p.output2());
}

TEST_CASE("port 61h keeps gate and speaker, toggles refresh every 15.085 us and has no NMI bits") {
  Pit p;
  p.it.port.write(0, 1, 0xff);
  CHECK((p.it.port.read(0, 1) & 0xcf) == 0x03);
  const bool before = p.it.port.read(0, 1) & 0x10;
  p.bench.advance(15'085);
  CHECK(static_cast<bool>(p.it.port.read(0, 1) & 0x10) != before);
  unsigned toggles = 0;
  bool last = p.it.port.read(0, 1) & 0x10;
  for (int i = 0; i < 10'000; ++i) {
    p.bench.advance(1000);
    const bool now = p.it.port.read(0, 1) & 0x10;
    toggles += now != last;
    last = now;
  }
  CHECK(toggles >= 662);
  CHECK(toggles <= 664);
}

TEST_CASE("a channel that never was programmed leaves IRQ 0 alone") {
  Pit p;
  CHECK(p.rises_in(second) == 0);
  CHECK(!p.alarm.armed());
}

// Claims about the HPET. Source: IA-PC HPET specification 1.0a.
#include <doctest/doctest.h>

#include "tests/contract/hpet/hpet_rigs.h"

using namespace lockstitch;
using namespace lockstitch::test;

namespace {
constexpr std::uint64_t level = 2, enable = 4, periodic = 8, set_value = 0x40, bits_32 = 0x100;
constexpr std::uint64_t to_a = HpetRig::first_route << 9, to_b = HpetRig::second_route << 9;
constexpr std::uint64_t counter = 0xf0;

struct Bench3 : HpetRig {
  std::uint64_t config(unsigned n) { return it.read(0x100 + 0x20 * n, 8); }
  void set_config(unsigned n, std::uint64_t value) { it.write(0x100 + 0x20 * n, 8, value); }
  std::uint64_t comparator(unsigned n) { return it.read(0x108 + 0x20 * n, 8); }
  void set_comparator(unsigned n, std::uint64_t value) { it.write(0x108 + 0x20 * n, 8, value); }
  void run(std::uint64_t bits = 1) { it.write(0x10, 8, bits); }
};
}  // namespace

TEST_CASE("the capabilities name a 64-bit counter of 100 MHz with three timers") {
  Bench3 r;
  CHECK(r.it.read(0, 8) == 0x0098'9680'8086'a201);
  CHECK(r.it.read(4, 4) == 10'000'000);
  CHECK(r.it.read(2, 2) == 0x8086);
  for (unsigned n = 0; n < 3; ++n) {
    CHECK(r.config(n) == (0x0011'0000ull << 32 | 0x30));
    CHECK(r.comparator(n) == ~0ull);
  }
  CHECK(r.it.read(0x160, 8) == 0);
}

TEST_CASE("the counter stands still until it is enabled, counts every 10 ns, and goes on where it stopped") {
  Bench3 r;
  r.bench.advance(1'000'005);
  CHECK(r.it.read(counter, 8) == 0);
  r.it.write(counter, 8, 0xffff'fff0);
  r.run();
  r.bench.advance(4);
  CHECK(r.it.read(counter, 8) == 0xffff'fff0);
  r.bench.advance(1);
  CHECK(r.it.read(counter, 8) == 0xffff'fff1);
  r.bench.advance(1000);
  CHECK(r.it.read(counter, 4) == 0x55);
  CHECK(r.it.read(counter + 4, 4) == 1);
  r.run(0);
  r.bench.advance(1000);
  CHECK(r.it.read(counter, 8) == 0x1'0000'0055);
  r.it.write(counter, 4, 0);
  CHECK(r.it.read(counter, 8) == 0x1'0000'0000);
}

TEST_CASE("a one-shot timer rings its route once, at the count of its comparator") {
  Bench3 r;
  r.run();
  r.set_config(2, enable | to_a);
  r.set_comparator(2, 1000);
  r.bench.advance(9'999);
  CHECK(r.route_a.rises == 0);
  r.bench.advance(1);
  CHECK(r.route_a.rises == 1);
  CHECK_FALSE(r.route_a.level);
  r.bench.advance(1'000'000'000'000);
  CHECK(r.route_a.rises == 1);
  r.set_config(2, enable | to_b);
  r.set_comparator(2, r.it.read(counter, 8) + 1);
  r.bench.advance(10);
  CHECK(r.route_b.rises == 1);
  r.set_comparator(2, r.it.read(counter, 8));
  CHECK(r.route_b.rises == 2);  // it stands on it
  r.set_comparator(2, r.it.read(counter, 8) - 1);
  r.bench.advance(1'000'000'000'000);
  CHECK(r.route_b.rises == 2);  // 64 bits do not come round
}

TEST_CASE("a timer of 32 bits looks at the low half of the counter and comes round") {
  Bench3 r;
  r.it.write(counter, 8, 0x7'ffff'ff00);
  r.run();
  r.set_config(0, enable | bits_32 | to_a);
  r.set_comparator(0, 0x1234'0000'0010);
  CHECK(r.comparator(0) == 0x10);
  r.bench.advance(2'719);
  CHECK(r.route_a.rises == 0);
  r.bench.advance(1);
  CHECK(r.route_a.rises == 1);
  r.bench.advance(0x1'0000'0000 * 10);
  CHECK(r.route_a.rises == 2);
}

TEST_CASE("a periodic timer takes its first match with VAL_SET and its period from the next write") {
  Bench3 r;
  r.run();
  r.bench.advance(1'000);
  r.set_config(1, enable | periodic | set_value | bits_32 | to_a);
  r.set_comparator(1, 500);
  CHECK((r.config(1) & set_value) == 0);
  r.set_comparator(1, 2000);
  CHECK(r.comparator(1) == 500);
  r.bench.advance(4'000);
  CHECK(r.route_a.rises == 1);
  CHECK(r.comparator(1) == 2500);
  r.bench.advance(20'000 * 10 - 1);
  CHECK(r.route_a.rises == 10);
  r.bench.advance(1);
  CHECK(r.route_a.rises == 11);
  r.bench.jump(20'000 * 5 + 7);  // missed ones are merged, the phase is kept
  CHECK(r.route_a.rises == 12);
  CHECK(r.comparator(1) == 500 + 2000 * 16);
}

TEST_CASE("one write with VAL_SET sets both the first match and the period") {
  Bench3 r;
  r.set_config(0, enable | periodic | set_value | to_a);
  r.set_comparator(0, 100'000);
  r.run();
  r.bench.advance(10'000'000);
  CHECK(r.route_a.rises == 10);
}

TEST_CASE("a period too short for anybody rings at most once in a microsecond") {
  Bench3 r;
  r.run();
  r.set_config(0, enable | periodic | set_value | to_a);
  r.set_comparator(0, 1);
  r.bench.advance(1'000'000);
  CHECK(r.route_a.rises >= 999);
  CHECK(r.route_a.rises <= 1001);
  r.set_comparator(0, 0);  // a period of nothing is none
  r.bench.advance(1'000'000);
  CHECK(r.route_a.rises <= 1002);
}

TEST_CASE("a level-triggered timer holds its wire until its status is cleared") {
  Bench3 r;
  r.run();
  r.set_config(0, enable | level | to_a);
  r.set_config(1, enable | level | to_a);
  r.set_comparator(0, 10);
  r.set_comparator(1, 20);
  r.bench.advance(200);
  CHECK(r.it.read(0x20, 4) == 3);
  CHECK(r.route_a.level);
  CHECK(r.route_a.rises == 1);
  r.it.write(0x20, 4, 1);
  CHECK(r.route_a.level);
  r.it.write(0x20, 4, 6);
  CHECK_FALSE(r.route_a.level);
  CHECK(r.it.read(0x20, 8) == 0);
}

TEST_CASE("status shows matches of a level-triggered timer whose interrupt is off; the interrupt comes when it is on") {
  Bench3 r;
  r.run();
  r.set_config(2, level | to_b);
  r.set_comparator(2, 10);
  r.bench.advance(200);
  CHECK(r.it.read(0x20, 4) == 4);
  CHECK_FALSE(r.route_b.level);
  r.set_config(2, level | enable | to_b);
  CHECK(r.route_b.level);
  r.set_config(2, level | enable | to_a);
  CHECK_FALSE(r.route_b.level);
  CHECK(r.route_a.level);
  r.run(0);
  CHECK_FALSE(r.route_a.level);
}

TEST_CASE("a route that is not offered is not taken") {
  Bench3 r;
  r.set_config(0, to_b);
  r.set_config(0, 3 << 9);
  CHECK((r.config(0) & 0xffff'ffff) == (0x30 | to_b));
}

TEST_CASE("legacy replacement routes timers 0 and 1 and cuts the wires of PIT and RTC") {
  Bench3 r;
  r.both.pit_gate.set(true);
  CHECK(r.pit_line.level);
  r.run(2);
  CHECK(r.pit_line.level);  // not before the block is on
  r.run(3);
  CHECK(r.it.legacy_replacement());
  CHECK_FALSE(r.pit_line.level);
  r.both.pit_gate.set(false);
  r.both.pit_gate.set(true);
  r.both.rtc_gate.set(true);
  CHECK(r.pit_line.rises == 1);
  CHECK(r.rtc_line.rises == 0);

  for (unsigned n = 0; n < 3; ++n) {
    r.set_config(n, enable | to_a);
    r.set_comparator(n, r.it.read(counter, 8) + 10);
  }
  r.bench.advance(100);
  CHECK(r.timer0.rises == 1);
  CHECK(r.timer1.rises == 1);
  CHECK(r.route_a.rises == 1);

  r.run(1);
  CHECK(r.pit_line.level);
  CHECK(r.rtc_line.level);
}

TEST_CASE("the halves of a 64-bit comparator can be written one by one") {
  Bench3 r;
  r.it.write(counter, 8, 0x2'ffff'ff00);
  r.it.write(0x108, 4, 0x40);
  r.it.write(0x10c, 4, 3);
  CHECK(r.comparator(0) == 0x3'0000'0040);
  r.it.write(0x100, 4, enable | to_a);
  r.run();
  r.bench.advance(0x140 * 10 - 1);
  CHECK(r.route_a.rises == 0);
  r.bench.advance(1);
  CHECK(r.route_a.rises == 1);
}

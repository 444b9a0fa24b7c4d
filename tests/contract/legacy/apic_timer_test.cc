// Claims about the local APIC's timer in its three modes. Source: SDM 3A 10.5.4.
#include <doctest/doctest.h>

#include "tests/contract/legacy/rigs.h"
#include "tests/contract/support/state_image.h"

using namespace lockstitch;
using namespace lockstitch::test;

namespace {
struct Timer : ApicRig {
  static constexpr std::uint8_t vector = 0xec;
  explicit Timer(unsigned mode, std::uint32_t divide = 0xb) {
    bench.advance(12'345);
    put(0xf0, 0x1ff);
    put(0x3e0, divide);
    put(0x320, mode << 17 | vector);
  }
  std::uint32_t get(std::uint32_t offset) { return static_cast<std::uint32_t>(it.read(offset, 4)); }
  void put(std::uint32_t offset, std::uint32_t value) { it.write(offset, 4, value); }
  std::uint64_t now() const { return bench.clock.time.value; }
  /// Whether it has fired since the last call.
  bool fired() {
    if (!it.interrupt_pending()) return false;
    CHECK(it.acknowledge() == vector);
    put(0xb0, 0);
    return true;
  }
  std::uint64_t deadline() {
    std::uint64_t value = 0;
    CHECK(it.read_msr(0x6e0, value));
    return value;
  }
  void set_deadline(std::uint64_t target) { CHECK(it.write_msr(0x6e0, target)); }
};
constexpr unsigned one_shot = 0, periodic = 1, tsc_deadline = 2;
}  // namespace

TEST_CASE("a one-shot counts down once, in nanoseconds times the divider") {
  const struct {
    std::uint32_t code;
    std::uint64_t divisor;
  } dividers[] = {{0x0, 2}, {0x1, 4}, {0x2, 8}, {0x3, 16}, {0x8, 32}, {0x9, 64}, {0xa, 128}, {0xb, 1}};
  for (const auto& d : dividers) {
    CAPTURE(d.divisor);
    Timer t(one_shot, d.code);
    t.put(0x380, 1000);
    t.bench.advance(400 * d.divisor);
    CHECK(t.get(0x390) == 600);
    t.bench.advance(600 * d.divisor - 1);
    CHECK(!t.fired());
    CHECK(t.get(0x390) == 1);
    t.bench.advance(1);
    CHECK(t.fired());
    CHECK(t.get(0x390) == 0);
    CHECK(t.get(0x380) == 1000);
    t.bench.advance(10'000 * d.divisor);
    CHECK(!t.fired());
    CHECK(t.alarm.rung == 1);
  }
}

TEST_CASE("a periodic timer keeps its phase, also when its alarm rings late") {
  Timer t(periodic);
  const std::uint64_t start = t.now();
  t.put(0x380, 10'000);
  for (int i = 1; i <= 5; ++i) {
    t.bench.advance(9'999);
    CHECK(!t.fired());
    t.bench.advance(1);
    CHECK(t.fired());
    CHECK(t.get(0x390) == 10'000);
  }
  t.bench.jump(34'567);  // over three expiries: one interrupt
  CHECK(t.fired());
  CHECK(!t.fired());
  CHECK(t.alarm.deadline.value == start + 90'000);
  CHECK(t.get(0x390) == 90'000 - 84'567);
}

TEST_CASE("a periodic timer with a tiny period is merged but stays in phase") {
  Timer t(periodic);
  const std::uint64_t start = t.now();
  t.put(0x380, 7);
  t.bench.advance(1'000'000);
  CHECK(t.fired());
  CHECK(t.alarm.rung <= 1000);
  CHECK((t.alarm.deadline.value - start) % 7 == 0);
}

TEST_CASE("writing 0 stops the timer and a masked entry stays silent") {
  Timer t(periodic);
  t.put(0x380, 5000);
  t.put(0x380, 0);
  t.bench.advance(20'000);
  CHECK(!t.fired());
  CHECK(!t.alarm.armed());
  t.put(0x320, 0x1'0000 | Timer::vector);
  t.put(0x380, 5000);
  t.bench.advance(20'000);
  CHECK(!t.fired());
  CHECK(t.get(0x390) == 0);
}

TEST_CASE("a new divider goes on from the current count") {
  Timer t(one_shot);
  t.put(0x380, 1000);
  t.bench.advance(300);
  t.put(0x3e0, 0x3);  // by 16
  CHECK(t.get(0x390) == 700);
  t.bench.advance(16 * 700 - 1);
  CHECK(!t.fired());
  t.bench.advance(1);
  CHECK(t.fired());
}

TEST_CASE("a one-shot that has run out does not come back as periodic") {
  Timer t(one_shot);
  t.put(0x380, 1000);
  t.bench.advance(1500);
  CHECK(t.fired());
  t.put(0x320, periodic << 17 | Timer::vector);
  t.bench.advance(5000);
  CHECK(!t.fired());
  CHECK(t.get(0x390) == 0);
}

TEST_CASE("a TSC deadline fires exactly when the TSC reaches it, once, and then reads 0") {
  for (std::uint64_t offset : {std::uint64_t{0}, std::uint64_t{1'000'000'000'000}, ~std::uint64_t{0} - 5000}) {
    CAPTURE(offset);
    Timer t(tsc_deadline);
    t.tsc.value = offset;
    const std::uint64_t target = t.now() + offset + 20'000;
    t.set_deadline(target);
    CHECK(t.deadline() == target);
    t.bench.advance(19'999);
    CHECK(!t.fired());
    t.bench.advance(1);
    CHECK(t.fired());
    CHECK(t.deadline() == 0);
    t.bench.advance(100'000);
    CHECK(!t.fired());
  }
}

TEST_CASE("a TSC deadline in the past fires at the next top of the loop, 0 disarms, a new one replaces the old") {
  Timer t(tsc_deadline);
  t.set_deadline(t.now() - 1);
  CHECK(!t.fired());
  t.bench.advance(0);
  CHECK(t.fired());
  t.set_deadline(t.now() + 1000);
  t.set_deadline(0);
  t.bench.advance(2000);
  CHECK(!t.fired());
  t.set_deadline(t.now() + 1000);
  t.set_deadline(t.now() + 3000);
  t.bench.advance(2999);
  CHECK(!t.fired());
  t.bench.advance(1);
  CHECK(t.fired());
  t.set_deadline(~std::uint64_t{0} - 7);
  t.bench.advance(1'000'000);
  CHECK(!t.fired());
}

TEST_CASE("an alarm that rings before a TSC that was set back waits for the deadline") {
  Timer t(tsc_deadline);
  t.tsc.value = 50'000;
  t.set_deadline(t.now() + 50'000 + 1000);
  t.tsc.value = 40'000;
  t.bench.advance(10'999);
  CHECK(!t.fired());
  t.bench.advance(1);
  CHECK(t.fired());
}

TEST_CASE("the deadline register works in its mode only, and the count in the others") {
  Timer t(one_shot);
  t.set_deadline(t.now() + 1000);
  CHECK(t.deadline() == 0);
  t.put(0x320, tsc_deadline << 17 | Timer::vector);
  t.put(0x380, 500);
  CHECK(t.get(0x380) == 0);
  CHECK(t.get(0x390) == 0);
  t.set_deadline(t.now() + 1000);
  t.put(0x320, one_shot << 17 | Timer::vector);  // a change of mode disarms
  t.bench.advance(5000);
  CHECK(!t.fired());
  CHECK(t.deadline() == 0);
}

TEST_CASE("a masked TSC deadline passes without an interrupt") {
  Timer t(tsc_deadline);
  t.put(0x320, tsc_deadline << 17 | 0x1'0000 | Timer::vector);
  t.set_deadline(t.now() + 1000);
  t.bench.advance(1000);
  CHECK(t.deadline() == 0);
  t.put(0x320, tsc_deadline << 17 | Timer::vector);
  t.bench.advance(1000);
  CHECK(!t.fired());
}

TEST_CASE("an armed deadline survives save and load") {
  Timer t(tsc_deadline);
  t.set_deadline(t.now() + 5000);
  Timer u(one_shot);
  t.bench.advance(10);
  REQUIRE(load(u, save(t)).empty());
  u.it.loaded();
  u.bench.advance(4989);
  CHECK(!u.fired());
  u.bench.advance(1);
  CHECK(u.fired());
}

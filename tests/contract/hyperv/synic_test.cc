// Claims about the synthetic interrupt controller and the timers. Source: TLFS 11 and 12.
#include <doctest/doctest.h>

#include "tests/contract/hyperv/hyperv_rig.h"

using namespace lockstitch;
using namespace lockstitch::test;

namespace {
constexpr std::uint64_t enabled = 1, periodic = 2, lazy = 4, auto_enable = 8, direct = 1 << 12;
constexpr std::uint64_t masked = 1 << 16, polling = 1 << 18;
constexpr std::uint32_t timer_expired = 0x8000'0010;

std::uint64_t to_source(unsigned sint) { return std::uint64_t{sint} << 16; }
std::uint64_t with_vector(unsigned vector) { return direct | std::uint64_t{vector} << 4; }
using Messages = std::vector<std::pair<std::uint64_t, std::uint32_t>>;
Messages interrupts(unsigned vector, std::size_t times = 1) { return Messages(times, {0xfee0'0000, vector}); }
}  // namespace

TEST_CASE("after power-on every source is masked and nothing is enabled") {
  HypervRig r;
  for (std::uint32_t i = 0; i < 16; ++i) CHECK(r.get(sint0 + i) == masked);
  CHECK(r.get(scontrol) == 0);
  CHECK(r.get(simp) == 0);
  CHECK(r.get(siefp) == 0);
  CHECK(r.get(eom) == 0);
}

TEST_CASE("an unmasked source needs a vector that an APIC takes") {
  HypervRig r;
  CHECK_FALSE(r.put(sint0 + 3, 15));
  CHECK(r.get(sint0 + 3) == masked);
  CHECK(r.put(sint0 + 3, masked | 15));
  CHECK(r.put(sint0 + 3, 16));
}

TEST_CASE("a one-shot timer puts its message into the slot at its time, interrupts and switches itself off") {
  HypervRig r;
  r.ready_for_messages(2, 0x52);
  r.bench.advance(1'000'000);
  r.put(stimer_config + 2, enabled | to_source(2));
  r.put(stimer_count + 2, 15'000);
  CHECK(r.get(stimer_config + 2) == (enabled | to_source(2)));
  r.bench.advance(499'999);
  CHECK(r.bench.msi.messages.empty());
  r.bench.advance(1);
  CHECK(r.bench.msi.messages == interrupts(0x52));
  CHECK(r.word(r.slot(2), 4) == timer_expired);
  CHECK(r.word(r.slot(2) + 4, 1) == 24);
  CHECK(r.word(r.slot(2) + 5, 1) == 0);
  CHECK(r.word(r.slot(2) + 16, 4) == 1);
  CHECK(r.word(r.slot(2) + 24) == 15'000);
  CHECK(r.word(r.slot(2) + 32) == 15'000);
  CHECK(r.get(stimer_config + 2) == to_source(2));
  CHECK(r.get(stimer_count + 2) == 15'000);
  CHECK_FALSE(r.alarm.armed());
}

TEST_CASE("a one-shot time that has passed expires at once, but not within the write") {
  HypervRig r;
  r.bench.clock.time = {1'000'000};
  r.put(stimer_config, with_vector(0x61) | enabled);
  r.put(stimer_count, 5);
  CHECK(r.bench.msi.messages.empty());
  r.bench.advance(0);
  CHECK(r.bench.msi.messages == interrupts(0x61));
}

TEST_CASE("a periodic timer keeps its phase and merges what was missed") {
  HypervRig r;
  r.bench.advance(330);
  r.put(stimer_config, with_vector(0x61) | enabled | periodic);
  r.put(stimer_count, 1000);
  r.bench.advance(100'000 - 30 - 1);  // from 3 units on
  CHECK(r.bench.msi.messages.empty());
  r.bench.advance(1);
  CHECK(r.bench.msi.messages.size() == 1);
  r.bench.advance(900'000);
  CHECK(r.bench.msi.messages.size() == 10);
  r.bench.jump(550'000);
  CHECK(r.bench.msi.messages.size() == 11);
  r.bench.advance(49'999);
  CHECK(r.bench.msi.messages.size() == 11);
  r.bench.advance(1);
  CHECK(r.bench.msi.messages.size() == 12);
  CHECK(r.get(stimer_config) == (with_vector(0x61) | enabled | periodic));
}

TEST_CASE("a period too short for anybody rings at most once in a microsecond") {
  HypervRig r;
  r.put(stimer_config, with_vector(0x61) | enabled | periodic | lazy);
  r.put(stimer_count, 1);
  r.bench.advance(1'000'000);
  CHECK(r.bench.msi.messages.size() >= 999);
  CHECK(r.bench.msi.messages.size() <= 1001);
}

TEST_CASE("auto-enable starts a timer by its count; a count of 0 stops it") {
  HypervRig r;
  r.put(stimer_config, with_vector(0x61) | auto_enable);
  CHECK_FALSE(r.alarm.armed());
  r.put(stimer_count, 100);
  CHECK(r.get(stimer_config) == (with_vector(0x61) | auto_enable | enabled));
  r.put(stimer_count, 0);
  CHECK(r.get(stimer_config) == (with_vector(0x61) | auto_enable));
  CHECK_FALSE(r.alarm.armed());
  for (unsigned i = 1; i <= 5; ++i) {
    r.put(stimer_count, i * 100);
    r.bench.advance(10'000);
    CHECK(r.bench.msi.messages.size() == i);
  }
  // Without it a timer that is off stays off.
  r.put(stimer_config, with_vector(0x61));
  r.put(stimer_count, 700);
  CHECK_FALSE(r.alarm.armed());
  r.put(stimer_config, with_vector(0x61) | enabled);
  CHECK(r.alarm.deadline == VirtualNs{70'000});
}

TEST_CASE("a timer without a source cannot be enabled, unless it is direct") {
  HypervRig r;
  r.put(stimer_config, enabled);
  CHECK(r.get(stimer_config) == 0);
  r.put(stimer_config, auto_enable);
  r.put(stimer_count, 100);
  CHECK(r.get(stimer_config) == auto_enable);
  CHECK_FALSE(r.alarm.armed());
  r.put(stimer_config, enabled | with_vector(0x70));
  CHECK(r.alarm.armed());
}

TEST_CASE("all four timers run side by side on one alarm") {
  HypervRig r;
  for (std::uint32_t n = 0; n < 4; ++n) {
    r.put(stimer_config + 2 * n, with_vector(0x60 + n) | enabled);
    r.put(stimer_count + 2 * n, 1000 - 100 * n);
  }
  r.bench.advance(100'000);
  CHECK(r.bench.msi.messages ==
        Messages{{0xfee0'0000, 0x63}, {0xfee0'0000, 0x62}, {0xfee0'0000, 0x61}, {0xfee0'0000, 0x60}});
}

TEST_CASE("a message for an occupied slot waits, marks the slot and comes with EOM") {
  HypervRig r;
  r.ready_for_messages(2, 0x52);
  r.put(stimer_config, enabled | periodic | to_source(2));
  r.put(stimer_count, 100);
  r.bench.advance(10'000);
  CHECK(r.bench.msi.messages == interrupts(0x52));
  CHECK(r.word(r.slot(2) + 5, 1) == 0);
  r.bench.advance(30'000);
  CHECK(r.bench.msi.messages == interrupts(0x52));
  CHECK(r.word(r.slot(2) + 5, 1) == 1);
  CHECK(r.word(r.slot(2) + 24) == 100);
  r.put(eom, 0);  // the slot is still full
  CHECK(r.bench.msi.messages == interrupts(0x52));
  r.put_word(r.slot(2), 0, 4);
  r.bench.advance(5'000);
  r.put(eom, 0);
  CHECK(r.bench.msi.messages == interrupts(0x52, 2));
  CHECK(r.word(r.slot(2), 4) == timer_expired);
  CHECK(r.word(r.slot(2) + 5, 1) == 0);
  CHECK(r.word(r.slot(2) + 24) == 200);  // the first that waited
  CHECK(r.word(r.slot(2) + 32) == 450);
  r.put_word(r.slot(2), 0, 4);
  r.put(eom, 0);
  CHECK(r.bench.msi.messages == interrupts(0x52, 2));
}

TEST_CASE("two timers with one source take turns in its slot") {
  HypervRig r;
  r.ready_for_messages(2, 0x52);
  for (std::uint32_t n : {0u, 3u}) {
    r.put(stimer_config + 2 * n, enabled | to_source(2));
    r.put(stimer_count + 2 * n, 100);
  }
  r.bench.advance(20'000);
  CHECK(r.word(r.slot(2) + 16, 4) == 0);
  r.put_word(r.slot(2), 0, 4);
  r.put(eom, 0);
  CHECK(r.word(r.slot(2) + 16, 4) == 3);
  CHECK(r.bench.msi.messages == interrupts(0x52, 2));
}

TEST_CASE("a timer that is set again forgets the message that waits") {
  HypervRig r;
  r.ready_for_messages(2, 0x52);
  r.put_word(r.slot(2), 1, 4);
  r.put(stimer_config, enabled | to_source(2));
  r.put(stimer_count, 100);
  r.bench.advance(20'000);
  r.put(stimer_count, 0);
  r.put_word(r.slot(2), 0, 4);
  r.put(eom, 0);
  CHECK(r.word(r.slot(2), 4) == 0);
  CHECK(r.bench.msi.messages.empty());
}

TEST_CASE("a message waits until there is a place for it") {
  HypervRig r;
  r.put(stimer_config, enabled | to_source(4));
  r.put(stimer_count, 100);
  r.bench.advance(20'000);
  r.put(sint0 + 4, 0x44);
  r.put(simp, HypervRig::message_page | 1);
  CHECK(r.bench.msi.messages.empty());
  r.put(scontrol, 1);
  CHECK(r.bench.msi.messages == interrupts(0x44));
  CHECK(r.word(r.slot(4) + 24) == 100);
}

TEST_CASE("a masked or polled source gets its messages without an interrupt") {
  for (const std::uint64_t source : {0x52 | masked, 0x52 | polling}) {
    HypervRig r;
    r.ready_for_messages(2, source);
    r.put(stimer_config, enabled | to_source(2));
    r.put(stimer_count, 100);
    r.bench.advance(20'000);
    CHECK(r.word(r.slot(2), 4) == timer_expired);
    CHECK(r.bench.msi.messages.empty());
  }
}

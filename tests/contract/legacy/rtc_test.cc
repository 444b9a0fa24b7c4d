// Claims about the real-time clock. Source: Motorola MC146818A datasheet.
#include <doctest/doctest.h>

#include <array>
#include <string>

#include "tests/contract/legacy/rigs.h"

using namespace lockstitch;
using namespace lockstitch::test;

namespace {
constexpr std::uint64_t second = 1'000'000'000;
constexpr std::uint8_t set = 0x80, periodic = 0x40, alarm_bit = 0x20, update = 0x10, binary = 4, hours24 = 2;

struct Rtc : RtcRig {
  std::uint8_t get(std::uint8_t index) {
    it.write(0, 1, index);
    return static_cast<std::uint8_t>(it.read(1, 1));
  }
  void put(std::uint8_t index, std::uint8_t value) {
    it.write(0, 1, index);
    it.write(1, 1, value);
  }
  /// "YYYY-MM-DD hh:mm:ss" of the registers in hexadecimal, i.e. the date in BCD mode.
  std::string date() {
    static const char digits[] = "0123456789abcdef";
    std::string text;
    const char* after = "\0--\x20::\0";
    for (std::uint8_t index : std::array<std::uint8_t, 7>{0x32, 9, 8, 7, 4, 2, 0}) {
      const std::uint8_t value = get(index);
      text += digits[value >> 4];
      text += digits[value & 15];
      if (*after != '\0') text += *after;
      ++after;
    }
    return text;
  }
};
}  // namespace

TEST_CASE("the date is the start date plus virtual time, over a leap day and into a new month") {
  Rtc r;
  CHECK(r.date() == "2024-02-28 23:59:50");
  CHECK(r.get(6) == 4);  // Wednesday
  r.bench.jump(10 * second - 1);
  CHECK(r.date() == "2024-02-28 23:59:59");
  r.bench.jump(1);
  CHECK(r.date() == "2024-02-29 00:00:00");
  CHECK(r.get(6) == 5);
  r.bench.jump(24 * 3600 * second);
  CHECK(r.date() == "2024-03-01 00:00:00");
  r.bench.jump(306 * 24 * 3600 * second);
  CHECK(r.date() == "2025-01-01 00:00:00");
}

TEST_CASE("calendar and seconds are inverse over four centuries") {
  for (std::uint64_t day = 0; day < 146'097; day += 13) {
    const std::uint64_t seconds = day * 86'400 + day % 86'400;
    REQUIRE(seconds_of(calendar_of(seconds)) == seconds);
  }
  CHECK(calendar_of(951'782'400).day == 29);  // 2000-02-29
  CHECK(calendar_of(0).year == 1970);
}

TEST_CASE("UIP announces an update 244 us ahead") {
  Rtc r;
  r.bench.advance(second - 244'001);
  CHECK(r.get(10) == 0x26);
  r.bench.advance(1);
  CHECK(r.get(10) == 0xa6);
  r.bench.advance(243'999);
  CHECK(r.get(10) == 0xa6);
  const std::string before = r.date();
  r.bench.advance(1);
  CHECK(r.get(10) == 0x26);
  CHECK(r.date() != before);
}

TEST_CASE("hours and numbers follow the format bits") {
  Rtc r;
  CHECK(r.get(4) == 0x23);
  r.put(11, binary | hours24);
  CHECK(r.get(4) == 23);
  CHECK(r.get(0) == 50);
  CHECK(r.get(9) == 24);
  CHECK(r.get(0x37) == 20);
  r.put(11, 0);
  CHECK(r.get(4) == 0x91);  // 11 pm
  r.bench.jump(10 * second);
  CHECK(r.get(4) == 0x12);  // midnight
  r.bench.jump(12 * 3600 * second);
  CHECK(r.get(4) == 0x92);  // noon
}

TEST_CASE("a guest sets the date with SET, and it goes on from there in the same phase") {
  Rtc r;
  r.bench.advance(second / 4);
  r.put(11, set | hours24);
  r.put(0, 0x58);
  r.put(2, 0x59);
  r.put(4, 0x23);
  r.put(7, 0x31);
  r.put(8, 0x12);
  r.put(9, 0x99);
  r.put(0x32, 0x19);
  r.put(6, 6);
  r.bench.advance(5 * second);
  CHECK(r.date() == "1999-12-31 23:59:58");  // SET holds it
  r.put(11, hours24);
  CHECK(r.date() == "1999-12-31 23:59:58");
  r.bench.advance(3 * second / 4);
  CHECK(r.date() == "1999-12-31 23:59:59");
  r.bench.advance(second);
  CHECK(r.date() == "2000-01-01 00:00:00");
  CHECK(r.get(6) == 7);
}

TEST_CASE("after the divider was held the first update is half a second away") {
  Rtc r;
  r.bench.advance(second / 3);
  r.put(10, 0x76);
  r.bench.advance(5 * second);
  CHECK(r.date() == "2024-02-28 23:59:50");
  r.put(10, 0x26);
  r.bench.advance(second / 2 - 1);
  CHECK(r.date() == "2024-02-28 23:59:50");
  r.bench.advance(1);
  CHECK(r.date() == "2024-02-28 23:59:51");
}

TEST_CASE("an impossible date is brought into range when the clock goes on") {
  Rtc r;
  r.put(11, set | hours24);
  for (std::uint8_t index : std::array<std::uint8_t, 7>{0, 2, 4, 6, 7, 8, 9}) r.put(index, 0xff);
  CHECK(r.get(8) == 0xff);
  r.put(11, hours24);
  CHECK(r.get(8) == 0x12);
  CHECK(r.get(0) == 0x59);
}

TEST_CASE("the periodic interrupt has its rate, and merges when flags are not read") {
  const struct {
    std::uint8_t rate;
    std::uint64_t hertz;
  } rates[] = {{1, 256}, {2, 128}, {3, 8192}, {6, 1024}, {15, 2}};
  for (const auto& [rate, hertz] : rates) {
    CAPTURE(hertz);
    Rtc r;
    r.put(10, 0x20 | rate);
    r.put(11, periodic | hours24);
    r.get(12);
    std::uint64_t seen = 0;
    const std::uint64_t end = r.bench.clock.time.value + second;
    while (r.bench.clock.time.value < end) {
      r.bench.advance(10'000);
      if (!r.irq.level) continue;
      CHECK((r.get(12) & 0xe0) == 0xc0);
      CHECK(!r.irq.level);
      ++seen;
    }
    CHECK(seen == hertz);
    r.bench.advance(second);
    CHECK(r.irq.rises == seen + 1);  // nobody read register C
  }
}

TEST_CASE("flags rise without their interrupts, and reading register C clears them") {
  Rtc r;
  r.bench.jump(second);
  CHECK(r.get(12) == (periodic | update));
  CHECK(r.get(12) == 0);
  CHECK(r.irq.rises == 0);
  CHECK(r.alarm.rung == 0);
  r.put(10, 0x20);  // rate 0
  r.bench.jump(second / 2);
  CHECK(r.get(12) == 0);
}

TEST_CASE("the update interrupt comes once a second, at the second") {
  Rtc r;
  r.put(11, update | hours24);
  r.bench.advance(second - 1);
  CHECK(!r.irq.level);
  r.bench.advance(1);
  CHECK(r.irq.level);
  CHECK((r.get(12) & 0xb0) == 0x90);
  r.bench.advance(second);
  CHECK(r.irq.level);
  r.put(11, set | update | hours24);  // SET ends it
  CHECK(!r.irq.level);
  CHECK(r.get(11) == (set | hours24));
}

TEST_CASE("the alarm comes at its time, and every minute if hours and minutes do not care") {
  Rtc r;
  r.put(1, 0x05);
  r.put(3, 0x01);
  r.put(5, 0x00);
  r.put(11, alarm_bit | hours24);
  r.bench.advance(75 * second - 1);
  CHECK(!r.irq.level);
  r.bench.advance(1);
  CHECK(r.date() == "2024-02-29 00:01:05");
  CHECK((r.get(12) & 0xa0) == 0xa0);
  r.put(3, 0xc0);
  r.put(5, 0xff);
  r.bench.advance(60 * second - 1);
  CHECK(!r.irq.level);
  r.bench.advance(1);
  CHECK(r.irq.level);
}

TEST_CASE("an alarm that came up long ago is still found in the flags") {
  Rtc r;
  r.put(1, 0x00);
  r.put(3, 0x00);
  r.put(5, 0x12);
  r.bench.jump(11 * 3600 * second);
  CHECK((r.get(12) & alarm_bit) == 0);
  r.bench.jump(40 * 24 * 3600 * second);
  CHECK((r.get(12) & alarm_bit) != 0);
}

TEST_CASE("a reset turns interrupts off and clears flags; date, memory and formats go on") {
  Rtc r;
  r.it.set_memory(0x34, 0x77);
  r.put(0x0f, 0x0a);
  r.put(11, periodic | alarm_bit | update | hours24 | binary);
  r.bench.advance(3 * second / 2);
  CHECK(r.irq.level);
  r.it.reset();
  CHECK(!r.irq.level);
  CHECK(!r.alarm.armed());
  CHECK(r.get(11) == (hours24 | binary));
  CHECK(r.get(12) == 0);
  CHECK(r.get(0) == 51);
  CHECK(r.get(0x34) == 0x77);
  CHECK(r.get(0x0f) == 0x0a);
}

TEST_CASE("the index cannot be read, its bit 7 is not part of it, and the ports are mirrored") {
  Rtc r;
  r.put(0x40, 0x5a);
  CHECK(r.it.read(0, 1) == 0xff);
  CHECK(r.get(0xc0) == 0x5a);
  r.it.write(4, 1, 0x40);
  CHECK(r.it.read(7, 1) == 0x5a);
  CHECK(r.get(13) == 0x80);
}

// Values as people write them: sizes, dates, disks, networks, consoles, seeds.
#include <doctest/doctest.h>

#include <cstdlib>
#include <set>

#include "lockstitch/limits.h"
#include "vmm/app/console_setting.h"
#include "vmm/app/disk_setting.h"
#include "vmm/app/memory_size.h"
#include "vmm/app/network_setting.h"
#include "vmm/app/rtc_start.h"
#include "vmm/app/seed.h"
#include "vmm/app/setting_table.h"
#include "vmm/world/wall_clock.h"

using namespace lockstitch;
using namespace lockstitch::app;

TEST_CASE("a size of memory has a unit, and is what it says") {
  CHECK(parse_memory_size("1M").value() == 1ull << 20);
  CHECK(parse_memory_size("512M").value() == 512ull << 20);
  CHECK(parse_memory_size("512m").value() == 512ull << 20);
  CHECK(parse_memory_size("2G").value() == 2ull << 30);
  CHECK(parse_memory_size("4096K").value() == 4ull << 20);
  CHECK(parse_memory_size("512G").value() == limits::memory_max_bytes);
}

TEST_CASE("a size of memory that is none, or outside the limits, is refused as a wrong value") {
  for (const char* text : {"", "0", "0M", "512", "M", "abc", "-1G", "1.5G", "512MB", "512 M", "1K", "1023K", "513G",
                           "1T", "99999G", "99999999999999999999999G", "18446744073709551615G", "1025K"}) {
    CAPTURE(text);
    const auto size = parse_memory_size(text);
    REQUIRE_FALSE(size.ok());
    CHECK(size.error().code == ExitCode::usage);
  }
}

TEST_CASE("a guest larger than the host's memory is refused as something the host lacks") {
  CHECK(check_host_memory(1 << 20).ok());
  const Outcome outcome = check_host_memory(1ull << 60);
  REQUIRE_FALSE(outcome.ok());
  CHECK(outcome.error().code == ExitCode::unavailable);
}

TEST_CASE("a date is read and written in one form") {
  CHECK(parse_rtc_start("2020-01-01T00:00:00Z").value() == rtc_start_virtual_seconds);
  CHECK(parse_rtc_start("2024-02-29T23:59:59Z").value() == 1'709'251'199);
  for (const char* text :
       {"1980-01-01T00:00:00Z", "1999-12-31T23:59:59Z", "2038-01-19T03:14:08Z", "2099-12-31T23:59:59Z"}) {
    CHECK(rtc_start_text(parse_rtc_start(text).value()) == text);
  }
}

TEST_CASE("the clock may begin with the host's time of day in its time zone") {
  ::setenv("TZ", "EAST-03", 1);
  ::tzset();
  const std::uint64_t before = world::wall_clock_seconds(), local = world::local_clock_seconds();
  CHECK(local - before >= 3 * 3600);
  CHECK(local - before < 3 * 3600 + 60);
  ::unsetenv("TZ");
  ::tzset();
}

TEST_CASE("a date that does not exist or that the clock cannot show is refused") {
  for (const char* text :
       {"", "now", "2020-01-01", "2020-01-01T00:00:00", "2020-1-01T00:00:00Z", "2020-02-30T00:00:00Z",
        "2023-02-29T00:00:00Z", "2020-01-01T24:00:00Z", "2020-01-01T00:60:00Z", "1979-12-31T23:59:59Z",
        "2100-01-01T00:00:00Z", "2020-01-01T00:00:00Z ", "+020-01-01T00:00:00Z", "2020-00-01T00:00:00Z"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_rtc_start(text).ok());
  }
}

TEST_CASE("a disk is its file, and its image is not written to unless that is asked for") {
  const PathBase here;
  CHECK(parse_disk("a.img", here).value().file == "a.img");
  CHECK(parse_disk("a.img", here).value().mode == world::BlockMode::overlay);
  CHECK(parse_disk("file=a.img,mode=rw", here).value().mode == world::BlockMode::read_write);
  CHECK(parse_disk("a.img,mode=ro", here).value().mode == world::BlockMode::read_only);
  CHECK(parse_disk("mode=overlay,file=a.img", here).value().file == "a.img");
  CHECK(parse_disk("a.img,readonly", here).value().mode == world::BlockMode::read_only);
  CHECK(parse_disk("a,,b.img", here).value().file == "a,b.img");
  const PathBase there = PathBase::of_file("/guests/debian.toml");
  CHECK(parse_disk("a.img", there).value().file == "/guests/a.img");
  CHECK(parse_disk("/b/a.img", there).value().file == "/b/a.img");
  for (const char* text : {"", "mode=rw", "a.img,mode=", "a.img,mode=write", "a.img,mode", "a.img,cache=none",
                           "file=", "a.img,b.img", "a.img,file=b.img", "a.img,readonly=yes"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_disk(text, here).ok());
  }
}

TEST_CASE("a network is none, user or tap") {
  CHECK(parse_network("none").value().kind == NetworkSetting::Kind::none);
  CHECK(parse_network("user").value().kind == NetworkSetting::Kind::user);
  const auto tap = parse_network("tap=tap7,mac=02:aB:00:00:00:ff").value();
  CHECK(tap.kind == NetworkSetting::Kind::tap);
  CHECK(tap.tap == "tap7");
  CHECK(tap.mac == std::array<std::uint8_t, 6>{0x02, 0xab, 0, 0, 0, 0xff});
  const auto user = parse_network("user,forward=tcp:127.0.0.1:5433-:5432,forward=udp::53-:5353").value();
  REQUIRE(user.forwards.size() == 2);
  CHECK_FALSE(user.forwards[0].udp);
  CHECK(user.forwards[0].host_addr == "127.0.0.1");
  CHECK(user.forwards[0].host_port == 5433);
  CHECK(user.forwards[0].guest_port == 5432);
  CHECK(user.forwards[1].udp);
  CHECK(user.forwards[1].host_addr == "");
  CHECK(user.forwards[1].host_port == 53);
  CHECK(user.forwards[1].guest_port == 5353);
  for (const char* text : {"",
                           "usr",
                           "user,tap=a",
                           "none,user",
                           "user,none",
                           "tap",
                           "tap=",
                           "tap=a,forward=tcp::1-:2",
                           "forward=tcp::1-:2",
                           "mac=02:00:00:00:00:01",
                           "user=yes",
                           "user,forward=",
                           "user,forward=tcp:80:80",
                           "user,forward=tcp::80-80",
                           "user,forward=tcp:80-:80",
                           "user,forward=sctp::80-:80",
                           "user,forward=tcp::0-:80",
                           "user,forward=tcp::80-:0",
                           "user,forward=tcp::65536-:80",
                           "user,forward=tcp::80-:80x",
                           "user,forward=tcp::-80-:80",
                           "user,mac=",
                           "user,mac=02:00:00:00:00",
                           "user,mac=02-00-00-00-00-01",
                           "user,mac=02:00:00:00:00:0g",
                           "user,mac=01:00:00:00:00:01"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_network(text).ok());
  }
}

TEST_CASE("a console goes to stdio, to a file or nowhere") {
  const PathBase base = PathBase::of_file("/guests/debian.toml");
  CHECK(parse_console("none", base).value().kind == ConsoleSetting::Kind::none);
  CHECK(parse_console("stdio", base).value().kind == ConsoleSetting::Kind::stdio);
  CHECK(parse_console("stdio,log=boot.log", base).value().file == "/guests/boot.log");
  CHECK(parse_console("file:boot.log", base).value().kind == ConsoleSetting::Kind::file);
  CHECK(parse_console("file:boot.log", base).value().file == "/guests/boot.log");
  for (const char* text : {"", "std", "file", "file:", "stdio,log=", "boot.log"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_console(text, base).ok());
  }
}

TEST_CASE("a seed always gives the device the same bytes") {
  // SplitMix64 from 0, as its authors print it: e220a8397b1dcdaf 6e789e6aa1b965f4 06c45d188009454f f88bb8a8724c81ec.
  const std::array<std::uint8_t, 32> from_zero{0xaf, 0xcd, 0x1d, 0x7b, 0x39, 0xa8, 0x20, 0xe2, 0xf4, 0x65, 0xb9,
                                               0xa1, 0x6a, 0x9e, 0x78, 0x6e, 0x4f, 0x45, 0x09, 0x80, 0x18, 0x5d,
                                               0xc4, 0x06, 0xec, 0x81, 0x4c, 0x72, 0xa8, 0xb8, 0x8b, 0xf8};
  CHECK(seed_bytes(0) == from_zero);
  CHECK(seed_bytes(1) != from_zero);
  CHECK(random_seed() < 1ull << 53);
}

TEST_CASE("every setting has one row") {
  std::set<std::string_view> names;
  for (const SettingRow& row : setting_table()) {
    CHECK(names.insert(row.name).second);
    CHECK(find_setting(row.name) == &row);
    CHECK_FALSE(row.help.empty());
    CHECK((row.kind == SettingKind::flag) == row.value_name.empty());
  }
  CHECK(find_setting("memroy") == nullptr);
}

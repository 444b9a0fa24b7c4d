// Claims about the keyboard, as a guest sees it through the controller.
#include <doctest/doctest.h>

#include "tests/contract/input/input_rig.h"

using namespace lockstitch;
using namespace lockstitch::test;

namespace {
constexpr std::uint16_t key_a = 30, key_b = 48;
/// A guest without translation: the bytes are the keyboard's own.
struct Plain : Guest {
  Plain() { set_command_byte(0x03); }
};
}  // namespace

TEST_CASE("the keyboard answers every command of the reference") {
  Plain g;
  CHECK(g.keyboard({0xed, 0x07}) == List{0xfa, 0xfa});
  CHECK(g.it.keyboard_device().leds() == 7);
  CHECK(g.keyboard({0xee}) == List{0xee});
  CHECK(g.keyboard({0xf0, 0x00}) == List{0xfa, 0xfa, 0x02});
  CHECK(g.keyboard({0xf2}) == List{0xfa, 0xab, 0x83});
  CHECK(g.keyboard({0xf3, 0x20}) == List{0xfa, 0xfa});
  for (std::uint8_t simple : {0xf4, 0xf5, 0xf6, 0xf7, 0xf8, 0xf9, 0xfa}) CHECK(g.keyboard({simple}) == List{0xfa});
  CHECK(g.keyboard({0xff}) == List{0xfa, 0xaa});
  CHECK(g.it.keyboard_device().leds() == 0);
}

TEST_CASE("what is no command is refused, as NT 4 finds out with 05h") {
  Plain g;
  for (std::uint8_t odd : {0x05, 0x00, 0xec, 0xef, 0xf1}) CHECK(g.keyboard({odd}) == List{0xfe});
  CHECK(g.keyboard({0xf0, 0x04}) == List{0xfa, 0xfe});
  CHECK(g.keyboard({0xf0, 0x00}) == List{0xfa, 0xfa, 0x02});
}

TEST_CASE("resend repeats the last byte") {
  Plain g;
  g.press(key_a);
  CHECK(g.next() == 0x1c);
  CHECK(g.keyboard({0xfe, 0xfe}) == List{0x1c, 0x1c});
}

TEST_CASE("a command in place of a parameter is a command, and ends what was still to be said") {
  Plain g;
  CHECK(g.keyboard({0xed, 0xf4}) == List{0xfa, 0xfa});
  g.out(0xf2);
  CHECK(g.next() == 0xfa);
  CHECK(g.keyboard({0xee}) == List{0xee});
}

TEST_CASE("all three scan code sets can be chosen and asked for") {
  Plain g;
  const std::vector<List> presses = {{0x1e, 0xe0, 0x48, 0x9e}, {0x1c, 0xe0, 0x75, 0xf0, 0x1c}, {0x1c, 0x63}};
  for (std::uint8_t set : {1, 2, 3}) {
    CHECK(g.keyboard({0xf0, set}) == List{0xfa, 0xfa});
    CHECK(g.keyboard({0xf0, 0x00}) == List{0xfa, 0xfa, set});
    g.press(key_a);
    g.press(103);
    g.release(key_a);
    CHECK(g.all() == presses[set - 1u]);
  }
  CHECK(g.keyboard({0xf6}) == List{0xfa});
  CHECK(g.keyboard({0xf0, 0x00}) == List{0xfa, 0xfa, 0x02});
}

TEST_CASE("with translation the current set is answered as drivers know it: 43h, 41h, 3Fh") {
  Guest g;
  CHECK(g.keyboard({0xf0, 0x00}) == List{0xfa, 0xfa, 0x41});
  g.keyboard({0xf0, 0x01});
  CHECK(g.keyboard({0xf0, 0x00}) == List{0xfa, 0xfa, 0x43});
  g.keyboard({0xf0, 0x03});
  CHECK(g.keyboard({0xf0, 0x00}) == List{0xfa, 0xfa, 0x3f});
}

TEST_CASE("in set 3 the guest chooses whose releases are sent") {
  Plain g;
  g.keyboard({0xf0, 0x03});
  auto strike = [&g](std::uint16_t key) {
    g.press(key);
    g.release(key);
    return g.all();
  };
  CHECK(strike(key_a) == List{0x1c});
  CHECK(strike(42) == List{0x12, 0xf0, 0x12});  // Shift
  CHECK(g.keyboard({0xfc, 0x1c}) == List{0xfa, 0xfa});
  CHECK(g.keyboard({0xfd, 0x12}) == List{0xfa, 0xfa});
  CHECK(strike(key_a) == List{0x1c, 0xf0, 0x1c});
  CHECK(strike(42) == List{0x12});
  g.keyboard({0xf8});
  CHECK(strike(key_b) == List{0x32, 0xf0, 0x32});
  g.keyboard({0xf7});
  CHECK(strike(42) == List{0x12});
  CHECK(strike(113).empty());  // no such key in set 3
}

TEST_CASE("a keyboard that does not scan loses what is struck, then and before") {
  Plain g;
  g.command(0xad);
  g.press(key_a);
  CHECK(g.keyboard({0xf5}) == List{0xfa});
  g.press(key_b);
  CHECK(g.all().empty());
  CHECK(g.keyboard({0xf4}) == List{0xfa});
  g.release(key_b);
  CHECK(g.all() == List{0xf0, 0x32});
  CHECK(g.it.keyboard_device().dropped_units() == 0);
}

TEST_CASE("after a reset the keyboard scans again") {
  Plain g;
  g.keyboard({0xf5, 0xff});
  g.press(key_a);
  CHECK(g.all() == List{0x1c});
}

TEST_CASE("a sentence that arrives at once is typed in full and in order, one key at a time") {
  Plain g;
  List expected;
  for (int i = 0; i < 500; ++i) {
    g.press(i % 2 ? key_a : key_b);
    g.release(i % 2 ? key_a : key_b);
    for (int byte : {i % 2 ? 0x1c : 0x32, 0xf0, i % 2 ? 0x1c : 0x32}) expected.push_back(byte);
  }
  const VirtualNs start = g.bench.clock.time;
  CHECK(g.all() == expected);
  CHECK(g.bench.clock.time - start >= 999 * Ps2Keyboard::event_ns);
  CHECK(g.it.keyboard_device().dropped_units() == 0);
}

TEST_CASE("a key that is struck while nothing waits is sent at once") {
  Plain g;
  g.bench.advance(1'000'000'000);
  g.press(key_a);
  CHECK(g.irq1.level);
}

TEST_CASE("keys past the limit are dropped and counted, the guest hears of it, and no key stays down") {
  Plain g;
  g.command(0xad);
  g.press(42);
  for (std::size_t i = 1; i < Ps2Keyboard::event_limit; ++i) g.press(key_a);
  g.press(key_b);
  CHECK(g.it.keyboard_device().dropped_units() == 1);
  g.release(key_b);  // its press was lost
  CHECK(g.it.keyboard_device().dropped_units() == 2);
  g.release(42);
  g.release(key_a);
  g.release(key_a);
  CHECK(g.it.keyboard_device().dropped_units() == 3);
  g.command(0xae);
  const List got = g.all();
  REQUIRE(got.size() == Ps2Keyboard::event_limit + 5);
  CHECK(List(got.end() - 5, got.end()) == List{0xf0, 0x12, 0xf0, 0x1c, 0x00});
}

TEST_CASE("units that are no key and odd bytes are ignored and counted") {
  Plain g;
  const std::uint8_t odd[] = {0, 0, 84, 0, 0xff, 0x7f, 30, 0, 30};
  g.it.keyboard().arrive(odd);
  CHECK(g.all() == List{0x1c});
  CHECK(g.it.keyboard_device().ignored_units() == 4);
}

TEST_CASE("Print Screen and Pause follow the modifiers that are down") {
  Guest g;
  g.press(99);
  g.release(99);
  CHECK(g.all() == List{0xe0, 0x2a, 0xe0, 0x37, 0xe0, 0xb7, 0xe0, 0xaa});
  g.press(56);
  g.press(99);
  g.release(56);
  g.release(99);  // the form of its press
  CHECK(g.all() == List{0x38, 0x54, 0xb8, 0xd4});
  g.press(29);
  g.press(119);
  g.release(119);
  g.release(29);
  CHECK(g.all() == List{0x1d, 0xe0, 0x46, 0xe0, 0xc6, 0x9d});
  g.press(119);
  g.release(119);
  CHECK(g.all() == List{0xe1, 0x1d, 0x45, 0xe1, 0x9d, 0xc5});
}

TEST_CASE("a modifier let go while the keyboard does not scan is not taken for held later") {
  Guest g;
  g.press(29);
  CHECK(g.all() == List{0x1d});
  g.keyboard({0xf5});
  g.release(29);
  g.keyboard({0xf4});
  g.press(119);
  CHECK(g.all() == List{0xe1, 0x1d, 0x45, 0xe1, 0x9d, 0xc5});
}

TEST_CASE("ctrl-alt-delete arrives as a BIOS expects it") {
  Guest g;
  for (std::uint16_t key : {29, 56, 111}) g.press(key);
  for (std::uint16_t key : {111, 56, 29}) g.release(key);
  CHECK(g.all() == List{0x1d, 0x38, 0xe0, 0x53, 0xe0, 0xd3, 0xb8, 0x9d});
}

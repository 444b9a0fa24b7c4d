// Claims about the mouse, as a guest sees it through the controller.
#include <doctest/doctest.h>

#include "tests/contract/input/input_rig.h"

using namespace lockstitch;
using namespace lockstitch::test;

namespace {
struct Mouse : Guest {
  /// The bytes that come, without the mouse's mark; every one must have it.
  List packet() {
    List bytes = all();
    for (int& byte : bytes) {
      CHECK((byte & 0x200) != 0);
      byte &= 0xff;
    }
    return bytes;
  }
  void make_wheel() { mouse({0xf3, 200, 0xf3, 100, 0xf3, 80}); }
  void make_five() { mouse({0xf3, 200, 0xf3, 200, 0xf3, 80}); }
};
}  // namespace

TEST_CASE("the mouse answers every command of the reference") {
  Mouse g;
  CHECK(g.mouse({0xff}) == List{0xfa, 0xaa, 0x00});
  for (std::uint8_t simple : {0xe6, 0xe7, 0xea, 0xec, 0xf0, 0xf4, 0xf5, 0xf6}) CHECK(g.mouse({simple}) == List{0xfa});
  CHECK(g.mouse({0xe8, 0x03}) == List{0xfa, 0xfa});
  CHECK(g.mouse({0xf3, 40}) == List{0xfa, 0xfa});
  CHECK(g.mouse({0xf2}) == List{0xfa, 0x00});
  CHECK(g.mouse({0xe9}) == List{0xfa, 0x00, 0x03, 40});
  CHECK(g.mouse({0xe1}) == List{0xfe});
  CHECK(g.mouse({0x55}) == List{0xfe});
}

TEST_CASE("the status shows mode, scaling, reports and buttons") {
  Mouse g;
  g.mouse({0xe7, 0xf4});
  g.move(0, 0, 0, 1);
  g.packet();
  CHECK(g.mouse({0xe9}) == List{0xfa, 0x34, 0x02, 100});
  g.mouse({0xf0});
  g.move(0, 0, 0, 6);
  CHECK(g.mouse({0xe9}) == List{0xfa, 0x73, 0x02, 100});
  CHECK(g.mouse({0xf6, 0xe9}) == List{0xfa, 0xfa, 0x03, 0x02, 100});
}

TEST_CASE("nothing is sent before the guest asks for reports") {
  Mouse g;
  g.move(5, 5, 0, 1);
  CHECK(g.packet().empty());
  g.mouse({0xf4});
  CHECK(g.packet().empty());
  g.move(1, 0, 0, 1);
  CHECK(g.packet() == List{0x09, 0x01, 0x00});
}

TEST_CASE("a packet has signs for left and down, and the buttons") {
  Mouse g;
  g.mouse({0xf4});
  g.move(10, -20);
  CHECK(g.packet() == List{0x08, 10, 20});
  g.move(-10, 20, 0, 7);
  CHECK(g.packet() == List{0x3f, 0xf6, 0xec});
}

TEST_CASE("movement beyond one packet continues in the next, and nothing is lost") {
  Mouse g;
  g.mouse({0xf4});
  g.move(600, -256);
  CHECK(g.packet() == List{0x08, 255, 255, 0x08, 255, 1, 0x08, 90, 0});
}

TEST_CASE("only movement beyond all bounds sets the overflow bits") {
  Mouse g;
  g.mouse({0xf4});
  g.command(0xa7);
  for (int i = 0; i < 3; ++i) g.move(32767, -32768);
  g.command(0xa8);
  CHECK(g.next() == 0x2c8);
  CHECK(g.next() == 0x2ff);
  CHECK(g.next() == 0x2ff);
  CHECK(g.next() == 0x208);
}

TEST_CASE("movement is put together at the sample rate, clicks stay apart and in their places") {
  Mouse g;
  g.mouse({0xf3, 10, 0xf4});
  g.bench.advance(1'000'000'000);
  g.move(1, 0);  // leaves at once
  for (int i = 0; i < 50; ++i) g.move(1, 1);
  g.move(5, 0, 0, 1);
  g.move(7, 0, 0, 1);
  g.move(0, 0, 0, 0);
  g.move(0, 0, 0, 1);
  CHECK(g.next() == 0x208);
  CHECK(g.next() == 0x201);
  CHECK(g.next() == 0x200);
  g.bench.advance(99'000'000);
  CHECK((g.status() & 1) == 0);
  List got;
  for (int i = 0; i < 5; ++i) {
    for (int byte : g.packet()) got.push_back(byte);
    g.bench.advance(100'000'000);
  }
  CHECK(got == List{0x28, 50, 0xce, 0x09, 5, 0, 0x09, 7, 0, 0x08, 0, 0, 0x09, 0, 0});
}

TEST_CASE("2:1 scaling changes reports but not what is read") {
  Mouse g;
  g.mouse({0xe7, 0xf4});
  const List scaled = {0, 1, 1, 3, 6, 9, 12, 14};
  for (int counts = 1; counts < 8; ++counts) {
    g.move(counts, 0);
    CHECK(g.packet() == List{0x08, scaled[static_cast<std::size_t>(counts)], 0});
  }
  g.move(200, 0);
  CHECK(g.packet() == List{0x08, 254, 0, 0x08, 146, 0});
  g.mouse({0xf0});
  g.move(5, 0);
  CHECK(g.mouse({0xeb}) == List{0xfa, 0x08, 5, 0});
}

TEST_CASE("the knocks make it a mouse with wheel, then with five buttons; a reset makes it plain again") {
  Mouse g;
  g.make_wheel();
  CHECK(g.mouse({0xf2}) == List{0xfa, 0x03});
  g.make_five();
  CHECK(g.mouse({0xf2}) == List{0xfa, 0x04});
  CHECK(g.mouse({0xf6, 0xf2}) == List{0xfa, 0xfa, 0x04});
  CHECK(g.mouse({0xff, 0xf2}) == List{0xfa, 0xaa, 0x00, 0xfa, 0x00});
  g.mouse({0xf3, 200, 0xf3, 80, 0xf3, 100});
  CHECK(g.mouse({0xf2}) == List{0xfa, 0x00});
}

TEST_CASE("the wheel counts down as positive, in 8 bits or in 4 beside the side buttons") {
  Mouse g;
  g.mouse({0xf4});
  g.move(0, 0, 3);
  CHECK(g.packet().empty());  // a plain mouse has none
  g.make_wheel();
  g.move(0, 0, 1);
  CHECK(g.packet() == List{0x08, 0, 0, 1});
  g.move(0, 0, -100);
  CHECK(g.packet() == List{0x08, 0, 0, 0x9c});
  g.make_five();
  g.move(0, 0, -1, 0x18);
  CHECK(g.packet() == List{0x08, 0, 0, 0x3f});
  g.move(0, 0, 10, 0x18);
  CHECK(g.packet() == List{0x08, 0, 0, 0x37, 0x08, 0, 0, 0x33});
}

TEST_CASE("in remote mode the mouse speaks when it is asked") {
  Mouse g;
  g.mouse({0xf0});
  g.move(3, 4, 0, 2);
  g.move(1, 1, 0, 2);
  CHECK(g.packet().empty());
  CHECK(g.mouse({0xeb}) == List{0xfa, 0x2a, 3, 0xfc});
  CHECK(g.mouse({0xeb}) == List{0xfa, 0x2a, 1, 0xff});
  CHECK(g.mouse({0xeb}) == List{0xfa, 0x0a, 0, 0});
}

TEST_CASE("in wrap mode the mouse repeats every byte but reset and the end of the mode") {
  Mouse g;
  CHECK(g.mouse({0xee, 0xf2, 0x12, 0xe9}) == List{0xfa, 0xf2, 0x12, 0xe9});
  CHECK(g.mouse({0xec, 0xf2}) == List{0xfa, 0xfa, 0x00});
  g.mouse({0xee});
  CHECK(g.mouse({0xff}) == List{0xfa, 0xaa, 0x00});
  CHECK(g.mouse({0xf2}) == List{0xfa, 0x00});
}

TEST_CASE("a command behind the last byte of a packet changes nothing about it") {
  Mouse g;
  g.mouse({0xf4});
  g.bench.advance(100'000'000);
  g.move(9, 0, 0, 1);
  CHECK(g.next() == 0x209);
  CHECK(g.next() == 0x209);
  g.bench.advance(KeyboardController::byte_ns);
  g.to_mouse(0xe6);
  CHECK(g.next() == 0x200);  // was in the output buffer already
  CHECK(g.next() == 0x2fa);
  CHECK(g.packet().empty());
}

TEST_CASE("a command between the bytes of a packet ends it, and its movement comes again whole") {
  Mouse g;
  g.mouse({0xf4});
  g.bench.advance(100'000'000);
  g.move(9, 0, 0, 1);
  CHECK(g.next() == 0x209);
  g.bench.advance(KeyboardController::byte_ns / 2);
  g.to_mouse(0xe6);
  CHECK(g.next() == 0x2fa);
  CHECK(g.packet() == List{0x09, 9, 0});
}

TEST_CASE("clicks beyond the limit are counted, and the last state of the buttons is what the guest ends with") {
  Mouse g;
  g.mouse({0xf4});
  g.command(0xa7);
  for (int i = 0; i <= 201; ++i) g.move(1, 0, 0, i % 2 ? 0 : 1);
  CHECK(g.it.mouse_device().dropped_samples() == 202 - Ps2Mouse::sample_limit);
  g.command(0xa8);
  List got, last;
  int x = 0;
  for (List p = g.packet(); !p.empty(); p = g.packet()) got.insert(got.end(), p.begin(), p.end());
  REQUIRE(got.size() == 3 * Ps2Mouse::sample_limit);
  for (std::size_t i = 1; i < got.size(); i += 3) x += got[i];
  CHECK(x == 202);
  CHECK(got[got.size() - 3] == 0x08);
}

TEST_CASE("bytes that are no whole report are ignored and counted") {
  Mouse g;
  g.mouse({0xf4});
  const std::uint8_t odd[] = {1, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 1, 2, 3};
  g.it.mouse().arrive(odd);
  CHECK(g.it.mouse_device().ignored_bytes() == 3);
  CHECK(g.packet() == List{0x08, 3, 0});
}

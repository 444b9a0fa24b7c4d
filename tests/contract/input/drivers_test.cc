// What the drivers of real guests do with the controller, in their order.
#include <doctest/doctest.h>

#include "tests/contract/input/input_rig.h"

using namespace lockstitch;
using namespace lockstitch::test;

TEST_CASE("SeaBIOS starts the keyboard") {
  Guest g;
  while (g.status() & 1) g.in();
  g.command(0xad);
  g.command(0xa7);
  CHECK(g.ask(0xaa) == 0x55);
  CHECK(g.ask(0xab) == 0x00);
  auto send = [&g](std::initializer_list<std::uint8_t> bytes) {
    g.set_command_byte(0x30);  // all off, then only the keyboard
    g.set_command_byte(0x20);
    const List got = g.keyboard(bytes);
    g.set_command_byte(0x61);
    return got;
  };
  CHECK(send({0xff}) == List{0xfa, 0xaa});
  CHECK(send({0xf5}) == List{0xfa});
  CHECK(send({0xf0, 0x02}) == List{0xfa, 0xfa});
  g.set_command_byte(0x61);
  CHECK(send({0xf4}) == List{0xfa});
  g.press(28);
  CHECK(g.irq1.level);
  CHECK(g.all() == List{0x1c});
}

TEST_CASE("Linux finds controller, mouse port, keyboard and wheel mouse") {
  Guest g;
  while (g.status() & 1) g.in();
  const std::uint8_t initial = g.ask(0x20);
  g.set_command_byte(initial | 0x10);
  CHECK(g.ask(0xaa) == 0x55);
  // The mouse port: a byte in the loop, then the port's own switch.
  g.command(0xd3, 0x5a);
  CHECK(g.next() == 0x25a);
  g.command(0xa7);
  CHECK((g.ask(0x20) & 0x20) == 0x20);
  g.command(0xa8);
  CHECK((g.ask(0x20) & 0x20) == 0);
  // No multiplexer: the loop gives back what was sent.
  for (std::uint8_t byte : {0xf0, 0x56, 0xa4}) {
    g.command(0xd3, byte);
    CHECK(g.next() == (0x200 | byte));
  }
  // Does IRQ 12 arrive?
  g.set_command_byte(0x42);
  g.command(0xd3, 0xa5);
  CHECK(g.irq12.level);
  CHECK(g.next() == 0x2a5);
  g.set_command_byte(0x47);
  // The keyboard.
  CHECK(g.keyboard({0xf2}) == List{0xfa, 0xab, 0x41});
  CHECK(g.keyboard({0xed, 0x00}) == List{0xfa, 0xfa});
  CHECK(g.keyboard({0xf3, 0x00}) == List{0xfa, 0xfa});
  CHECK(g.keyboard({0xf4}) == List{0xfa});
  // The mouse: reset and id, then knocking for every kind, last of all for wheel and side buttons.
  CHECK(g.mouse({0xf2}) == List{0xfa, 0x00});
  CHECK(g.mouse({0xf6}) == List{0xfa});
  CHECK(g.mouse({0xe8, 0x00, 0xe8, 0x00, 0xe8, 0x00, 0xe8, 0x00, 0xe9}) ==
        List{0xfa, 0xfa, 0xfa, 0xfa, 0xfa, 0xfa, 0xfa, 0xfa, 0xfa, 0x00, 0x00, 100});
  CHECK(g.mouse({0xe8, 0x03, 0xe6, 0xe6, 0xe6, 0xe9}) == List{0xfa, 0xfa, 0xfa, 0xfa, 0xfa, 0xfa, 0x00, 0x03, 100});
  CHECK(g.mouse({0xff}) == List{0xfa, 0xaa, 0x00});
  g.mouse({0xf3, 200, 0xf3, 200, 0xf3, 80});
  g.mouse({0xf3, 200, 0xf3, 100, 0xf3, 80});
  CHECK(g.mouse({0xf2}).back() == 3);
  g.mouse({0xf3, 200, 0xf3, 200, 0xf3, 80});
  CHECK(g.mouse({0xf2}).back() == 4);
  CHECK(g.mouse({0xf3, 100, 0xe8, 0x03, 0xe6, 0xf4}) == List{0xfa, 0xfa, 0xfa, 0xfa, 0xfa, 0xfa});
  g.move(-1, -1, -1, 2);
  CHECK(g.all() == List{0x21a, 0x2ff, 0x201, 0x20f});
}

TEST_CASE("Windows starts keyboard and mouse") {
  Guest g;
  const std::uint8_t initial = g.ask(0x20);
  g.set_command_byte(initial & ~3u);  // interrupts off while it looks
  g.command(0xad);
  g.command(0xa7);
  CHECK(g.keyboard({0xff}) == List{0xfa, 0xaa});
  CHECK(g.keyboard({0xf2}) == List{0xfa, 0xab, 0x41});
  CHECK(g.keyboard({0x05}) == List{0xfe});  // NT 4
  CHECK(g.keyboard({0xed, 0x02, 0xf3, 0x20, 0xf0, 0x02, 0xf4}) == List{0xfa, 0xfa, 0xfa, 0xfa, 0xfa, 0xfa, 0xfa});
  CHECK(g.mouse({0xff}) == List{0xfa, 0xaa, 0x00});
  CHECK(g.mouse({0xe8, 0x00, 0xe6, 0xe6, 0xe6, 0xe9}) == List{0xfa, 0xfa, 0xfa, 0xfa, 0xfa, 0xfa, 0x00, 0x00, 100});
  CHECK(g.mouse({0xf3, 200, 0xf3, 100, 0xf3, 80, 0xf2}) == List{0xfa, 0xfa, 0xfa, 0xfa, 0xfa, 0xfa, 0xfa, 3});
  CHECK(g.mouse({0xf3, 100, 0xe8, 0x03, 0xf4}) == List{0xfa, 0xfa, 0xfa, 0xfa, 0xfa});
  g.set_command_byte(0x47);
  g.press(30);
  CHECK(g.irq1.level);
  CHECK(g.next() == 0x1e);
  g.move(2, 0, 1);
  CHECK(g.next() == 0x208);
  CHECK(g.irq12.rises >= 1);
}

TEST_CASE("GRUB, which reads as soon as the input buffer is free, gets the answer to its command") {
  Guest g;
  g.command(0x20);
  g.wait(Guest::busy, 0);
  CHECK(g.in() == 0x43);
  for (std::uint8_t byte : {0xf0, 0x00}) {
    g.out(byte);
    g.wait(Guest::busy, 0);
    CHECK(g.in() == 0xfa);
  }
  CHECK(g.next() == 0x41);
}

TEST_CASE("a boot loader that wants A20 and an old program that wants a reset get them") {
  Guest g;
  g.command(0xad);
  const std::uint8_t port = g.ask(0xd0);
  g.command(0xd1, port | 2);
  g.command(0xae);
  CHECK((g.ask(0xd0) & 2) == 2);
  CHECK(g.bench.power.resets == 0);
  g.command(0xfe);
  CHECK(g.bench.power.resets == 1);
}

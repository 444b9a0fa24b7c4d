// Claims about the controller itself: commands, command byte, pacing and interrupts.
#include <doctest/doctest.h>

#include "tests/contract/input/input_rig.h"
#include "tests/contract/support/state_image.h"

using namespace lockstitch;
using namespace lockstitch::test;

namespace {
constexpr std::uint16_t key_a = 30, key_b = 48;
// What drivers of NT rely on.
static_assert(KeyboardController::byte_ns >= 100'000 && KeyboardController::slow_byte_ns >= 1'000'000);
}  // namespace

TEST_CASE("after power-on the status is idle and the command byte that of a PC: interrupts and translation on") {
  Guest g;
  CHECK(g.status() == 0x18);
  CHECK(g.ask(0x20) == 0x43);
  CHECK(!g.irq1.level);
}

TEST_CASE("the self-test answers 55h and sets the system flag, the interface tests answer 0") {
  Guest g;
  CHECK(g.ask(0xaa) == 0x55);
  CHECK(g.status() == 0x1c);
  CHECK(g.ask(0xab) == 0);
  CHECK(g.ask(0xa9) == 0);
  CHECK(g.ask(0xa4) == 0xf1);
  CHECK(g.ask(0xc0) == 0x80);
  CHECK(g.ask(0xe0) == 0);
}

TEST_CASE("status bit 3 tells a command from data") {
  Guest g;
  g.set_command_byte(0x45);
  CHECK(g.status() == 0x14);
  g.command(0xae);
  CHECK(g.status() == 0x1c);
}

TEST_CASE("the controller answers its own commands without a delay") {
  Guest g;
  g.it.command().write(0, 1, 0x20);
  CHECK((g.status() & 0x21) == 1);
  CHECK(g.in() == 0x43);
  CHECK((g.status() & 1) == 0);
  CHECK(g.in() == 0x43);  // an empty port shows its last byte
}

TEST_CASE("the controller's memory keeps what is written, byte 0 is the command byte") {
  Guest g;
  for (unsigned i = 0; i < 32; ++i) g.command(static_cast<std::uint8_t>(0x60 + i), static_cast<std::uint8_t>(0x80 + i));
  for (unsigned i = 0; i < 32; ++i) CHECK(g.ask(static_cast<std::uint8_t>(0x20 + i)) == 0x80 + i);
}

TEST_CASE("interfaces are switched in the command byte, and a byte to a device switches its interface on") {
  Guest g;
  g.command(0xad);
  g.command(0xa7);
  CHECK(g.ask(0x20) == 0x73);
  g.command(0xae);
  g.command(0xa8);
  CHECK(g.ask(0x20) == 0x43);
  g.command(0xad);
  g.command(0xa7);
  CHECK(g.keyboard({0xee}) == List{0xee});
  CHECK(g.mouse({0xf2}) == List{0xfa, 0x00});
  CHECK(g.ask(0x20) == 0x43);
}

TEST_CASE("the loops put a byte into the output buffer as if a device had sent it") {
  Guest g;
  g.command(0xd3, 0xa5);
  CHECK(g.irq12.level);
  CHECK((g.status() & 0x21) == 0x21);
  CHECK(g.next() == 0x2a5);
  CHECK(!g.irq12.level);
  CHECK(g.irq1.rises == 0);
  g.command(0xd2, 0x5a);
  CHECK(g.irq1.level);
  CHECK(g.next() == 0x5a);
  CHECK((g.status() & 0x20) == 0);
  CHECK(g.irq12.rises == 1);
}

TEST_CASE("the output port keeps the A20 bit, shows the interrupts, and resets when bit 0 is cleared") {
  Guest g;
  CHECK((g.ask(0xd0) & 0x33) == 0x03);
  g.command(0xd1, 0xdd);
  CHECK((g.ask(0xd0) & 2) == 0);
  g.command(0xdf);
  CHECK((g.ask(0xd0) & 2) == 2);
  g.command(0xdd);
  CHECK((g.ask(0xd0) & 2) == 0);
  g.command(0xd1, 0xdf);
  CHECK((g.ask(0xd0) & 2) == 2);
  CHECK(g.bench.power.resets == 0);
  g.command(0xd1, 0xde);
  CHECK(g.bench.power.resets == 1);
}

TEST_CASE("a pulse of output line 0 resets the machine, other pulses do nothing") {
  for (unsigned command = 0xf0; command <= 0xff; ++command) {
    Guest g;
    g.command(static_cast<std::uint8_t>(command));
    CAPTURE(command);
    CHECK(g.bench.power.resets == (command % 2 == 0 ? 1 : 0));
    CHECK((g.status() & 1) == 0);
  }
}

TEST_CASE("each byte becomes readable a fixed time after the one before it was read") {
  Guest g;
  g.bench.advance(1'000'000);
  g.set_command_byte(0x03);
  g.press(103);  // E0 75
  CHECK((g.status() & 1) == 1);
  g.bench.advance(5'000'000);  // unread bytes stay
  CHECK(g.in() == 0xe0);
  for (int i = 0; i < 50; ++i) g.in();  // reading an empty port changes nothing
  g.bench.advance(KeyboardController::byte_ns - 1);
  CHECK((g.status() & 1) == 0);
  g.bench.advance(1);
  CHECK((g.status() & 1) == 1);
  CHECK(g.in() == 0x75);
}

TEST_CASE("the input buffer is busy until the device has answered") {
  Guest g;
  g.it.data().write(0, 1, 0xee);
  CHECK((g.status() & 3) == 2);
  g.bench.advance(KeyboardController::byte_ns - 1);
  CHECK((g.status() & 3) == 2);
  g.bench.advance(1);
  CHECK((g.status() & 3) == 1);
}

TEST_CASE("an identification takes a millisecond") {
  Guest g;
  g.out(0xf2);
  g.bench.advance(KeyboardController::byte_ns);
  CHECK(g.in() == 0xfa);
  g.bench.advance(KeyboardController::slow_byte_ns - 1);
  CHECK((g.status() & 1) == 0);
  g.bench.advance(1);
  CHECK((g.status() & 1) == 1);
  CHECK(g.in() == 0xab);
  g.bench.advance(KeyboardController::byte_ns);
  CHECK(g.in() == 0x41);
}

TEST_CASE("each byte interrupts once, if the command byte allows it, and the line falls when it is read") {
  Guest g;
  g.bench.advance(1'000'000);
  g.press(103);
  CHECK(g.irq1.level);
  g.bench.advance(1'000'000);
  CHECK(g.irq1.rises == 1);
  g.in();
  CHECK(!g.irq1.level);
  g.bench.advance(1'000'000);
  CHECK(g.irq1.rises == 2);
  g.in();
  g.set_command_byte(0x42);
  g.release(103);
  g.bench.advance(10'000'000);
  CHECK(!g.irq1.level);
  CHECK((g.status() & 1) == 1);
  g.set_command_byte(0x43);  // allowed while the byte waits: it interrupts now
  CHECK(g.irq1.level);
  CHECK(g.irq12.rises == 0);
}

TEST_CASE("the keyboard goes before the mouse") {
  Guest g;
  g.mouse({0xf4});
  g.bench.advance(100'000'000);
  g.command(0xd2, 0x11);  // the output buffer is taken
  g.move(5, 5);
  g.press(key_a);
  g.press(key_b);
  CHECK(g.all() == List{0x11, 0x1e, 0x228, 0x205, 0x2fb, 0x30});
}

TEST_CASE("keys wait while the keyboard's interface is off, movement while the mouse's is") {
  Guest g;
  g.mouse({0xf4});
  g.command(0xad);
  g.command(0xa7);
  g.press(key_a);
  g.release(key_a);
  g.move(3, 0);
  g.move(4, 0);
  CHECK(g.all().empty());
  g.command(0xae);
  CHECK(g.all() == List{0x1e, 0x9e});
  g.command(0xa8);
  CHECK(g.all() == List{0x208, 0x207, 0x200});
}

TEST_CASE("without translation the codes of set 2 come through, and F0h goes before a release") {
  Guest g;
  g.set_command_byte(0x03);
  g.press(key_a);
  g.release(key_a);
  g.release(103);
  CHECK(g.all() == List{0x1c, 0xf0, 0x1c, 0xe0, 0xf0, 0x75});
}

TEST_CASE("an answer of the keyboard between the bytes of a release is not taken for a key") {
  Guest g;
  g.press(103);
  g.release(103);
  CHECK(g.next() == 0xe0);
  CHECK(g.next() == 0x48);
  CHECK(g.next() == 0xe0);
  CHECK(g.keyboard({0xed, 0x02}) == List{0xfa, 0xc8, 0xfa});
}

TEST_CASE("a new command at port 64h takes the place of one that waits for its parameter") {
  Guest g;
  g.command(0xd4);
  g.command(0x60, 0x47);
  CHECK(g.ask(0x20) == 0x47);
  CHECK(g.all().empty());
}

TEST_CASE("a saved controller goes on with half a sequence and a full queue") {
  Guest first;
  for (int i = 0; i < 40; ++i) first.press(103, i % 2);
  CHECK(first.next() == 0xe0);
  const StateImage image = save(first);
  Guest second;
  REQUIRE(load(second, image).empty());
  second.it.loaded();
  const List rest = first.all();
  CHECK(rest.size() == 79);
  CHECK(second.all() == rest);
}

// Claims about the serial port. Source: National PC16550D datasheet.
#include <doctest/doctest.h>

#include <string>

#include "tests/contract/legacy/rigs.h"

using namespace lockstitch;
using namespace lockstitch::test;

namespace {
struct Port : UartRig {
  std::uint8_t in(std::uint64_t offset) { return static_cast<std::uint8_t>(it.read(offset, 1)); }
  void out(std::uint64_t offset, std::uint8_t value) { it.write(offset, 1, value); }
  void type(const std::string& text) {
    it.arrive(Bytes(reinterpret_cast<const std::uint8_t*>(text.data()), text.size()));
  }
  /// FIFOs on with the given trigger code, interrupts enabled, OUT2 set.
  void open(std::uint8_t enable, unsigned trigger = 0) {
    out(2, static_cast<std::uint8_t>(trigger << 6 | 7));
    out(4, 8);
    out(1, enable);
  }
};
}  // namespace

TEST_CASE("each written byte leaves at once and the transmitter always reads as empty") {
  Port p;
  for (char c : std::string("hello")) {
    p.out(0, static_cast<std::uint8_t>(c));
    CHECK((p.in(5) & 0x60) == 0x60);
  }
  CHECK(p.bench.effects.text() == "hello");
  CHECK(p.bench.effects.messages.size() == 5);
}

TEST_CASE("the transmitter interrupt comes a fixed time after a byte and ends when IIR is read") {
  Port p;
  p.open(2);
  CHECK(p.irq.level);  // asking for it while empty gives one at once
  CHECK(p.in(2) == 0xc2);
  CHECK(!p.irq.level);
  p.out(0, 'x');
  p.bench.advance(Uart16550::transmit_ns - 1);
  CHECK(!p.irq.level);
  p.bench.advance(1);
  CHECK(p.irq.level);
  CHECK(p.in(2) == 0xc2);
  CHECK(p.in(2) == 0xc1);
  CHECK(!p.irq.level);
}

TEST_CASE("a driver that turns the transmitter interrupt off and on again gets it again") {
  Port p;
  p.open(2);
  p.in(2);
  p.out(1, 0);
  p.out(1, 2);
  CHECK(p.irq.level);
  CHECK(p.in(2) == 0xc2);
}

TEST_CASE("received data interrupts at the trigger level, and below it as a time-out") {
  Port p;
  p.open(1, 1);  // trigger at 4
  p.type("abc");
  CHECK(p.irq.level);
  CHECK(p.in(2) == 0xcc);
  p.type("d");
  CHECK(p.in(2) == 0xc4);
  CHECK(p.in(0) == 'a');
  CHECK(p.in(2) == 0xcc);
  CHECK(p.in(0) == 'b');
  CHECK(p.in(0) == 'c');
  CHECK(p.in(0) == 'd');
  CHECK(p.in(2) == 0xc1);
  CHECK(!p.irq.level);
  CHECK((p.in(5) & 1) == 0);
}

TEST_CASE("causes are reported by priority: line status, received data, transmitter, modem") {
  Port p;
  p.open(0);
  p.out(4, 0x18);                              // loopback with OUT2: modem lines change
  for (int i = 0; i < 17; ++i) p.out(0, 'l');  // one more than the FIFO holds
  p.out(1, 15);
  CHECK(p.in(2) == 0xc6);
  CHECK((p.in(5) & 3) == 3);
  CHECK(p.in(2) == 0xc4);
  while (p.in(5) & 1) p.in(0);
  CHECK(p.in(2) == 0xc2);
  CHECK(p.in(2) == 0xc0);
  p.in(6);
  CHECK(p.in(2) == 0xc1);
}

TEST_CASE("a paste longer than the FIFO arrives complete and in order, without an overrun") {
  Port p;
  p.open(1, 2);
  std::string paste;
  for (int i = 0; i < 50'000; ++i) paste += static_cast<char>('a' + i % 23);
  p.type(paste.substr(0, 20'000));
  p.type(paste.substr(20'000));
  std::string got;
  while (p.in(5) & 1) got += static_cast<char>(p.in(0));
  CHECK(got == paste);
  CHECK((p.in(5) & 2) == 0);
  CHECK(p.it.dropped_bytes() == 0);
}

TEST_CASE("input beyond the limit is dropped and counted") {
  Port p;
  p.type(std::string(Uart16550::input_limit_bytes, 'a'));
  p.type(std::string(100, 'b'));
  CHECK(p.it.dropped_bytes() == 99);  // one byte had moved into the receiver
  std::size_t read = 0;
  for (; p.in(5) & 1; ++read) p.in(0);
  CHECK(read == Uart16550::input_limit_bytes + 1);
}

TEST_CASE("in loopback nothing leaves or enters, bytes come back, and the modem outputs are its inputs") {
  Port p;
  p.out(2, 1);
  p.out(4, 0x10 | 0x0a);  // RTS and OUT2
  CHECK((p.in(6) & 0xf0) == 0x90);
  p.type("outside");
  p.out(0, 'q');
  CHECK(p.bench.effects.messages.empty());
  CHECK(p.in(0) == 'q');
  CHECK((p.in(5) & 1) == 0);
  p.out(4, 8);
  CHECK(p.in(0) == 'o');
  CHECK((p.in(6) & 0xf0) == 0xb0);
}

TEST_CASE("OUT2 connects the interrupt to the bus") {
  Port p;
  p.out(1, 1);
  p.type("x");
  CHECK(!p.irq.level);
  p.out(4, 8);
  CHECK(p.irq.level);
  p.out(4, 0);
  CHECK(!p.irq.level);
}

TEST_CASE("a 16550A is recognised: IIR shows the FIFOs, the scratch register and the divisor keep their values") {
  Port p;
  p.out(2, 1);
  CHECK(p.in(2) == 0xc1);
  p.out(2, 0);
  CHECK(p.in(2) == 0x01);
  for (std::uint8_t probe : {0xaa, 0x55}) {
    p.out(7, probe);
    CHECK(p.in(7) == probe);
  }
  p.out(3, 0x83);
  p.out(0, 0x34);
  p.out(1, 0x12);
  CHECK(p.in(0) == 0x34);
  CHECK(p.in(1) == 0x12);
  p.out(3, 3);
  CHECK(p.in(1) == 0);
  CHECK(p.bench.effects.messages.empty());
}

TEST_CASE("clearing the receiver FIFO drops what is in it, not what waits behind it") {
  Port p;
  p.open(0);
  p.type(std::string(16, 'a') + "b");
  p.out(2, 3);
  CHECK(p.in(0) == 'b');
}

// Claims about the 8259A pair. Source: Intel 8259A datasheet.
#include <doctest/doctest.h>

#include "tests/contract/legacy/rigs.h"

using namespace lockstitch;
using namespace lockstitch::test;

namespace {
struct Pair : PicRig {
  /// As a PC does: vectors 30h and 38h, everything open.
  explicit Pair(std::uint8_t icw4 = 1) {
    begin(it.master(), 0x30, 4, icw4);
    begin(it.slave(), 0x38, 2, 1);
  }
  static void begin(RegisterWindow& chip, std::uint8_t base, std::uint8_t icw3, std::uint8_t icw4) {
    chip.write(0, 1, 0x11);
    chip.write(1, 1, base);
    chip.write(1, 1, icw3);
    chip.write(1, 1, icw4);
    chip.write(1, 1, 0);
  }
  void raise(unsigned n) { it.input(n).set(true); }
  void lower(unsigned n) { it.input(n).set(false); }
  void pulse(unsigned n) {
    raise(n);
    lower(n);
  }
  unsigned take() { return it.acknowledge(); }
  void master(std::uint8_t command) { it.master().write(0, 1, command); }
  void slave(std::uint8_t command) { it.slave().write(0, 1, command); }
  unsigned in_service() {
    master(0x0b);
    return static_cast<unsigned>(it.master().read(0, 1));
  }
  unsigned requested() {
    master(0x0a);
    return static_cast<unsigned>(it.master().read(0, 1));
  }
};
}  // namespace

TEST_CASE("before it is initialised the PIC signals nothing") {
  PicRig rig;
  for (unsigned n = 0; n < 16; ++n) rig.it.input(n).set(true);
  CHECK(!rig.output.level);
}

TEST_CASE("a rising edge is delivered once, with the vector of its input") {
  Pair p;
  p.raise(4);
  CHECK(p.output.level);
  CHECK(p.take() == 0x34);
  CHECK(!p.output.level);
  p.master(0x20);
  CHECK(!p.output.level);  // still high, but no new edge
  p.lower(4);
  p.raise(4);
  CHECK(p.output.level);
}

TEST_CASE("a level-triggered input asks again after the end of interrupt while it is high") {
  Pair p;
  p.it.elcr().write(1, 1, 0x0c);  // inputs 10 and 11
  p.raise(10);
  CHECK(p.take() == 0x3a);
  p.slave(0x20);
  p.master(0x20);
  CHECK(p.output.level);
  p.lower(10);
  CHECK(!p.output.level);
}

TEST_CASE("the edge/level register only takes inputs that may be level-triggered") {
  Pair p;
  p.it.elcr().write(0, 2, 0xffff);
  CHECK(p.it.elcr().read(0, 2) == 0xdef8);
}

TEST_CASE("only a higher priority interrupts a service; the rest wait for its end") {
  Pair p;
  p.pulse(4);
  CHECK(p.take() == 0x34);
  p.pulse(5);
  CHECK(!p.output.level);
  p.pulse(1);
  CHECK(p.output.level);
  CHECK(p.take() == 0x31);
  CHECK(p.in_service() == 0x12);
  p.master(0x20);  // ends 1
  CHECK(p.in_service() == 0x10);
  CHECK(!p.output.level);
  p.master(0x64);  // ends 4 by name
  CHECK(p.take() == 0x35);
}

TEST_CASE("a slave interrupt is in service in both chips and needs two ends") {
  Pair p;
  p.pulse(12);
  p.pulse(3);
  CHECK(p.take() == 0x3c);  // the cascade is input 2, above 3
  CHECK(p.in_service() == 4);
  CHECK(!p.output.level);
  p.slave(0x20);
  p.master(0x20);
  CHECK(p.take() == 0x33);
}

TEST_CASE("a second slave interrupt of higher priority passes only in special fully nested mode") {
  for (bool nested : {false, true}) {
    Pair p(nested ? 0x11 : 0x01);
    p.pulse(12);
    CHECK(p.take() == 0x3c);
    p.pulse(9);
    CHECK(p.output.level == nested);
    if (nested) CHECK(p.take() == 0x39);
  }
}

TEST_CASE("an acknowledge without a request yields a spurious interrupt that is not in service") {
  Pair p;
  p.pulse(4);
  p.it.master().write(1, 1, 0x10);  // masked between request and acknowledge
  CHECK(!p.output.level);
  CHECK(p.take() == 0x37);
  CHECK(p.in_service() == 0);
}

TEST_CASE("a slave with a withdrawn request yields the slave's spurious vector while the master serves the cascade") {
  Pair p;
  p.it.elcr().write(1, 1, 0x0c);
  p.raise(10);
  p.it.slave().write(1, 1, 0xff);
  CHECK(!p.output.level);  // the cascade follows the slave
  p.it.slave().write(1, 1, 0);
  CHECK(p.output.level);
  p.master(0x0c);  // poll: the master alone takes the cascade
  CHECK(p.it.master().read(0, 1) == 0x82);
  CHECK(p.in_service() == 4);
  p.slave(0x0c);
  CHECK(p.it.slave().read(0, 1) == 0x82);  // input 10 is number 2 there
}

TEST_CASE("a poll with nothing to do reads 0") {
  Pair p;
  p.master(0x0c);
  CHECK(p.it.master().read(0, 1) == 0);
}

TEST_CASE("in automatic end of interrupt mode nothing stays in service") {
  Pair p(3);
  p.pulse(4);
  CHECK(p.take() == 0x34);
  CHECK(p.in_service() == 0);
  p.pulse(6);
  CHECK(p.take() == 0x36);
}

TEST_CASE("rotation makes the served input the lowest") {
  Pair p;
  p.pulse(3);
  p.take();
  p.master(0xa0);  // rotate on non-specific end: 3 is now lowest, 4 highest
  p.pulse(0);
  p.pulse(5);
  CHECK(p.take() == 0x35);
  p.master(0x20);
  CHECK(p.take() == 0x30);
  p.master(0x20);
  p.master(0xc7);  // back to the usual order
  p.pulse(0);
  p.pulse(5);
  CHECK(p.take() == 0x30);
}

TEST_CASE("special mask mode lets everything pass but what is masked") {
  Pair p;
  p.pulse(1);
  p.take();
  p.pulse(5);
  CHECK(!p.output.level);
  p.it.master().write(1, 1, 0x02);
  p.master(0x68);
  CHECK(p.output.level);
  CHECK(p.take() == 0x35);
  p.master(0x48);
  CHECK(p.in_service() == 0x22);
}

TEST_CASE("initialisation forgets old edges, masks and services") {
  Pair p;
  p.pulse(4);
  p.take();
  p.raise(5);
  p.it.master().write(1, 1, 0xfb);
  CHECK(p.it.master().read(1, 1) == 0xfb);
  Pair::begin(p.it.master(), 0x50, 4, 1);
  CHECK(p.requested() == 0);
  CHECK(p.in_service() == 0);
  CHECK(!p.output.level);
  p.lower(5);
  p.raise(5);
  CHECK(p.take() == 0x55);
}

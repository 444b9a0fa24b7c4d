// Claims about the I/O APIC. Source: Intel 82093AA datasheet.
#include <doctest/doctest.h>

#include <utility>

#include "tests/contract/legacy/rigs.h"

using namespace lockstitch;
using namespace lockstitch::test;

namespace {
struct Board : IoApicRig {
  std::uint32_t get(unsigned index) {
    it.write(0, 4, index);
    return static_cast<std::uint32_t>(it.read(0x10, 4));
  }
  void put(unsigned index, std::uint32_t value) {
    it.write(0, 4, index);
    it.write(0x10, 4, value);
  }
  void entry(unsigned pin, std::uint32_t low, std::uint32_t high = 0) {
    put(0x11 + 2 * pin, high);
    put(0x10 + 2 * pin, low);
  }
  std::size_t sent() const { return bench.msi.messages.size(); }
};
constexpr std::uint32_t level = 0x8000, masked = 0x1'0000, remote_irr = 0x4000;
}  // namespace

TEST_CASE("the I/O APIC is a version 11h with 24 pins, all masked, and keeps its id") {
  Board b;
  CHECK(b.get(1) == 0x0017'0011);
  for (unsigned pin = 0; pin < 24; ++pin) CHECK(b.get(0x10 + 2 * pin) == masked);
  b.put(0, 0xffff'ffff);
  CHECK(b.get(0) == 0x0f00'0000);
  CHECK(b.get(2) == 0x0f00'0000);
  b.put(1, 0);
  CHECK(b.get(1) == 0x0017'0011);
  CHECK(b.get(0x40) == 0);
}

TEST_CASE("an edge pin sends its message on each rise, to the programmed destination") {
  Board b;
  b.entry(4, 0x0000'0934, 0x0700'0000);  // logical, lowest priority
  b.it.input(4).set(true);
  b.it.input(4).set(true);
  REQUIRE(b.sent() == 1);
  CHECK(b.bench.msi.messages[0] == std::pair<std::uint64_t, std::uint32_t>{0xfee0'7004, 0x4134});
  b.it.input(4).set(false);
  b.it.input(4).set(true);
  CHECK(b.sent() == 2);
}

TEST_CASE("an edge on a masked pin is lost") {
  Board b;
  b.entry(4, 0x34 | masked);
  b.it.input(4).set(true);
  b.entry(4, 0x34);
  CHECK(b.sent() == 0);
}

TEST_CASE("a level pin sends once, waits for the end of interrupt and sends again while it is high") {
  Board b;
  b.entry(10, 0x3a | level);
  b.it.input(10).set(true);
  REQUIRE(b.sent() == 1);
  CHECK(b.bench.msi.messages[0].second == 0xc03a);
  CHECK((b.get(0x24) & remote_irr) != 0);
  b.it.input(10).set(false);
  b.it.input(10).set(true);
  CHECK(b.sent() == 1);
  b.it.end_of_interrupt(0x3b);
  CHECK(b.sent() == 1);
  b.it.end_of_interrupt(0x3a);
  CHECK(b.sent() == 2);
  b.it.input(10).set(false);
  b.it.end_of_interrupt(0x3a);
  CHECK(b.sent() == 2);
  CHECK((b.get(0x24) & remote_irr) == 0);
}

TEST_CASE("a level that is high when its pin is opened is sent") {
  Board b;
  b.entry(9, 0x39 | level | masked);
  b.it.input(9).set(true);
  CHECK(b.sent() == 0);
  b.entry(9, 0x39 | level);
  CHECK(b.sent() == 1);
}

TEST_CASE("turning a pin to edge and back clears its remote IRR; writing it does not") {
  Board b;
  b.entry(9, 0x39 | level);
  b.it.input(9).set(true);
  b.put(0x22, 0x39 | level | masked);
  CHECK((b.get(0x22) & remote_irr) != 0);
  b.put(0x22, 0x39 | masked);
  CHECK((b.get(0x22) & remote_irr) == 0);
  b.put(0x22, 0x39 | level | remote_irr);
  CHECK(b.sent() == 2);
}

TEST_CASE("the data window takes only 32-bit writes") {
  Board b;
  b.it.write(0, 4, 0x10);
  b.it.write(0x10, 1, 0x55);
  CHECK(b.get(0x10) == masked);
}

// Message-signalled interrupts: masks and pending bits.
#include "devices/pci/msix.h"

#include <doctest/doctest.h>

#include "tests/contract/support/bench.h"

using namespace lockstitch;
using namespace lockstitch::test;

namespace {
struct Table {
  TestMsi port;
  Msix msix{port, 3};
  Table() {
    for (unsigned i = 0; i < 3; ++i) {
      msix.write(16 * i, 4, 0xfee0'0000 + 0x1000 * i);
      msix.write(16 * i + 4, 4, 0);
      msix.write(16 * i + 8, 4, 0x40 + i);
    }
  }
  void unmask(unsigned vector, bool mask = false) { msix.write(16 * vector + 12, 4, mask); }
  std::uint64_t pending() { return msix.read(Msix::pending_offset, 8); }
};
}  // namespace

TEST_CASE("an unmasked vector sends its message at once") {
  Table t;
  t.msix.control(true, false);
  t.unmask(1);
  t.msix.raise(1);
  REQUIRE_EQ(t.port.messages.size(), 1);
  CHECK_EQ(t.port.messages[0].first, 0xfee0'1000);
  CHECK_EQ(t.port.messages[0].second, 0x41);
  CHECK_EQ(t.pending(), 0);
}

TEST_CASE("a masked vector is pending until it is unmasked, and then sends one message") {
  Table t;
  t.msix.control(true, false);
  t.msix.raise(2);
  t.msix.raise(2);
  CHECK(t.port.messages.empty());
  CHECK_EQ(t.pending(), 4);
  t.unmask(2);
  CHECK_EQ(t.port.messages.size(), 1);
  CHECK_EQ(t.pending(), 0);
  t.unmask(2, true);
  t.unmask(2);
  CHECK_EQ(t.port.messages.size(), 1);
}

TEST_CASE("the function mask holds all vectors back") {
  Table t;
  t.unmask(0);
  t.unmask(1);
  t.msix.control(true, true);
  t.msix.raise(1);
  t.msix.raise(0);
  CHECK_EQ(t.pending(), 3);
  t.msix.control(true, false);
  t.msix.deliver();
  REQUIRE_EQ(t.port.messages.size(), 2);
  CHECK_EQ(t.port.messages[0].second, 0x40);
}

TEST_CASE("the table reads back what was written; reset masks every vector") {
  Table t;
  t.unmask(0);
  CHECK_EQ(t.msix.read(0, 8), 0xfee0'0000);
  CHECK_EQ(t.msix.read(8, 4), 0x40);
  CHECK_EQ(t.msix.read(12, 4), 0);
  CHECK_EQ(t.msix.read(28, 1), 1);
  t.msix.write(32, 8, 0x1'fee0'2003);
  CHECK_EQ(t.msix.read(32, 8), 0x1'fee0'2000);
  t.msix.reset();
  CHECK_EQ(t.msix.read(12, 4), 1);
  CHECK_EQ(t.msix.read(0, 8), 0);
}

TEST_CASE("the pending bits, absent vectors and narrow writes change nothing") {
  Table t;
  t.msix.control(true, false);
  t.msix.write(Msix::pending_offset, 8, ~0ull);
  CHECK_EQ(t.pending(), 0);
  t.msix.raise(3);
  t.msix.raise(0xffff);
  t.msix.write(48, 8, ~0ull);
  CHECK_EQ(t.msix.read(48, 8), 0);
  t.msix.write(12, 1, 0);
  t.msix.write(13, 4, 0);
  CHECK_EQ(t.msix.read(12, 4), 1);
  CHECK_EQ(t.msix.read(4092, 4), 0);
  CHECK(t.port.messages.empty());
}

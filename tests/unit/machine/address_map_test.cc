// The bus and its address spaces.
#include <doctest/doctest.h>

#include <vector>

#include "vmm/machine/bus.h"
#include "vmm/machine/state_reader.h"
#include "vmm/machine/state_writer.h"

using namespace lockstitch;

namespace {

struct Access {
  bool write = false;
  std::uint64_t offset = 0;
  unsigned width = 0;
  std::uint64_t value = 0;
  friend bool operator==(const Access&, const Access&) = default;
};

struct Window final : RegisterWindow {
  explicit Window(std::uint64_t answer) : answer_(answer) {}
  std::uint64_t read(std::uint64_t offset, unsigned width) override {
    seen.push_back({false, offset, width, 0});
    return answer_;
  }
  void write(std::uint64_t offset, unsigned width, std::uint64_t value) override {
    seen.push_back({true, offset, width, value});
  }
  std::vector<Access> seen;

 private:
  std::uint64_t answer_;
};

struct Fixture {
  Memory memory{16 * page_bytes};
  Bus bus{memory};
  Window a{0xffff'ffff'ffff'ff11};
  Window b{0x2222'2222'2222'2222};
};

constexpr Gpa mmio = 0xe000'0000;

}  // namespace

TEST_CASE_FIXTURE(Fixture, "an access is routed with its offset, and answers are cut to the width") {
  REQUIRE(bus.add_ports(0x3f8, 8, a));
  REQUIRE(bus.add_memory(mmio, 0x100, b));
  CHECK(bus.read_port(0x3fa, 1) == 0x11);
  CHECK(bus.read_port(0x3fc, 4) == 0xffff'ff11);
  bus.write_port(0x3f9, 2, 0x12345);
  CHECK(bus.read_memory(mmio + 0xf8, 8) == 0x2222'2222'2222'2222);
  bus.write_memory(mmio, 4, ~0ull);
  CHECK(a.seen == std::vector<Access>{{false, 2, 1, 0}, {false, 4, 4, 0}, {true, 1, 2, 0x2345}});
  CHECK(b.seen == std::vector<Access>{{false, 0xf8, 8, 0}, {true, 0, 4, 0xffff'ffff}});
  CHECK(bus.unclaimed() == 0);
}

TEST_CASE_FIXTURE(Fixture, "reads that nobody answers are all ones, such writes are dropped, both are counted") {
  CHECK(bus.read_port(0x80, 1) == 0xff);
  CHECK(bus.read_port(0xffff, 4) == 0xffff'ffff);
  CHECK(bus.read_memory(mmio, 8) == ~0ull);
  bus.write_port(0x80, 1, 1);
  bus.write_memory(mmio, 1, 1);
  CHECK(bus.unclaimed() == 5);
}

TEST_CASE_FIXTURE(Fixture, "windows that overlap or leave their space are refused") {
  CHECK(bus.add_ports(0x100, 16, a));
  CHECK(!bus.add_ports(0x10f, 1, b));
  CHECK(!bus.add_ports(0xf8, 9, b));
  CHECK(!bus.add_ports(0xf0, 64, b));
  CHECK(!bus.add_ports(0x104, 2, b));
  CHECK(bus.add_ports(0xf8, 8, b));
  CHECK(bus.add_ports(0x110, 8, b));
  CHECK(!bus.add_ports(0xffff, 2, b));
  CHECK(bus.add_ports(0xffff, 1, b));
  CHECK(!bus.add_ports(0x200, 0, b));
  CHECK(!bus.add_memory(15 * page_bytes, 2 * page_bytes, b));
  CHECK(bus.add_memory(16 * page_bytes, page_bytes, b));
  CHECK(!bus.add_memory(~0ull - 10, 100, b));
}

TEST_CASE_FIXTURE(Fixture, "a port access that runs past its window is split into bytes") {
  REQUIRE(bus.add_ports(0x60, 2, a));
  REQUIRE(bus.add_ports(0x62, 1, b));
  CHECK(bus.read_port(0x61, 4) == 0xffff'2211);
  CHECK(bus.read_port(0x5e, 4) == 0x1111'ffff);
  bus.write_port(0x61, 4, 0x4433'2211);
  CHECK(a.seen == std::vector<Access>{{false, 1, 1, 0}, {false, 0, 1, 0}, {false, 1, 1, 0}, {true, 1, 1, 0x11}});
  CHECK(b.seen == std::vector<Access>{{false, 0, 1, 0}, {true, 0, 1, 0x22}});
  CHECK(bus.unclaimed() == 0);
}

TEST_CASE_FIXTURE(Fixture, "a memory access that runs past its window is nobody's") {
  REQUIRE(bus.add_memory(mmio, 16, a));
  REQUIRE(bus.add_memory(mmio + 16, 16, b));
  CHECK(bus.read_memory(mmio + 12, 8) == ~0ull);
  CHECK(bus.unclaimed() == 1);
  CHECK(a.seen.empty());
  CHECK(b.seen.empty());
}

TEST_CASE_FIXTURE(Fixture, "a BAR moves, and where it was is free") {
  MapPort& bar = bus.make_memory_bar(0x1000, a);
  CHECK(bus.read_memory(mmio, 1) == 0xff);
  bar.place(mmio);
  CHECK(bus.read_memory(mmio, 1) == 0x11);
  bar.place(mmio + 0x1000);
  CHECK(bus.read_memory(mmio, 1) == 0xff);
  CHECK(bus.read_memory(mmio + 0x1fff, 1) == 0x11);
  bar.place(mmio + 0x800);
  CHECK(bus.read_memory(mmio + 0x17ff, 1) == 0x11);
  CHECK(bus.read_memory(mmio + 0x1800, 1) == 0xff);
  bar.remove();
  bar.remove();
  CHECK(bus.read_memory(mmio + 0x1000, 1) == 0xff);
}

TEST_CASE_FIXTURE(Fixture, "a BAR over RAM or another window is refused and off the bus") {
  MapPort& first = bus.make_memory_bar(0x1000, a);
  MapPort& second = bus.make_memory_bar(0x1000, b);
  first.place(mmio);
  second.place(mmio + 0x1000);
  second.place(mmio + 0x800);
  CHECK(bus.read_memory(mmio + 0x800, 1) == 0x11);
  CHECK(bus.read_memory(mmio + 0x1000, 1) == 0xff);
  second.place(0x3000);
  second.place(~0ull - 0xfff);
  CHECK(bus.read_memory(~0ull, 1) == 0x22);
  second.place(~0ull - 0x7ff);
  CHECK(bus.read_memory(~0ull, 1) == 0xff);

  MapPort& ports = bus.make_port_bar(0x20, a);
  ports.place(0xffe0);
  CHECK(bus.read_port(0xffff, 1) == 0x11);
  ports.place(0xffe1);
  CHECK(bus.read_port(0xfff0, 1) == 0xff);
  ports.place(0x1'0000);
  CHECK(bus.read_port(0, 1) == 0xff);
}

TEST_CASE_FIXTURE(Fixture, "a refusal outlives save and load, whatever devices place meanwhile") {
  MapPort& first = bus.make_memory_bar(0x1000, a);
  MapPort& second = bus.make_memory_bar(0x1000, b);
  second.place(mmio);
  first.place(mmio);            // refused
  second.place(mmio + 0x4000);  // the place is free now, but nobody tries again
  CHECK(bus.read_memory(mmio, 1) == 0xff);
  const auto saved = save_state(bus);

  Bus other{memory};
  MapPort& other_first = other.make_memory_bar(0x1000, a);
  MapPort& other_second = other.make_memory_bar(0x1000, b);
  StateReader reader(saved);
  other.visit(reader);
  REQUIRE(reader.finish().ok());
  other_first.place(mmio);
  other_second.place(mmio + 0x4000);
  other.loaded();
  CHECK(other.read_memory(mmio, 1) == 0xff);
  CHECK(other.read_memory(mmio + 0x4000, 1) == 0x22);
  CHECK(save_state(other) == saved);
}

TEST_CASE_FIXTURE(Fixture, "the last-hit cache follows every change") {
  MapPort& high = bus.make_memory_bar(0x1000, a);
  MapPort& low = bus.make_memory_bar(0x1000, b);
  high.place(mmio + 0x10000);
  CHECK(bus.read_memory(mmio + 0x10000, 1) == 0x11);
  low.place(mmio);
  CHECK(bus.read_memory(mmio + 0x10000, 1) == 0x11);
  CHECK(bus.read_memory(mmio, 1) == 0x22);
  low.remove();
  CHECK(bus.read_memory(mmio, 1) == 0xff);
  CHECK(bus.read_memory(mmio + 0x10000, 1) == 0x11);
  bus.drop_caches();
  CHECK(bus.read_memory(mmio + 0x10000, 1) == 0x11);
}

// The console: bytes in and out, and the bounds on both.
#include "tests/contract/virtio/guest_driver.h"
#include "tests/contract/virtio/virtio_rigs.h"

using namespace lockstitch;
using namespace lockstitch::test;

namespace {
constexpr unsigned receive = 0, transmit = 1;
using Messages = std::vector<std::vector<std::uint8_t>>;
std::vector<std::uint8_t> bytes_of(std::string_view text) { return {text.begin(), text.end()}; }

struct ConsoleStand {
  ConsoleRig rig{0x20'0000};
  GuestDriver driver{*rig.pci, rig.memory};
  Gpa offer(std::uint32_t bytes) {
    const Gpa at = driver.allocate(bytes);
    driver.add(receive, {{at, bytes, true}});
    driver.notify(receive);
    return at;
  }
};
}  // namespace

TEST_CASE("each transmitted chain is one effect") {
  ConsoleStand s;
  CHECK_EQ(s.rig.pci->read_config(0, 4), 0x1043'1af4);
  s.driver.start();
  const Gpa at = s.driver.place(bytes_of("hello, world"));
  s.driver.add(transmit, {{at, 5}});
  s.driver.add(transmit, {{at + 5, 2}, {at + 7, 5}});
  s.driver.notify(transmit);
  CHECK_EQ(s.rig.bench.effects.messages, Messages{bytes_of("hello"), bytes_of(", world")});
  CHECK_EQ(s.driver.used(transmit), std::vector<GuestDriver::Used>{{0, 0}, {1, 0}});
}

TEST_CASE("input is cut to the buffers the guest offers") {
  ConsoleStand s;
  s.driver.start();
  const Gpa first = s.offer(4), second = s.offer(100);
  s.rig.console.arrive(bytes_of("abcdef"));
  CHECK_EQ(s.driver.used(receive), std::vector<GuestDriver::Used>{{0, 4}, {1, 2}});
  CHECK_EQ(s.driver.bytes_at(first, 4), bytes_of("abcd"));
  CHECK_EQ(s.driver.bytes_at(second, 2), bytes_of("ef"));
  CHECK(s.rig.line.level);
}

TEST_CASE("input typed before the driver runs is kept for it, and a machine reset drops it") {
  ConsoleStand s;
  s.rig.console.arrive(bytes_of("early"));
  s.driver.start();
  const Gpa at = s.offer(100);
  CHECK_EQ(s.driver.bytes_at(at, 5), bytes_of("early"));
  s.rig.console.arrive(bytes_of("late"));
  s.rig.pci->reset();
  s.driver.start();
  s.offer(100);
  CHECK(s.driver.used(receive).empty());
}

TEST_CASE("input past 64 KiB is dropped and counted") {
  ConsoleStand s;
  s.rig.console.arrive(std::vector<std::uint8_t>(65'000, 'a'));
  s.rig.console.arrive(std::vector<std::uint8_t>(1'000, 'b'));
  CHECK_EQ(s.rig.console.dropped_input_bytes(), 464);
  s.driver.start();
  const Gpa at = s.offer(70'000);
  CHECK_EQ(s.driver.used(receive), std::vector<GuestDriver::Used>{{0, 65'536}});
  CHECK_EQ(s.driver.bytes_at(at + 64'999, 2), bytes_of("ab"));
}

TEST_CASE("output past 64 KiB in one chain is dropped and counted") {
  ConsoleStand s;
  s.driver.start();
  s.driver.add(transmit, {{s.driver.allocate(70'000), 70'000}});
  s.driver.notify(transmit);
  REQUIRE_EQ(s.rig.bench.effects.messages.size(), 1);
  CHECK_EQ(s.rig.bench.effects.messages[0].size(), 65'536);
  CHECK_EQ(s.rig.console.dropped_output_bytes(), 70'000 - 65'536);
}

TEST_CASE("an empty chain is returned and says nothing") {
  ConsoleStand s;
  s.driver.start();
  s.driver.add(transmit, {{0x1000, 0}});
  s.driver.notify(transmit);
  CHECK(s.rig.bench.effects.messages.empty());
  CHECK_EQ(s.driver.used(transmit).size(), 1);
  s.driver.add(receive, {{0x1000, 4, false}});  // nothing to write to
  const Gpa at = s.offer(4);
  s.rig.console.arrive(bytes_of("x"));
  CHECK_EQ(s.driver.used(receive), std::vector<GuestDriver::Used>{{0, 0}, {1, 1}});
  CHECK_EQ(s.driver.bytes_at(at, 1), bytes_of("x"));
}

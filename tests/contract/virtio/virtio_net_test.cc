// The network card: frames out, frames in, buffers that are missing, small or merged.
#include "tests/contract/virtio/guest_driver.h"
#include "tests/contract/virtio/virtio_rigs.h"

using namespace lockstitch;
using namespace lockstitch::test;

namespace {
constexpr std::uint64_t merge = 1 << 15;
constexpr unsigned receive = 0, transmit = 1;

using Frames = std::vector<std::vector<std::uint8_t>>;

std::vector<std::uint8_t> frame_of(std::size_t bytes, std::uint8_t seed = 1) {
  std::vector<std::uint8_t> frame(bytes);
  for (std::size_t i = 0; i < bytes; ++i) frame[i] = static_cast<std::uint8_t>(seed + 3 * i);
  return frame;
}

struct NetStand {
  NetRig rig{0x10'0000};
  GuestDriver driver{*rig.pci, rig.memory};
  Gpa offer(std::uint32_t bytes) {
    const Gpa at = driver.allocate(bytes);
    driver.add(receive, {{at, bytes, true}});
    return at;
  }
  void send(const std::vector<std::uint8_t>& frame) {
    driver.add(transmit, {{driver.allocate(12), 12}, {driver.place(frame), static_cast<std::uint32_t>(frame.size())}});
    driver.notify(transmit);
  }
};
}  // namespace

TEST_CASE("the configuration tells the address and a link that is up") {
  NetStand s;
  CHECK_EQ(s.rig.pci->read_config(0, 4), 0x1041'1af4);
  CHECK_EQ(s.driver.offered(), (1ull << 32 | 1 << 28 | 1 << 16 | 1 << 15 | 1 << 5));
  CHECK_EQ(s.driver.read(0x2000, 8) & 0xffff'ffff'ffff, 0x5634'1200'5452);
  CHECK_EQ(s.driver.read(0x2006, 2), 1);
}

TEST_CASE("a transmitted frame leaves without its header and its buffer comes back at once") {
  NetStand s;
  s.driver.start();
  s.send(frame_of(60));
  s.send(frame_of(1518, 9));
  CHECK_EQ(s.rig.bench.effects.messages, Frames{frame_of(60), frame_of(1518, 9)});
  CHECK_EQ(s.driver.used(transmit), std::vector<GuestDriver::Used>{{0, 0}, {2, 0}});
  CHECK(s.rig.line.level);
}

TEST_CASE("header and frame may share descriptors in any way") {
  NetStand s;
  s.driver.start();
  auto packet = frame_of(12 + 100);
  const Gpa at = s.driver.place(packet);
  s.driver.add_indirect(transmit, {{at, 5}, {at + 5, 20}, {at + 25, 87}});
  s.driver.notify(transmit);
  packet.erase(packet.begin(), packet.begin() + 12);
  CHECK_EQ(s.rig.bench.effects.messages, Frames{packet});
}

TEST_CASE("a frame too short or too long for Ethernet is dropped and counted") {
  NetStand s;
  s.driver.start();
  for (std::size_t bytes : {0u, 13u, 1519u, 9000u}) s.send(frame_of(bytes));
  CHECK(s.rig.bench.effects.messages.empty());
  CHECK_EQ(s.rig.net.dropped_transmitted(), 4);
  CHECK_EQ(s.driver.used(transmit).size(), 4);
  s.offer(4096);
  for (std::size_t bytes : {0u, 13u, 1519u, 65536u}) s.rig.net.arrive(frame_of(bytes));
  CHECK_EQ(s.rig.net.dropped_received(), 4);
  CHECK(s.driver.used(receive).empty());
}

TEST_CASE("a received frame follows a header that counts one buffer") {
  for (std::uint64_t features : {0ull, 1ull << 15}) {
    NetStand s;
    s.driver.start(1ull << 32 | features);
    const Gpa at = s.offer(1530);
    s.driver.notify(receive);
    CHECK(s.driver.used(receive).empty());
    s.rig.net.arrive(frame_of(100));
    CHECK_EQ(s.driver.used(receive), std::vector<GuestDriver::Used>{{0, 112}});
    CHECK_EQ(s.driver.bytes_at(at, 12), std::vector<std::uint8_t>{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0});
    CHECK_EQ(s.driver.bytes_at(at + 12, 100), frame_of(100));
    CHECK_EQ(s.driver.isr(), 1);
  }
}

TEST_CASE("frames wait for buffers in order, up to a limit, past which they are dropped and counted") {
  NetStand s;
  s.driver.start(s.driver.offered(), 256);
  for (unsigned i = 0; i < VirtioNet::waiting_max_frames + 3; ++i)
    s.rig.net.arrive(frame_of(20, static_cast<std::uint8_t>(i)));
  CHECK_EQ(s.rig.net.dropped_received(), 3);
  CHECK_FALSE(s.rig.line.level);
  std::vector<Gpa> buffers;
  for (unsigned i = 0; i < 256; ++i) buffers.push_back(s.offer(64));
  s.driver.notify(receive);
  CHECK_EQ(s.driver.used(receive).size(), 256);
  for (unsigned i = 0; i < 256; ++i)
    REQUIRE_EQ(s.driver.bytes_at(buffers[i] + 12, 20), frame_of(20, static_cast<std::uint8_t>(i)));
}

TEST_CASE("with merged buffers a long frame is spread, and the header tells over how many") {
  NetStand s;
  s.driver.start(1ull << 32 | merge);
  const std::vector<Gpa> at = {s.offer(100), s.offer(200), s.offer(1500)};
  s.rig.net.arrive(frame_of(1000));
  CHECK_EQ(s.driver.used(receive), std::vector<GuestDriver::Used>{{0, 100}, {1, 200}, {2, 712}});
  CHECK_EQ(s.driver.get(at[0] + 10, 2), 3);
  std::vector<std::uint8_t> got = s.driver.bytes_at(at[0] + 12, 88);
  for (auto part : {s.driver.bytes_at(at[1], 200), s.driver.bytes_at(at[2], 712)})
    got.insert(got.end(), part.begin(), part.end());
  CHECK_EQ(got, frame_of(1000));
}

TEST_CASE("with merged buffers a frame waits until there is room for all of it") {
  NetStand s;
  s.driver.start(1ull << 32 | merge);
  s.offer(100);
  s.rig.net.arrive(frame_of(150));
  CHECK(s.driver.used(receive).empty());
  s.offer(62);
  s.driver.notify(receive);
  CHECK_EQ(s.driver.used(receive), std::vector<GuestDriver::Used>{{0, 100}, {1, 62}});
}

TEST_CASE("a frame that a full ring of merged buffers cannot hold is dropped, and the buffers stay") {
  NetStand s;
  s.driver.start(1ull << 32 | merge);
  for (unsigned i = 0; i < 8; ++i) s.offer(16);
  s.rig.net.arrive(frame_of(1000));
  CHECK_EQ(s.rig.net.dropped_received(), 1);
  s.rig.net.arrive(frame_of(14));
  CHECK_EQ(s.driver.used(receive), std::vector<GuestDriver::Used>{{0, 16}, {1, 10}});
}

TEST_CASE("without merged buffers a frame too long for the next one is dropped, and the buffer stays") {
  NetStand s;
  s.driver.start(1ull << 32);
  s.offer(100);
  s.rig.net.arrive(frame_of(89));
  CHECK_EQ(s.rig.net.dropped_received(), 1);
  s.rig.net.arrive(frame_of(88));
  CHECK_EQ(s.driver.used(receive), std::vector<GuestDriver::Used>{{0, 100}});
}

TEST_CASE("without a driver frames are dropped and counted; a reset drops those that wait") {
  NetStand s;
  s.rig.net.arrive(frame_of(60));
  CHECK_EQ(s.rig.net.dropped_received(), 1);
  s.driver.start();
  s.rig.net.arrive(frame_of(60));
  CHECK_EQ(s.rig.net.dropped_received(), 1);
  s.driver.write(0x14, 1, 0);
  s.driver.start();
  s.offer(2000);
  s.driver.notify(receive);
  CHECK(s.driver.used(receive).empty());
}

TEST_CASE("buffers outside RAM break the device in either direction") {
  for (unsigned queue : {receive, transmit}) {
    NetStand s;
    s.driver.start();
    s.driver.add(queue, {{0x10'0000 - 20, 100, queue == receive}});
    s.driver.notify(queue);
    s.rig.net.arrive(frame_of(60));
    CHECK_EQ(s.driver.status() & GuestDriver::needs_reset, GuestDriver::needs_reset);
    CHECK(s.rig.bench.effects.messages.empty());
  }
}

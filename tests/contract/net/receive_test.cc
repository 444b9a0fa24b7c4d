// Receiving: filters, buffers, what the card says about a frame, and when it interrupts.
#include "devices/net/checksum.h"
#include "tests/contract/net/e1000_driver.h"
#include "tests/contract/net/packets.h"

using namespace lockstitch;
using namespace lockstitch::test;

namespace {
using D = E1000Driver;

Packet to(std::initializer_list<std::uint8_t> address, std::size_t bytes = 64) {
  Packet frame = plain_frame(bytes);
  std::copy(address.begin(), address.end(), frame.begin());
  return frame;
}
Packet tagged(unsigned tag, std::size_t bytes = 100) {
  Packet frame = plain_frame(bytes);
  set_word(frame, 12, 0x8100);
  set_word(frame, 14, tag);
  return frame;
}
}  // namespace

TEST_CASE("the checksums are those of the standards") {
  const std::uint8_t digits[] = {'1', '2', '3', '4', '5', '6', '7', '8', '9'};
  CHECK_EQ(frame_check_sequence(digits), 0xcbf4'3926);
  const std::uint8_t words[] = {0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7};
  CHECK_EQ(fold_words(add_words(words)), 0xddf2);
}

TEST_CASE("a frame lands in the next buffer at once and interrupts") {
  D d;
  d.start();
  d.rig.card.arrive(plain_frame(100));
  CHECK(d.rig.line.level);
  CHECK_EQ(d.read(e1000::icr), e1000::cause_rxt0);
  auto frames = d.receive();
  REQUIRE_EQ(frames.size(), 1);
  CHECK_EQ(frames[0].bytes, plain_frame(100));
  CHECK_EQ(frames[0].status, 0x07);  // DD, EOP, checksums not looked at
  CHECK_EQ(frames[0].errors, 0);
  CHECK_EQ(d.read(e1000::rdh), 1);
  CHECK_EQ(d.read(e1000::gprc), 1);
  CHECK_EQ(d.read(e1000::gorc), 104);
}

TEST_CASE("a short frame is padded, and without SECRC its check sequence follows") {
  D d;
  d.start(e1000::rctl_en | e1000::rctl_bam);
  d.rig.card.arrive(plain_frame(14));
  auto frames = d.receive();
  REQUIRE_EQ(frames.size(), 1);
  Packet want = plain_frame(14);
  want.resize(60);
  const std::uint32_t fcs = frame_check_sequence(want);
  for (unsigned i = 0; i < 4; ++i) want.push_back(static_cast<std::uint8_t>(fcs >> (8 * i)));
  CHECK_EQ(frames[0].bytes, want);
}

TEST_CASE("a frame longer than a buffer goes on in the next") {
  D d;
  d.start(D::receive_control | 3u << 16);  // 256 bytes
  d.rig.card.arrive(plain_frame(1518));
  d.rig.card.arrive(plain_frame(256));
  auto frames = d.receive();
  REQUIRE_EQ(frames.size(), 2);
  CHECK_EQ(frames[0].bytes, plain_frame(1518));
  CHECK_EQ(frames[0].buffers, 6);
  CHECK_EQ(frames[1].bytes, plain_frame(256));
  CHECK_EQ(frames[1].buffers, 1);
}

TEST_CASE("a descriptor without a buffer is passed over") {
  D d;
  d.start();
  d.put(D::receive_ring, 8, 0);
  d.rig.card.arrive(plain_frame(77));
  auto frames = d.receive();
  REQUIRE_EQ(frames.size(), 1);
  CHECK_EQ(frames[0].buffers, 2);
  CHECK_EQ(frames[0].bytes, plain_frame(77));
}

TEST_CASE("frames wait for buffers, the first 256 of them, in order") {
  D d;
  d.start(D::receive_control, 0);
  d.read(e1000::icr);
  for (unsigned i = 0; i < 260; ++i) d.rig.card.arrive(plain_frame(60 + i));
  CHECK_EQ(d.read(e1000::icr), e1000::cause_rxo);
  CHECK_EQ(d.rig.card.receiver().dropped(), 4);
  CHECK_EQ(d.read(e1000::mpc), 4);
  CHECK_EQ(d.read(e1000::rnbc), 260);
  std::size_t next = 60;
  unsigned tail = 0;
  while (next < 60 + 256) {
    tail = (tail + 32) % D::entries;
    d.write(e1000::rdt, tail);
    auto frames = d.receive();
    REQUIRE_EQ(frames.size(), 32);
    for (const auto& frame : frames) CHECK_EQ(frame.bytes, plain_frame(next++));
  }
  tail = (tail + 32) % D::entries;
  d.write(e1000::rdt, tail);
  CHECK(d.receive().empty());
}

TEST_CASE("what cannot be received is dropped and counted") {
  D d;
  d.rig.card.arrive(plain_frame(60));  // the receiver is off
  CHECK_EQ(d.rig.card.receiver().dropped(), 1);
  d.start();
  for (std::size_t bytes : {0u, 13u, 1519u, 65536u}) d.rig.card.arrive(plain_frame(bytes));
  CHECK_EQ(d.rig.card.receiver().dropped(), 5);
  d.rig.card.write_config(4, 2, 3);  // no bus mastering
  d.rig.card.arrive(plain_frame(60));
  d.rig.card.write_config(4, 2, 7);
  CHECK_EQ(d.rig.card.receiver().dropped(), 6);
  d.phy_write(0, 0x1200);  // no link
  d.rig.card.arrive(plain_frame(60));
  CHECK_EQ(d.rig.card.receiver().dropped(), 7);
  d.rig.bench.advance(E1000Phy::negotiation_ns);
  d.rig.card.arrive(plain_frame(60));
  CHECK_EQ(d.rig.card.receiver().dropped(), 7);
  CHECK_EQ(d.receive().size(), 1);
  // Switching the receiver off forgets what waits.
  d.write(e1000::rdt, 1);
  d.rig.card.arrive(plain_frame(60));
  d.rig.card.arrive(plain_frame(60));
  d.write(e1000::rctl, 0);
  CHECK_EQ(d.rig.card.receiver().dropped(), 9);
}

TEST_CASE("buffers and rings outside memory cost frames, not more") {
  D d;
  d.start();
  d.put(D::receive_ring, 8, 0xf000'0000);
  d.rig.card.arrive(plain_frame(60));
  CHECK_EQ(d.rig.card.receiver().dropped(), 1);
  d.rig.card.arrive(plain_frame(60));
  CHECK_EQ(d.rig.card.receiver().received(), 1);
  d.write(e1000::rdbah, 0xffff'ffff);
  d.rig.card.arrive(plain_frame(60));
  CHECK_EQ(d.rig.card.receiver().dropped(), 2);
  // A tail that the head never meets, over a ring without buffers.
  d.write(e1000::rdbah, 0);
  d.write(e1000::rdt, 0xffff);
  for (unsigned i = 0; i < D::entries; ++i) d.put(D::receive_ring + 16 * i, 8, 0);
  d.rig.card.arrive(plain_frame(60));
  CHECK_EQ(d.rig.card.receiver().dropped(), 3);
}

TEST_CASE("addresses are filtered as the driver asked") {
  D d;
  d.start(e1000::rctl_en | e1000::rctl_secrc);
  auto taken = [&](const Packet& frame) {
    d.rig.card.arrive(frame);
    d.rig.bench.advance(1000);
    const bool result = !d.receive().empty();
    d.write(e1000::rdt, (d.read(e1000::rdh) + D::entries - 1) % D::entries);
    return result;
  };
  const Packet broadcast = to({255, 255, 255, 255, 255, 255}), group = to({1, 0, 0x5e, 0, 0, 0xfb}),
               other = to({2, 0, 0, 0, 0, 7});
  CHECK(taken(plain_frame(64)));
  CHECK_FALSE(taken(other));
  CHECK_FALSE(taken(broadcast));
  CHECK_FALSE(taken(group));
  CHECK_EQ(d.rig.card.receiver().filtered(), 3);
  CHECK_EQ(d.rig.card.receiver().dropped(), 0);

  d.set(e1000::rctl, e1000::rctl_bam);
  CHECK(taken(broadcast));
  CHECK_FALSE(taken(group));
  // The hash of 0:fb: the upper twelve bits of the last two bytes.
  d.write(e1000::mta + 4 * (0xfb0 >> 5), 1u << (0xfb0 & 31));
  CHECK(taken(group));
  CHECK_FALSE(taken(to({1, 0, 0x5e, 0, 0, 0xfc})));
  CHECK_FALSE(taken(to({2, 0, 0x5e, 0, 0, 0xfb})));  // only groups are hashed
  d.set(e1000::rctl, 3u << 12);
  CHECK_FALSE(taken(group));
  d.set(e1000::rctl, e1000::rctl_mpe);
  CHECK(taken(group));
  CHECK_FALSE(taken(other));
  d.write(e1000::ra + 8 * 15, 0x0000'0002);
  d.write(e1000::ra + 8 * 15 + 4, 0x0000'0700);
  CHECK_FALSE(taken(other));
  d.write(e1000::ra + 8 * 15 + 4, 0x8000'0700);
  CHECK(taken(other));
  d.write(e1000::ra + 8 * 15 + 4, 0);
  d.set(e1000::rctl, e1000::rctl_upe);
  CHECK(taken(other));
}

TEST_CASE("tags are filtered, and taken off when the driver wants it") {
  D d;
  d.start(D::receive_control | e1000::rctl_vfe);
  d.rig.card.arrive(plain_frame(60));
  d.rig.card.arrive(tagged(0x2005));
  CHECK_EQ(d.receive().size(), 1);
  d.write(e1000::vfta, 1u << 5);
  d.rig.card.arrive(tagged(0x2005));
  d.set(e1000::ctrl, e1000::ctrl_vme);
  d.rig.card.arrive(tagged(0x2005));
  d.set(e1000::rctl, e1000::rctl_cfien);
  d.rig.card.arrive(tagged(0x3005));
  d.set(e1000::rctl, e1000::rctl_cfi);
  d.rig.card.arrive(tagged(0x3005));
  auto frames = d.receive();
  REQUIRE_EQ(frames.size(), 3);
  CHECK_EQ(frames[0].bytes, tagged(0x2005));
  CHECK_EQ(frames[0].status & 8, 0);
  Packet want = tagged(0x2005);
  want.erase(want.begin() + 12, want.begin() + 16);
  CHECK_EQ(frames[1].bytes, want);
  CHECK_EQ(frames[1].status & 8, 8);
  CHECK_EQ(frames[1].tag, 0x2005);
  CHECK_EQ(frames[2].tag, 0x3005);
}

TEST_CASE("checksums are reported as verified only when they are") {
  constexpr unsigned ip = 0x40, transport = 0x20, ignore = 4;
  auto report = [](const Packet& frame, std::uint32_t wanted) {
    D d;
    d.start();
    d.write(e1000::rxcsum, wanted);
    d.rig.card.arrive(frame);
    const auto frames = d.receive();
    REQUIRE_EQ(frames.size(), 1);
    return frames[0].errors << 8 | (frames[0].status & (ip | transport | ignore));
  };
  constexpr std::uint32_t all = 0x700;
  for (const bool udp : {false, true}) {
    CAPTURE(udp);
    const PacketShape v4{.udp = udp, .payload = 51}, v6{.ipv6 = true, .udp = udp, .payload = 50};
    CHECK_EQ(report(packet(v4), all), (ip | transport));
    CHECK_EQ(report(packet(v6), all), transport);
    CHECK_EQ(report(packet(v6), 0x300), ignore);
    CHECK_EQ(report(packet(v4), 0x100), ip);
    CHECK_EQ(report(packet(v4), 0x200), transport);
    CHECK_EQ(report(packet(v4), 0), ignore);
    Packet bad = packet(v4);
    bad.back() ^= 1;
    CHECK_EQ(report(bad, all), (0x2000 | ip | transport));
    bad = packet(v6);
    bad[v6.sum()] ^= 0x10;
    CHECK_EQ(report(bad, all), (0x2000 | transport));
    bad = packet(v4);
    bad[22] ^= 1;  // time to live
    CHECK_EQ(report(bad, all), (0x4000 | ip | transport));
    Packet fragment = packet(v4);
    set_word(fragment, 20, 0x2000);
    set_word(fragment, 24, 0);
    set_word(fragment, 24, 0xffff - ones_sum(fragment, 14, 34));
    CHECK_EQ(report(fragment, all), ip);
    Packet long_one = packet(v4);
    set_word(long_one, 16, 2000);
    CHECK_EQ(report(long_one, all), ignore);
    Packet outer = packet(v4);
    const std::uint8_t tag[4] = {0x81, 0x00, 0x00, 0x05};
    outer.insert(outer.begin() + 12, tag, tag + 4);
    CHECK_EQ(report(outer, all), (ip | transport));
    // A short packet is padded; the padding does not count.
    CHECK_EQ(report(packet({.udp = udp, .payload = 1}), all), (ip | transport));
  }
  Packet no_sum = packet({.udp = true, .payload = 20});
  set_word(no_sum, 40, 0);
  CHECK_EQ(report(no_sum, all), ip);
}

TEST_CASE("a delayed interrupt waits for silence, but no longer than the limit") {
  D d;
  d.start();
  d.write(e1000::rdtr, 50);   // 51.2 us
  d.write(e1000::radv, 100);  // 102.4 us
  d.rig.card.arrive(plain_frame(60));
  d.rig.bench.advance(51'199);
  CHECK_FALSE(d.rig.line.level);
  CHECK_EQ(d.receive().size(), 1);
  d.rig.bench.advance(1);
  CHECK(d.rig.line.level);
  d.read(e1000::icr);
  d.rig.bench.advance(1'000'000);
  for (int i = 0; i < 4; ++i) {
    d.rig.card.arrive(plain_frame(60));
    d.rig.bench.advance(25'000);
  }
  CHECK_FALSE(d.rig.line.level);
  d.rig.bench.advance(2'399);
  CHECK_FALSE(d.rig.line.level);
  d.rig.bench.advance(1);
  CHECK(d.rig.line.level);
  d.read(e1000::icr);
  d.rig.bench.advance(1'000'000);
  CHECK_FALSE(d.rig.line.level);
  // Flushed by the driver.
  d.rig.card.arrive(plain_frame(60));
  d.write(e1000::rdtr, 50 | e1000::flush_delay);
  CHECK(d.rig.line.level);
}

TEST_CASE("the driver hears when buffers run low") {
  D d;
  d.start(D::receive_control | 1u << 8);  // a quarter: 16 of 64
  d.read(e1000::icr);
  for (unsigned i = 0; i < 46; ++i) d.rig.card.arrive(plain_frame(60));
  CHECK_EQ(d.read(e1000::icr) & e1000::cause_rxdmt0, 0);
  d.rig.card.arrive(plain_frame(60));
  CHECK_EQ(d.read(e1000::icr) & e1000::cause_rxdmt0, e1000::cause_rxdmt0);
  d.rig.card.arrive(plain_frame(60));
  CHECK_EQ(d.read(e1000::icr) & e1000::cause_rxdmt0, 0);
}

// Sending: descriptors of three kinds, checksums, tags and segments, and when things happen.
#include "tests/contract/net/e1000_driver.h"
#include "tests/contract/net/packets.h"

using namespace lockstitch;
using namespace lockstitch::test;

namespace {
using D = E1000Driver;
using Frames = std::vector<Packet>;
constexpr std::uint64_t soon = 100'000, long_after = 20'000'000;
}  // namespace

TEST_CASE("a frame leaves a fixed time after the doorbell, then its descriptor is done and an interrupt comes") {
  D d;
  d.start();
  const Gpa at = d.send(plain_frame(100));
  d.rig.bench.advance(E1000Transmitter::doorbell_ns - 1);
  CHECK(d.wire().empty());
  CHECK_FALSE(d.reported(at));
  CHECK_FALSE(d.rig.line.level);
  d.rig.bench.advance(1);
  CHECK_EQ(d.wire(), Frames{plain_frame(100)});
  CHECK(d.reported(at));
  CHECK(d.rig.line.level);
  CHECK_EQ(d.read(e1000::tdh), 1);
  CHECK_EQ(d.read(e1000::icr), (e1000::cause_txdw | e1000::cause_txqe));
  CHECK_FALSE(d.rig.line.level);
}

TEST_CASE("frames that wait go out at the speed of the wire") {
  D d;
  d.start();
  for (int i = 0; i < 40; ++i) d.send(plain_frame(1514));
  d.rig.bench.advance(E1000Transmitter::doorbell_ns);
  CHECK_EQ(d.wire().size(), E1000Transmitter::frames_per_run);
  const std::uint64_t run_ns = (1514 + 24) * 8 * E1000Transmitter::frames_per_run;
  d.rig.bench.advance(run_ns);
  CHECK_EQ(d.wire().size(), E1000Transmitter::frames_per_run);
  d.rig.bench.advance(2 * E1000Transmitter::descriptor_ns * E1000Transmitter::frames_per_run);
  CHECK_EQ(d.wire().size(), 2 * E1000Transmitter::frames_per_run);
  d.rig.bench.advance(2 * run_ns);
  CHECK_EQ(d.wire().size(), 40);
}

TEST_CASE("a frame may lie in several descriptors; a short one is padded; only RS is reported") {
  D d;
  d.start();
  const Packet frame = plain_frame(44);
  const Gpa at = d.place(frame);
  const Gpa first = d.add(at, 10), second = d.add(at + 10, 20 | D::report);
  const Gpa third = d.add(at + 30, 14 | D::end | D::insert_fcs);
  d.doorbell();
  d.rig.bench.advance(soon);
  Packet padded = frame;
  padded.resize(60);
  CHECK_EQ(d.wire(), Frames{padded});
  CHECK_FALSE(d.reported(first));
  CHECK(d.reported(second));
  CHECK_FALSE(d.reported(third));
  CHECK_EQ(d.read(e1000::gptc), 1);
  CHECK_EQ(d.read(e1000::gptc), 0);
}

TEST_CASE("frames too short or too long are dropped and counted, and those after them leave") {
  D d;
  d.start();
  for (std::size_t bytes : {1u, 13u, 1519u, 16000u, 16384u}) d.send(plain_frame(bytes));
  for (int i = 0; i < 3; ++i) d.add(D::heap, 0xffff);
  d.add(D::heap, 0xffff | D::end);
  d.send(plain_frame(1518));
  d.rig.bench.advance(long_after);
  CHECK_EQ(d.wire(), Frames{plain_frame(1518)});
  CHECK_EQ(d.rig.card.transmitter().dropped(), 6);
}

TEST_CASE("a buffer outside memory costs its frame only") {
  D d;
  d.start();
  d.add(D::memory_bytes - 10, 100 | D::end | D::report);
  d.add(~0ull - 50, 100 | D::end | D::report);
  const Gpa last = d.send(plain_frame(64));
  d.rig.bench.advance(long_after);
  CHECK_EQ(d.wire(), Frames{plain_frame(64)});
  CHECK(d.reported(last));
  CHECK_EQ(d.rig.card.transmitter().malformed(), 2);
}

TEST_CASE("a ring outside memory, a tail outside the ring and a ring without entries do nothing, and time goes on") {
  D d;
  d.start();
  d.write(e1000::tdbal, 0xf000'0000);
  d.write(e1000::tdt, 5);
  d.rig.bench.advance(long_after);
  CHECK_EQ(d.rig.card.transmitter().malformed(), 1);
  CHECK_FALSE(d.rig.alarm.armed());
  d.write(e1000::tdbal, D::send_ring);
  d.write(e1000::tdt, D::entries);
  d.rig.bench.advance(long_after);
  d.write(e1000::tdlen, 0);
  d.write(e1000::tdt, 1);
  d.rig.bench.advance(long_after);
  CHECK(d.wire().empty());
  CHECK_EQ(d.read(e1000::tdh), 0);
}

TEST_CASE("a ring full of descriptors that do nothing is bounded work") {
  D d;
  d.start();
  for (unsigned i = 0; i + 1 < D::entries; ++i) d.add_context(0, {});
  d.doorbell();
  d.rig.bench.advance(long_after);
  CHECK_EQ(d.read(e1000::tdh), D::entries - 1);
  // One segment for each byte of a large buffer.
  D small;
  small.start();
  small.add_context(D::context_segment | D::context_tcp | D::context_ipv4, {}, 0, 54, 1);
  small.add(D::heap, 0xf'ffff | D::data_type | D::extended | D::segment | D::end);
  small.doorbell();
  small.rig.bench.advance(E1000Transmitter::doorbell_ns);
  CHECK_EQ(small.wire().size(), E1000Transmitter::frames_per_run);
  CHECK_EQ(small.read(e1000::tdh), 1);
  small.write(e1000::tctl, 0);
  small.rig.bench.advance(long_after);
  CHECK_EQ(small.wire().size(), E1000Transmitter::frames_per_run);
}

TEST_CASE("a legacy descriptor inserts one checksum") {
  D d;
  d.start();
  const PacketShape shape{.udp = true, .payload = 33};
  const Packet want = packet(shape);
  d.send(prepared(shape, false),
         D::legacy_sum | std::uint64_t{shape.sum()} << 16 | std::uint64_t{shape.transport()} << 40);
  d.rig.bench.advance(soon);
  REQUIRE_EQ(d.wire().size(), 1);
  Packet got = d.wire()[0];
  CHECK(transport_sum_good(got, shape));
  CHECK_EQ(word(got, shape.sum()), word(want, shape.sum()));
}

TEST_CASE("data descriptors insert the checksums their context describes") {
  for (const PacketShape& shape : {PacketShape{.payload = 100}, PacketShape{.udp = true, .payload = 101},
                                   PacketShape{.ipv6 = true, .payload = 99}, PacketShape{.ipv6 = true, .udp = true}}) {
    D d;
    d.start();
    CAPTURE(shape.ipv6);
    CAPTURE(shape.udp);
    d.add_context(shape.udp ? 0 : D::context_tcp, {.start = shape.transport(), .sum = shape.sum()});
    d.add_data(prepared(shape, false), D::end | D::transport_sum | (shape.ipv6 ? 0 : D::ip_sum));
    d.doorbell();
    d.rig.bench.advance(soon);
    Packet want = packet(shape);
    if (want.size() < 60) want.resize(60);
    CHECK_EQ(d.wire(), Frames{want});
  }
}

TEST_CASE("a context stays in force for the packets that follow") {
  D d;
  d.start();
  const PacketShape shape{.payload = 200};
  d.add_context(D::context_tcp, {});
  for (int i = 0; i < 3; ++i) d.add_data(prepared(shape, false), D::end | D::ip_sum | D::transport_sum);
  d.add_data(prepared(shape, false), D::end);
  d.doorbell();
  d.rig.bench.advance(soon);
  CHECK_EQ(d.wire(), Frames{packet(shape), packet(shape), packet(shape), prepared(shape, false)});
}

TEST_CASE("a large packet is cut into frames that are each right") {
  struct Case {
    PacketShape shape;
    std::uint64_t mss;
  };
  for (const Case& c :
       {Case{{.payload = 64000}, 1460}, Case{{.payload = 4380}, 1460}, Case{{.payload = 10}, 1460},
        Case{{.payload = 3001}, 536}, Case{{.ipv6 = true, .payload = 20001}, 1440},
        Case{{.udp = true, .payload = 5000}, 1472}, Case{{.ipv6 = true, .udp = true, .payload = 2901}, 1452}}) {
    const PacketShape& shape = c.shape;
    CAPTURE(shape.ipv6);
    CAPTURE(shape.udp);
    CAPTURE(shape.payload);
    // The header in a descriptor of its own, then pieces of odd sizes; and all in one.
    for (bool one_piece : {false, true}) {
      if (one_piece && shape.payload > 16000) continue;
      D d;
      d.start();
      const Packet whole = prepared(shape, true);
      const Packet original = packet(shape);
      d.add_context(D::context_segment | (shape.udp ? 0 : D::context_tcp) | (shape.ipv6 ? 0 : D::context_ipv4),
                    {.ip_end = shape.transport() - 1, .start = shape.transport(), .sum = shape.sum()}, shape.payload,
                    shape.header(), c.mss);
      const std::uint64_t more = D::segment | D::transport_sum | (shape.ipv6 ? 0 : D::ip_sum);
      Gpa last = 0;
      if (one_piece) {
        last = d.add_data(whole, more | D::end);
      } else {
        const auto head = whole.begin() + static_cast<std::ptrdiff_t>(shape.header());
        d.add_data({whole.begin(), head}, more);
        std::size_t at = shape.header(), piece = 4091;
        while (at < whole.size()) {
          const std::size_t n = std::min(piece, whole.size() - at);
          const auto from = whole.begin() + static_cast<std::ptrdiff_t>(at);
          at += n;
          last = d.add_data({from, from + static_cast<std::ptrdiff_t>(n)}, more | (at == whole.size() ? D::end : 0));
        }
      }
      d.doorbell();
      d.rig.bench.advance(long_after);
      CHECK(d.reported(last));

      const std::size_t frames = (shape.payload + c.mss - 1) / c.mss;
      REQUIRE_EQ(d.wire().size(), frames);
      Packet payload;
      for (std::size_t i = 0; i < frames; ++i) {
        CAPTURE(i);
        const Packet& frame = d.wire()[i];
        const bool is_last = i + 1 == frames;
        const std::size_t part = is_last ? shape.payload - i * c.mss : c.mss, bytes = shape.header() + part;
        REQUIRE_EQ(frame.size(), std::max<std::size_t>(bytes, 60));
        if (shape.ipv6) {
          CHECK_EQ(word(frame, 18), bytes - 54);
        } else {
          CHECK_EQ(word(frame, 16), bytes - 14);
          CHECK_EQ(word(frame, 18), ((0xfffe + i) & 0xffff));
          CHECK(ip_sum_good(frame));
        }
        CHECK(transport_sum_good(frame, shape));
        if (shape.udp) {
          CHECK_EQ(word(frame, shape.transport() + 4), bytes - shape.transport());
        } else {
          CHECK_EQ(long_word(frame, shape.transport() + 4), static_cast<std::uint32_t>(0xffff'f800 + i * c.mss));
          CHECK_EQ(frame[shape.transport() + 13], (is_last ? 0x19 : 0x10));
        }
        payload.insert(payload.end(), frame.begin() + static_cast<std::ptrdiff_t>(shape.header()),
                       frame.begin() + static_cast<std::ptrdiff_t>(bytes));
      }
      CHECK(std::equal(payload.begin(), payload.end(), original.begin() + static_cast<std::ptrdiff_t>(shape.header()),
                       original.end()));
      CHECK_EQ(d.read(e1000::tsctc), 1);
    }
  }
}

TEST_CASE("segmentation that makes no sense drops the packet and no more") {
  struct Case {
    std::uint64_t header, mss;
  };
  for (const Case& c : {Case{0, 1460}, Case{54, 0}, Case{255, 0xffff}, Case{200, 100}}) {
    D d;
    d.start();
    d.add_context(D::context_segment | D::context_tcp | D::context_ipv4, {}, 100, c.header, c.mss);
    d.add_data(plain_frame(154), D::segment | D::end);
    d.send(plain_frame(70));
    d.rig.bench.advance(long_after);
    CHECK_EQ(d.wire(), Frames{plain_frame(70)});
    CHECK_EQ(d.rig.card.transmitter().dropped(), 1);
  }
}

TEST_CASE("a tag is inserted when descriptor and control register want it") {
  D d;
  d.start();
  d.send(plain_frame(100), D::tag | 0x1234ull << 48);
  d.rig.bench.advance(soon);
  d.set(e1000::ctrl, e1000::ctrl_vme);
  d.send(plain_frame(100));
  d.send(plain_frame(100), D::tag | 0x1234ull << 48);
  d.send(plain_frame(1515), D::tag | 0x1234ull << 48);
  d.rig.bench.advance(soon);
  Packet tagged = plain_frame(100);
  const std::uint8_t tag[4] = {0x81, 0x00, 0x12, 0x34};
  tagged.insert(tagged.begin() + 12, tag, tag + 4);
  CHECK_EQ(d.wire(), Frames{plain_frame(100), plain_frame(100), tagged});
  CHECK_EQ(d.rig.card.transmitter().dropped(), 1);
}

TEST_CASE("a delayed report waits for the last frame, but no longer than the limit") {
  D d;
  d.start();
  d.write(e1000::ims, e1000::cause_txdw);
  d.write(e1000::imc, ~e1000::cause_txdw);
  d.write(e1000::tidv, 100);  // 102.4 us
  d.write(e1000::tadv, 0);
  const Gpa at = d.send(plain_frame(60), D::delay);
  d.rig.bench.advance(E1000Transmitter::doorbell_ns + 102'399);
  CHECK(d.reported(at));
  CHECK_FALSE(d.rig.line.level);
  d.rig.bench.advance(1);
  CHECK(d.rig.line.level);
  d.read(e1000::icr);
  d.rig.bench.advance(long_after);

  d.write(e1000::tadv, 200);  // 204.8 us
  for (int i = 0; i < 3; ++i) {
    d.send(plain_frame(60), D::delay);
    d.rig.bench.advance(60'000);
  }
  d.rig.bench.advance(E1000Transmitter::doorbell_ns + 204'800 - 180'000 - 1);
  CHECK_EQ(d.wire().size(), 4);
  CHECK_FALSE(d.rig.line.level);
  d.rig.bench.advance(1);
  CHECK(d.rig.line.level);
}

TEST_CASE("nothing leaves while the transmitter, the link or bus mastering is off") {
  D d;
  d.start();
  d.write(e1000::tctl, 0);
  d.send(plain_frame(60));
  d.rig.bench.advance(soon);
  CHECK(d.wire().empty());
  d.rig.card.write_config(4, 2, 3);
  d.write(e1000::tctl, e1000::tctl_en);
  d.rig.bench.advance(soon);
  CHECK(d.wire().empty());
  d.phy_write(0, 0x1200);
  d.rig.card.write_config(4, 2, 7);
  d.rig.bench.advance(soon);
  CHECK(d.wire().empty());
  d.rig.bench.advance(E1000Phy::negotiation_ns);
  CHECK_EQ(d.wire().size(), 1);
}

TEST_CASE("in loopback frames come back and do not leave") {
  D d;
  d.start();
  d.phy_write(0, 0x4140);
  d.send(plain_frame(80));
  d.rig.bench.advance(soon);
  CHECK(d.wire().empty());
  const auto frames = d.receive();
  REQUIRE_EQ(frames.size(), 1);
  CHECK_EQ(frames[0].bytes, plain_frame(80));
}

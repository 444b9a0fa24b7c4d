// What every device owes the machine, for the network card.
#include "tests/contract/net/e1000_driver.h"
#include "tests/contract/net/packets.h"
#include "tests/contract/support/device_contract.h"

using namespace lockstitch;
using namespace lockstitch::test;

TEST_CASE("the 82540EM keeps the contract of devices") {
  check_device_contract([] { return std::make_unique<E1000Rig>(); }, 60);
}

TEST_CASE("the careless guest gets work done: without that the contract would say little") {
  std::uint64_t sent = 0, received = 0, malformed = 0, dropped = 0, interrupts = 0;
  for (unsigned round = 0; round < 40; ++round) {
    Random random(run_seed() + round);
    E1000Rig rig;
    for (unsigned i = 0; i < 400; ++i) {
      random_event(rig, random);
      if (random.one_in(16)) rig.bench.advance(600'000'000);  // for the link
    }
    sent += rig.card.transmitter().sent();
    received += rig.card.receiver().received();
    malformed += rig.card.transmitter().malformed();
    dropped += rig.card.transmitter().dropped() + rig.card.receiver().dropped();
    interrupts += rig.line.rises;
  }
  CHECK_GT(sent, 20);
  CHECK_GT(received, 20);
  CHECK_GT(malformed, 5);
  CHECK_GT(dropped, 20);
  CHECK_GT(interrupts, 20);
}

TEST_CASE("a card that is saved at work goes on as it would have") {
  using D = E1000Driver;
  // In the middle of a segmented packet; when the wire is busy and nothing waits; when all is quiet.
  const std::uint64_t first_run = E1000Transmitter::doorbell_ns;
  for (const std::uint64_t wait : {first_run, first_run + 70'000, first_run + 1'000'000}) {
    CAPTURE(wait);
    D d, copy;
    d.start();
    d.write(e1000::tidv, 300);
    d.write(e1000::rdtr, 300);
    const PacketShape shape{.payload = 8000};
    d.add_context(D::context_segment | D::context_tcp | D::context_ipv4, {}, 8000, shape.header(), 400);
    d.add_data(prepared(shape, true), D::segment | D::end | D::transport_sum | D::ip_sum | D::delay);
    d.doorbell();
    d.rig.card.arrive(plain_frame(90));
    d.rig.bench.advance(wait);
    REQUIRE_EQ(load(copy.rig, save(d.rig)), "");
    copy.rig.card.loaded();
    d.rig.bench.take_outputs();
    copy.rig.bench.take_outputs();
    for (D* one : {&d, &copy}) {
      one->rig.card.arrive(plain_frame(70));
      const std::uint32_t tail = one->read(e1000::tdt);
      one->put(D::send_ring + 16 * tail, 8, D::heap);
      one->put(D::send_ring + 16 * tail + 8, 8, 200 | D::end | D::report);
      one->write(e1000::tdt, tail + 1);
    }
    for (int i = 0; i < 200; ++i) {
      CAPTURE(i);
      d.rig.bench.advance(3'000);
      copy.rig.bench.advance(3'000);
      REQUIRE_EQ(d.rig.bench.take_outputs(), copy.rig.bench.take_outputs());
    }
    for (std::uint32_t index = 0; index < 32; ++index) CHECK_EQ(d.phy_read(index), copy.phy_read(index));
    REQUIRE_EQ(difference(save(d.rig), save(copy.rig)), "");
  }
}

// What every device owes the machine, for the network card.
#include "tests/contract/net/e1000_rig.h"
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

// Claims about pvpanic.
#include <doctest/doctest.h>

#include "tests/contract/hpet/hpet_rigs.h"

using namespace lockstitch::test;

TEST_CASE("pvpanic offers two events and reports each as a byte of its own") {
  PvpanicRig r;
  CHECK(r.it.read(0, 1) == 3);
  r.it.write(0, 1, 1);
  r.it.write(0, 1, 2);
  r.it.write(0, 1, 3);
  r.it.write(0, 1, 0xfc);
  CHECK(r.bench.effects.messages == std::vector<std::vector<std::uint8_t>>{{1}, {2}, {1}, {2}});
  CHECK(r.it.panics() == 2);
  CHECK(r.it.crash_loads() == 2);
  r.it.reset();
  CHECK(r.it.panics() == 2);
}

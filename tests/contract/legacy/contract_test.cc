// The device contract, for every legacy device.
#include <doctest/doctest.h>

#include "tests/contract/legacy/rigs.h"
#include "tests/contract/support/device_contract.h"

using namespace lockstitch::test;

TEST_CASE("every legacy device resets to power-on, survives save and load, and is safe under any accesses") {
  for (const NamedRig& rig : legacy_rigs) {
    SUBCASE(std::string(rig.name).c_str()) { check_device_contract(rig.make); }
  }
}

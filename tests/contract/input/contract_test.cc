// The device contract, for the keyboard controller.
#include <doctest/doctest.h>

#include "tests/contract/input/input_rig.h"
#include "tests/contract/support/device_contract.h"

using namespace lockstitch::test;

TEST_CASE("the keyboard controller resets to power-on, survives save and load, and is safe under any accesses") {
  check_device_contract([] { return std::make_unique<InputRig>(); });
}

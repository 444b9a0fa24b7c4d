// The device contract, for the HPET and for pvpanic.
#include <doctest/doctest.h>

#include "tests/contract/hpet/hpet_rigs.h"
#include "tests/contract/support/device_contract.h"

using namespace lockstitch::test;

TEST_CASE("the HPET resets to power-on, survives save and load, and is safe under any accesses") {
  check_device_contract([] { return std::make_unique<HpetRig>(); });
}

TEST_CASE("pvpanic survives save and load and is safe under any accesses") {
  check_device_contract([] { return std::make_unique<PvpanicRig>(); });
}

// The device contract, for the display adapter.
#include <doctest/doctest.h>

#include "tests/contract/support/device_contract.h"
#include "tests/contract/video/vga_rig.h"

using namespace lockstitch::test;

TEST_CASE("the display adapter resets to power-on, survives save and load, and is safe under any accesses") {
  check_device_contract([] { return std::make_unique<VgaRig>(); }, 40);
}

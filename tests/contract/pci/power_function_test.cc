// Where the power management block lies.
#include "devices/pci/power_function.h"

#include "tests/contract/pci/config_window.h"
#include "tests/contract/support/device_contract.h"

using namespace lockstitch;
using namespace lockstitch::test;

namespace {
struct PowerRig final : Rig {
  TestMap& block = bench.map();
  PowerFunction function{"power-function"};
  ConfigWindow config{function};
  PowerRig() {
    function.attach(block);
    windows = {{&config, 256, 4}};
  }
  Device& device() override { return function; }
};
}  // namespace

TEST_CASE("the power function keeps the contract of devices") {
  check_device_contract([] { return std::make_unique<PowerRig>(); });
}

TEST_CASE("the block lies at 600h from the start, as firmware leaves it") {
  PowerRig rig;
  CHECK_EQ(rig.function.read_config(0x00, 4), 0x7113'8086);
  CHECK_EQ(rig.function.read_config(0x04, 4), 0x0280'0000);
  CHECK_EQ(rig.function.read_config(0x08, 4), 0x0680'0003);
  CHECK_EQ(rig.function.read_config(0x3c, 2), 0x0109);
  CHECK_EQ(rig.function.read_config(0x40, 4), 0x0601);
  CHECK_EQ(rig.function.read_config(0x80, 1), 1);
  CHECK(rig.block.placed);
  CHECK_EQ(rig.block.base, 0x600);
}

TEST_CASE("the block moves with PMBA, leaves with its enable bit and returns at reset") {
  PowerRig rig;
  rig.function.write_config(0x40, 4, 0xffff'b03f);
  CHECK_EQ(rig.function.read_config(0x40, 4), 0xb001);
  CHECK_EQ(rig.block.base, 0xb000);
  rig.function.write_config(0x80, 1, 0);
  CHECK_FALSE(rig.block.placed);
  rig.function.write_config(0x80, 1, 1);
  CHECK_EQ(rig.block.base, 0xb000);
  rig.function.write_config(0x40, 4, 0);
  CHECK_FALSE(rig.block.placed);
  rig.function.reset();
  CHECK_EQ(rig.block.base, 0x600);
}

// The PIRQ router: swizzle, sharing, disabling and rerouting.
#include "devices/pci/isa_bridge.h"

#include "tests/contract/pci/config_window.h"
#include "tests/contract/support/device_contract.h"

using namespace lockstitch;
using namespace lockstitch::test;

namespace {
struct BridgeRig final : Rig {
  std::array<IrqLine*, 16> lines = make_lines();
  IsaBridge bridge{"isa-bridge", lines};
  ConfigWindow config{bridge};
  BridgeRig() {
    windows = {{&config, 256, 4}};
    for (unsigned slot : {3u, 4u, 9u})
      actions.push_back([this, slot](std::uint64_t r) {
        bridge.pin(slot, 1 + (r >> 1) % 4).set(r & 1);
        return 0;
      });
    for (unsigned pirq = 0; pirq < 4; ++pirq)
      actions.push_back([this, pirq](std::uint64_t r) {
        bridge.route(pirq, static_cast<std::uint8_t>(r));
        return 0;
      });
  }
  std::array<IrqLine*, 16> make_lines() {
    std::array<IrqLine*, 16> made;
    for (auto& line : made) line = &bench.line();
    return made;
  }
  bool level(unsigned irq) { return static_cast<TestLine*>(lines[irq])->level; }
  unsigned levels() {
    unsigned all = 0;
    for (unsigned i = 0; i < 16; ++i) all |= unsigned{level(i)} << i;
    return all;
  }
  Device& device() override { return bridge; }
};
}  // namespace

TEST_CASE("the ISA bridge keeps the contract of devices") {
  check_device_contract([] { return std::make_unique<BridgeRig>(); });
}

TEST_CASE("pins are swizzled by slot over the four routes") {
  BridgeRig rig;
  const std::array<std::uint8_t, 4> irqs = {3, 5, 10, 11};
  for (unsigned i = 0; i < 4; ++i) rig.bridge.route(i, irqs[i]);
  for (unsigned slot = 0; slot < 32; ++slot)
    for (unsigned pin = 1; pin <= 4; ++pin) {
      CAPTURE(slot);
      CAPTURE(pin);
      rig.bridge.pin(slot, pin).set(true);
      CHECK_EQ(rig.levels(), 1u << irqs[(pin - 1 + slot + 3) % 4]);
      rig.bridge.pin(slot, pin).set(false);
      CHECK_EQ(rig.levels(), 0);
    }
}

TEST_CASE("nothing is routed after reset") {
  BridgeRig rig;
  CHECK_EQ(rig.bridge.read_config(0x60, 4), 0x8080'8080);
  for (unsigned pin = 1; pin <= 4; ++pin) rig.bridge.pin(4, pin).set(true);
  CHECK_EQ(rig.levels(), 0);
}

TEST_CASE("a shared interrupt stays up until the last pin on it falls") {
  BridgeRig rig;
  rig.bridge.write_config(0x60, 4, 0x0b0b'0a0a);
  rig.bridge.pin(1, 1).set(true);  // route A
  rig.bridge.pin(2, 1).set(true);  // route B
  rig.bridge.pin(5, 1).set(true);  // route A again
  CHECK_EQ(rig.levels(), 1u << 10);
  rig.bridge.pin(1, 1).set(false);
  rig.bridge.pin(2, 1).set(false);
  CHECK_EQ(rig.levels(), 1u << 10);
  rig.bridge.pin(5, 1).set(false);
  CHECK_EQ(rig.levels(), 0);
}

TEST_CASE("a route that is moved or disabled takes the level with it") {
  BridgeRig rig;
  rig.bridge.route(3, 10);
  rig.bridge.pin(4, 1).set(true);  // (0 + 4 - 1) mod 4: route D
  CHECK_EQ(rig.levels(), 1u << 10);
  rig.bridge.route(3, 5);
  CHECK_EQ(rig.levels(), 1u << 5);
  rig.bridge.route(3, 0x85);
  CHECK_EQ(rig.levels(), 0);
  rig.bridge.route(3, 11);
  CHECK_EQ(rig.levels(), 1u << 11);
  rig.bridge.reset();
  CHECK_EQ(rig.levels(), 0);
}

TEST_CASE("reserved interrupts cannot be routed to") {
  BridgeRig rig;
  rig.bridge.pin(1, 1).set(true);
  for (std::uint8_t irq : {0, 1, 2, 8, 13}) {
    rig.bridge.route(0, irq);
    CHECK_EQ(rig.levels(), 0);
  }
}

TEST_CASE("an interrupt without a wire is harmless") {
  IsaBridge bridge("bare", {});
  bridge.route(0, 10);
  bridge.pin(1, 1).set(true);
  bridge.pin(1, 1).set(false);
}

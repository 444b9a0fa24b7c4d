// Configuration mechanism #1: the latch at CF8h, the data window at CFCh, and CF9h between them.
#include "devices/pci/pci_host.h"

#include "devices/pci/isa_bridge.h"
#include "tests/contract/pci/config_window.h"
#include "tests/contract/support/device_contract.h"

using namespace lockstitch;
using namespace lockstitch::test;

namespace {
class OneByte final : public RegisterWindow {
 public:
  std::uint8_t value = 0;
  unsigned accesses = 0;
  std::uint64_t read(std::uint64_t offset, unsigned width) override {
    CHECK_EQ(offset, 0);
    CHECK_EQ(width, 1);
    ++accesses;
    return value;
  }
  void write(std::uint64_t, unsigned, std::uint64_t to) override {
    ++accesses;
    value = static_cast<std::uint8_t>(to);
  }
};

struct HostRig final : Rig {
  OneByte reset_control;
  PciHost host{"pci-host", &reset_control};
  IsaBridge bridge{"isa-bridge", {}};
  ConfigWindow config{host};
  HostRig() {
    host.add(1, 0, bridge);
    windows = {{&host.address(), 4}, {&host.data(), 4}, {&config, 256, 4}};
  }
  Device& device() override { return host; }
  void visit(StateVisitor& v) override {
    Rig::visit(v);
    Section section(v, "others");
    v.field("reset_control", reset_control.value);
    bridge.visit(v);
  }
  std::uint32_t read(std::uint32_t address, unsigned byte = 0, unsigned width = 4) {
    host.address().write(0, 4, address);
    return static_cast<std::uint32_t>(host.data().read(byte, width) & ones(width));
  }
};
}  // namespace

TEST_CASE("the PCI host keeps the contract of devices") {
  check_device_contract([] {
    auto rig = std::make_unique<HostRig>();
    rig->keeps_contents = true;  // the rig's other devices are not reset
    return rig;
  });
}

TEST_CASE("a reset host is a new host") {
  HostRig rig;
  const StateImage fresh = save(rig.host);
  rig.host.write_config(0x59, 4, 0x3333'3333);
  rig.host.address().write(0, 4, 0x8000'0800);
  rig.host.reset();
  CHECK_EQ(difference(fresh, save(rig.host)), "");
}

TEST_CASE("the latch reads back what matters of what was written") {
  HostRig rig;
  rig.host.address().write(0, 4, 0x8000'0000);
  CHECK_EQ(rig.host.address().read(0, 4), 0x8000'0000);
  rig.host.address().write(0, 4, 0xffff'ffff);
  CHECK_EQ(rig.host.address().read(0, 4), 0x80ff'fffc);
}

TEST_CASE("8-bit accesses to CF9h go to reset control and leave the latch alone") {
  HostRig rig;
  rig.host.address().write(0, 4, 0x8000'0800);
  rig.host.address().write(1, 1, 0x02);
  CHECK_EQ(rig.reset_control.value, 0x02);
  CHECK_EQ(rig.host.address().read(1, 1), 0x02);
  CHECK_EQ(rig.host.address().read(0, 4), 0x8000'0800);
}

TEST_CASE("other narrow accesses to the latch are unclaimed") {
  HostRig rig;
  rig.host.address().write(0, 4, 0x8000'0800);
  for (auto [offset, width] : {std::pair{0u, 1u}, {2u, 1u}, {3u, 1u}, {0u, 2u}, {2u, 2u}}) {
    rig.host.address().write(offset, width, 0);
    CHECK_EQ(rig.host.address().read(offset, width), ones(width));
  }
  CHECK_EQ(rig.reset_control.accesses, 0);
  CHECK_EQ(rig.host.address().read(0, 4), 0x8000'0800);
  PciHost bare("bare", nullptr);
  bare.address().write(1, 1, 6);
  CHECK_EQ(bare.address().read(1, 1), 0xff);
}

TEST_CASE("functions answer at their place with 8, 16 and 32 bit accesses") {
  HostRig rig;
  CHECK_EQ(rig.read(0x8000'0000), 0x1237'8086);
  CHECK_EQ(rig.read(0x8000'0800), 0x7000'8086);
  CHECK_EQ(rig.read(0x8000'0800, 2, 2), 0x7000);
  CHECK_EQ(rig.read(0x8000'0800, 1, 1), 0x80);
  CHECK_EQ(rig.read(0x8000'080c, 2, 1), 0x80);  // multifunction
  rig.host.address().write(0, 4, 0x8000'0860);
  rig.host.data().write(2, 1, 11);
  CHECK_EQ(rig.read(0x8000'0860), 0x800b'8080);
  rig.host.data().write(0, 2, 0x0505);
  CHECK_EQ(rig.read(0x8000'0860), 0x800b'0505);
}

TEST_CASE("absent functions, other buses and a disabled latch read all ones and drop writes") {
  HostRig rig;
  CHECK_EQ(rig.read(0x8000'0900), 0xffff'ffff);
  CHECK_EQ(rig.read(0x8000'f800), 0xffff'ffff);
  CHECK_EQ(rig.read(0x8001'0000), 0xffff'ffff);
  CHECK_EQ(rig.read(0x0000'0800), 0xffff'ffff);
  rig.host.data().write(0, 4, 0);
  rig.host.address().write(0, 4, 0x0000'0860);
  rig.host.data().write(0, 4, 0x0a0a'0a0a);
  CHECK_EQ(rig.read(0x8000'0860), 0x8080'8080);
}

TEST_CASE("the host bridge stores its PAM registers and forgets them at reset") {
  HostRig rig;
  CHECK_EQ(rig.host.read_config(0x72, 1), 0x02);
  rig.host.write_config(0x59, 1, 0x30);
  rig.host.write_config(0x5a, 4, 0x3333'3333);
  CHECK_EQ(rig.host.read_config(0x58, 4), 0x3333'3000);
  rig.host.reset();
  CHECK_EQ(rig.host.read_config(0x58, 4), 0);
}

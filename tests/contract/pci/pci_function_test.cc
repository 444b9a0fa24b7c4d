// Base address registers, the command register and the capability list of any function.
#include "tests/contract/pci/config_window.h"
#include "tests/contract/support/device_contract.h"

using namespace lockstitch;
using namespace lockstitch::test;

namespace {
class Sample final : public PciFunction {
 public:
  Sample(MapPort& io, MapPort& low, MapPort& wide)
      : PciFunction("sample",
                    {.vendor = 0x1234, .device = 0x5678, .revision = 9, .class_code = 0x02'00'01, .interrupt_pin = 2}) {
    add_bar(0, BarKind::io, 64);
    add_bar(1, BarKind::memory32, 4096);
    add_bar(2, BarKind::memory64_prefetchable, 16384);
    attach_bar(0, io);
    attach_bar(1, low);
    attach_bar(2, wide);
    first = add_capability({0x09, 0, 5, 1, 2});
    second = add_capability({0x11, 0, 3, 4});
    set_writable(second + 2, 1, 0x0f);
  }
  unsigned first = 0, second = 0;
};

struct SampleRig final : Rig {
  TestMap &io = bench.map(), &low = bench.map(), &wide = bench.map();
  Sample function{io, low, wide};
  ConfigWindow config{function};
  SampleRig() {
    windows = {{&config, 256, 4}, {&config, 0x40, 4}};
  }
  Device& device() override { return function; }
};
constexpr unsigned command = 0x04;
}  // namespace

TEST_CASE("a PCI function keeps the contract of devices") {
  check_device_contract([] { return std::make_unique<SampleRig>(); });
}

TEST_CASE("a function shows its identity and ignores writes to it") {
  SampleRig rig;
  Sample& f = rig.function;
  for (unsigned offset : {0x00u, 0x08u, 0x0cu, 0x2cu, 0x34u}) f.write_config(offset, 4, 0xffff'ffff);
  CHECK_EQ(f.read_config(0x00, 4), 0x5678'1234);
  CHECK_EQ(f.read_config(0x08, 4), 0x0200'0109);
  CHECK_EQ(f.read_config(0x0e, 1), 0);
  CHECK_EQ(f.read_config(0x2c, 4), 0x1100'1af4);
  CHECK_EQ(f.read_config(0x3d, 1), 2);
  f.write_config(0x3c, 1, 11);
  CHECK_EQ(f.read_config(0x3c, 2), 0x020b);
}

TEST_CASE("capabilities are linked in order and the status register says that there is a list") {
  SampleRig rig;
  Sample& f = rig.function;
  CHECK_EQ(f.read_config(0x06, 2), 0x0010);
  CHECK_EQ(f.read_config(0x34, 1), f.first);
  CHECK_EQ(f.read_config(f.first, 1), 0x09);
  CHECK_EQ(f.read_config(f.first + 1, 1), f.second);
  CHECK_EQ(f.read_config(f.second, 2), 0x0011);
  CHECK_EQ(f.second % 4, 0);
  f.write_config(f.second + 2, 2, 0xffff);
  CHECK_EQ(f.read_config(f.second + 2, 2), 0x040f);
}

TEST_CASE("writing ones to a base address register shows its size and kind") {
  SampleRig rig;
  Sample& f = rig.function;
  for (unsigned offset = 0x10; offset < 0x28; offset += 4) f.write_config(offset, 4, 0xffff'ffff);
  CHECK_EQ(f.read_config(0x10, 4), 0xffff'ffc1);
  CHECK_EQ(f.read_config(0x14, 4), 0xffff'f000);
  CHECK_EQ(f.read_config(0x18, 4), 0xffff'c00c);
  CHECK_EQ(f.read_config(0x1c, 4), 0xffff'ffff);
  CHECK_EQ(f.read_config(0x20, 4), 0);
}

TEST_CASE("a window is on the bus only while the command register decodes its space") {
  SampleRig rig;
  Sample& f = rig.function;
  f.write_config(0x10, 4, 0xc041);
  f.write_config(0x14, 4, 0xfebd'1000);
  f.write_config(0x18, 4, 0x0000'400c);
  f.write_config(0x1c, 4, 0x12);
  CHECK_FALSE((rig.io.placed || rig.low.placed || rig.wide.placed));
  f.write_config(command, 2, 1);
  CHECK(rig.io.placed);
  CHECK_EQ(rig.io.base, 0xc040);
  CHECK_FALSE((rig.low.placed || rig.wide.placed));
  f.write_config(command, 2, 2);
  CHECK_FALSE(rig.io.placed);
  CHECK_EQ(rig.low.base, 0xfebd'1000);
  CHECK_EQ(rig.wide.base, 0x12'0000'4000);
  f.write_config(0x14, 4, 0xfebd'2000);
  CHECK_EQ(rig.low.base, 0xfebd'2000);
  f.reset();
  CHECK_FALSE((rig.low.placed || rig.wide.placed));
}

TEST_CASE("a window that is sized while it decodes is not placed at the top of the address space") {
  SampleRig rig;
  Sample& f = rig.function;
  f.write_config(command, 2, 3);
  CHECK_FALSE((rig.io.placed || rig.low.placed || rig.wide.placed));  // address 0 is no address
  for (unsigned offset = 0x10; offset < 0x20; offset += 4) {
    f.write_config(offset, 4, 0xffff'ffff);
    CHECK_FALSE((rig.io.placed || rig.low.placed || rig.wide.placed));
  }
  f.write_config(0x18, 4, 0);
  f.write_config(0x1c, 4, 0x100);  // 2^40: beyond what the CPU addresses
  CHECK_FALSE(rig.wide.placed);
}

TEST_CASE("a load leaves the mapping to the bus and knows where the windows lie") {
  SampleRig rig;
  rig.function.write_config(0x14, 4, 0xe000'0000);
  rig.function.write_config(command, 2, 2);
  SampleRig other;
  other.low.place(0xe000'0000);  // what the bus restored
  REQUIRE_EQ(load(other.function, save(rig.function)), "");
  other.function.loaded();
  CHECK_EQ(other.low.base, 0xe000'0000);
  other.function.write_config(command, 2, 0);
  CHECK_FALSE(other.low.placed);
  // A window that the bus had refused is not placed by a load.
  SampleRig refused;
  REQUIRE_EQ(load(refused.function, save(rig.function)), "");
  refused.function.loaded();
  CHECK_FALSE(refused.low.placed);
}

TEST_CASE("an image with another identity is refused") {
  SampleRig rig;
  StateImage image = save(rig.function);
  image.entries.at(0).bytes.at(0) ^= 1;
  CHECK_NE(load(rig.function, image), "");
}

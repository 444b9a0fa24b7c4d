// Claims about the Bochs display interface and the PCI function. Source: reference/platform.md 7.13.
#include <doctest/doctest.h>

#include <numeric>
#include <vector>

#include "tests/contract/support/state_image.h"
#include "tests/contract/video/vga_rig.h"

using namespace lockstitch;
using namespace lockstitch::test;

TEST_CASE("the display interface takes the identities of its versions and no other") {
  VgaRig vga;
  CHECK_EQ(vga.get_dispi(VgaRig::id), 0xb0c5);
  for (unsigned version : {0xb0c0, 0xb0c3, 0xb0c5}) {
    vga.set_dispi(VgaRig::id, version);
    CHECK_EQ(vga.get_dispi(VgaRig::id), version);
  }
  for (unsigned other : {0xb0bf, 0xb0c6, 0}) {
    vga.set_dispi(VgaRig::id, other);
    CHECK_EQ(vga.get_dispi(VgaRig::id), 0xb0c5);
  }
  CHECK_EQ(vga.get_dispi(VgaRig::units), 256);
  CHECK_EQ(vga.get_dispi(11), 0);
  CHECK_EQ(vga.get_dispi(0xffff), 0);
}

TEST_CASE("the data register answers at 1CFh and 1D0h, and a dword is index and data") {
  VgaRig vga;
  auto& ports = vga.it.dispi_ports();
  ports.write(0, 2, VgaRig::width);
  CHECK_EQ(ports.read(0, 2), VgaRig::width);
  ports.write(2, 2, 640);
  CHECK_EQ(ports.read(1, 2), 640);
  ports.write(0, 4, 480 << 16 | VgaRig::height);
  CHECK_EQ(ports.read(0, 4), 480 << 16 | VgaRig::height);
  CHECK_EQ(ports.read(1, 1) & 0xff, 480 & 0xff);
}

TEST_CASE("while capabilities are asked for, the mode registers give the largest mode") {
  VgaRig vga;
  vga.set_dispi(VgaRig::width, 640);
  vga.set_dispi(VgaRig::enable, 2);
  CHECK_EQ(vga.get_dispi(VgaRig::width), 16000);
  CHECK_EQ(vga.get_dispi(VgaRig::height), 12000);
  CHECK_EQ(vga.get_dispi(VgaRig::depth), 32);
  vga.set_dispi(VgaRig::enable, 0);
  CHECK_EQ(vga.get_dispi(VgaRig::width), 640);
}

TEST_CASE("a mode that is switched on clears what it shows unless it is told not to") {
  VgaRig vga;
  const std::vector<std::uint8_t> old(1 << 20, 0x55);
  vga.memory.write(0, old);
  vga.set_dispi_mode(320, 200, 32, 0xc1);
  CHECK_EQ(vga.memory.contents()[0], 0x55);
  vga.set_dispi_mode(320, 200, 32);
  for (unsigned at : {0, 100'000, 255'999}) CHECK_EQ(vga.memory.contents()[at], 0);
  CHECK_EQ(vga.memory.contents()[256'000], 0x55);
  vga.memory.write(0, old);
  vga.set_dispi(VgaRig::enable, 0x61);  // on already
  CHECK_EQ(vga.memory.contents()[0], 0x55);
}

TEST_CASE("switching on takes back panning and bank, and the virtual screen grows with the width") {
  VgaRig vga;
  vga.set_dispi(VgaRig::virtual_width, 2048);
  vga.set_dispi(VgaRig::x, 8);
  vga.set_dispi(VgaRig::bank, 8);
  vga.set_dispi_mode(1024, 768, 32);
  CHECK_EQ(vga.get_dispi(VgaRig::virtual_width), 1024);
  CHECK_EQ(vga.get_dispi(VgaRig::virtual_height), 4096);
  CHECK_EQ(vga.get_dispi(VgaRig::x), 0);
  CHECK_EQ(vga.get_dispi(VgaRig::bank), 0);
  vga.set_dispi(VgaRig::virtual_height, 5);
  CHECK_EQ(vga.get_dispi(VgaRig::virtual_height), 4096);
  vga.set_dispi(VgaRig::virtual_width, 2048);
  CHECK_EQ(vga.get_dispi(VgaRig::virtual_width), 2048);
  CHECK_EQ(vga.get_dispi(VgaRig::virtual_height), 2048);
  vga.set_dispi(VgaRig::virtual_width, 100);
  CHECK_EQ(vga.get_dispi(VgaRig::virtual_width), 1024);
}

TEST_CASE("a mode that cannot be is made to fit") {
  VgaRig vga;
  vga.set_dispi_mode(1367, 700, 24);
  CHECK_EQ(vga.get_dispi(VgaRig::width), 1360);
  vga.set_dispi_mode(0, 0, 9);
  CHECK_EQ(vga.get_dispi(VgaRig::width), 8);
  CHECK_EQ(vga.get_dispi(VgaRig::height), 1);
  CHECK_EQ(vga.get_dispi(VgaRig::depth), 8);
  vga.set_dispi_mode(0xffff, 0xffff, 32);
  CHECK_EQ(vga.get_dispi(VgaRig::width), 16000);
  CHECK_EQ(vga.get_dispi(VgaRig::height), (16 << 20) / 64000);
  vga.set_dispi_mode(1024, 768, 32);
  vga.set_dispi(VgaRig::y, 4096 - 768);
  CHECK_EQ(vga.get_dispi(VgaRig::y), 4096 - 768);
  vga.set_dispi(VgaRig::y, 4096 - 767);
  CHECK_EQ(vga.get_dispi(VgaRig::y), 0);
}

TEST_CASE("a linear mode can be read from the legacy registers") {
  VgaRig vga;
  vga.out(0x3c2, 1);
  vga.set_dispi_mode(800, 600, 8);
  CHECK_EQ(vga.get_register(0x3d4, 1), 99);
  CHECK_EQ(vga.get_register(0x3d4, 0x13), 100);
  CHECK_EQ((vga.get_register(0x3d4, 0x12) | (vga.get_register(0x3d4, 7) & 2) << 7 |
            (vga.get_register(0x3d4, 7) & 0x40) << 3),
           599);
  CHECK_EQ(vga.get_register(0x3ce, 6), 5);
}

TEST_CASE("a saved mode that does not fit is refused") {
  VgaRig vga;
  vga.set_dispi_mode(1024, 768, 32);
  StateImage image = save(vga);
  for (auto& entry : image.entries)
    if (entry.path.ends_with("dispi/values[2]")) entry.number = 60000;
  VgaRig other;
  CHECK_NE(load(other, image), "");
}

TEST_CASE("the function is the display adapter that firmware looks for") {
  VgaRig vga;
  CHECK_EQ(vga.it.read_config(0, 4), 0x11111234);
  CHECK_EQ(vga.it.read_config(8, 4), 0x03000002);
  CHECK_EQ(vga.it.read_config(0x3d, 1), 0);
  for (unsigned offset = 0x10; offset < 0x34; offset += 4)
    if (offset != 0x2c) vga.it.write_config(offset, 4, 0xffffffff);
  CHECK_EQ(vga.it.read_config(0x10, 4), 0xff000008);
  CHECK_EQ(vga.it.read_config(0x14, 4), 0);
  CHECK_EQ(vga.it.read_config(0x18, 4), 0xfffff000);
  CHECK_EQ(vga.it.read_config(0x30, 4), 0);
  vga.it.write_config(0x10, 4, 0xfd000000);
  vga.it.write_config(0x18, 4, 0xfebf0000);
  CHECK_FALSE(vga.memory_map.placed);
  vga.it.write_config(4, 2, 2);
  CHECK_EQ(vga.memory_map.base, 0xfd000000);
  CHECK_EQ(vga.registers_map.base, 0xfebf0000);
}

TEST_CASE("the register block has the monitor, the ports, the display interface and its own size") {
  VgaRig vga;
  auto& block = vga.it.registers();
  std::vector<unsigned> edid;
  for (unsigned i = 0; i < 128; ++i) edid.push_back(static_cast<unsigned>(block.read(i, 1)));
  CHECK_EQ(block.read(0, 8), 0x00ffffffffffff00);
  CHECK_EQ(std::accumulate(edid.begin(), edid.end(), 0u) % 256, 0);
  CHECK_EQ((edid[0x38] | (edid[0x3a] & 0xf0) << 4), 1024);
  CHECK_EQ((edid[0x3b] | (edid[0x3d] & 0xf0) << 4), 768);
  CHECK_EQ((edid[0x36] | edid[0x37] << 8), 6500);
  CHECK_EQ(edid[0x7e], 0);
  CHECK_EQ(block.read(0x80, 4), 0);

  block.write(0x402, 1, 1);       // 3C2h
  block.write(0x40e, 2, 0x5a08);  // 3CEh, 3CFh
  CHECK_EQ(vga.in(0x3cc), 1);
  CHECK_EQ(vga.get_register(0x3ce, 8), 0x5a);
  CHECK_EQ(block.read(0x40e, 2), 0x5a08);

  CHECK_EQ(block.read(0x500, 2), 0xb0c5);
  block.write(0x502, 2, 640);
  block.write(0x504, 4, 32 << 16 | 480);
  CHECK_EQ(vga.get_dispi(VgaRig::width), 640);
  CHECK_EQ(vga.get_dispi(VgaRig::height), 480);
  CHECK_EQ(vga.get_dispi(VgaRig::depth), 32);
  CHECK_EQ(block.read(0x502, 1) & 0xff, 640 & 0xff);
  CHECK_EQ(block.read(0x514, 2), 256);
  CHECK_EQ(block.read(0x516, 2), 0);
  CHECK_EQ(block.read(0x600, 4), 8);
  block.write(0x604, 4, 0xbebebebe);
  CHECK_EQ(block.read(0x604, 4), 0x1e1e1e1e);
}

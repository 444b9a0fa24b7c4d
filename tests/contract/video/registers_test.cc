// Claims about the ports of the VGA. Source: IBM VGA technical reference.
#include <doctest/doctest.h>

#include "tests/contract/video/vga_rig.h"

using namespace lockstitch;
using namespace lockstitch::test;

TEST_CASE("a 16-bit write sets index and register at once, and what was written can be read") {
  VgaRig vga;
  vga.out(0x3c2, 1);
  vga.outw(0x3ce, 0x5a08);
  CHECK_EQ(vga.get_register(0x3ce, 8), 0x5a);
  vga.outw(0x3c4, 0x0a02);
  CHECK_EQ(vga.get_register(0x3c4, 2), 0x0a);
  vga.outw(0x3d4, 0x340c);
  CHECK_EQ(vga.get_register(0x3d4, 0x0c), 0x34);
  CHECK_EQ(vga.it.ports().read(0x24, 2), 0x340c);
}

TEST_CASE("bits and registers that do not exist do not stick") {
  VgaRig vga;
  vga.set_mode(mode_3);
  vga.outw(0x3ce, 0xff01);
  CHECK_EQ(vga.get_register(0x3ce, 1), 0x0f);
  vga.outw(0x3ce, 0xff09);
  CHECK_EQ(vga.get_register(0x3ce, 9), 0);
  vga.outw(0x3d4, 0xff22);
  CHECK_EQ(vga.get_register(0x3d4, 0x22), 0);
  vga.set_attribute(0x16, 0xff);
  vga.in(0x3da);
  vga.out(0x3c0, 0x16);
  CHECK_EQ(vga.in(0x3c1), 0);
}

TEST_CASE("the miscellaneous register moves the CRT controller between 3Bxh and 3Dxh") {
  VgaRig vga;
  vga.out(0x3c2, 0x67);
  CHECK_EQ(vga.in(0x3cc), 0x67);
  vga.outw(0x3d4, 0x120e);
  CHECK_EQ(vga.in(0x3d5), 0x12);
  CHECK_EQ(vga.in(0x3b5), 0xff);
  CHECK_EQ(vga.in(0x3ba), 0xff);
  vga.out(0x3c2, 0x66);
  CHECK_EQ(vga.in(0x3d5), 0xff);
  CHECK_EQ(vga.in(0x3b5), 0x12);
  vga.outw(0x3d4, 0x550e);
  CHECK_EQ(vga.in(0x3b5), 0x12);
  vga.outw(0x3b4, 0x340e);
  CHECK_EQ(vga.in(0x3b5), 0x34);
  for (unsigned printer : {0x3bcu, 0x3bdu, 0x3beu}) CHECK_EQ(vga.in(printer), 0xff);
}

TEST_CASE("bit 7 of CRT register 11h protects the first eight but for bit 4 of the eighth") {
  VgaRig vga;
  vga.set_mode(mode_3);
  vga.outw(0x3d4, 0x8011);
  vga.outw(0x3d4, 0xaa00);
  CHECK_EQ(vga.get_register(0x3d4, 0), 0x5f);
  vga.outw(0x3d4, 0x0007);
  CHECK_EQ(vga.get_register(0x3d4, 7), 0x0f);
  vga.outw(0x3d4, 0xaa08);
  CHECK_EQ(vga.get_register(0x3d4, 8), 0xaa);
  vga.outw(0x3d4, 0x0011);
  vga.outw(0x3d4, 0xaa00);
  CHECK_EQ(vga.get_register(0x3d4, 0), 0xaa);
}

TEST_CASE("the attribute port takes index and data in turn, and a read of the status begins anew") {
  VgaRig vga;
  vga.out(0x3c2, 1);
  vga.in(0x3da);
  vga.out(0x3c0, 0x03);
  vga.out(0x3c0, 0x15);
  vga.out(0x3c0, 0x04);
  vga.in(0x3da);
  vga.out(0x3c0, 0x03);
  CHECK_EQ(vga.in(0x3c0), 0x03);
  CHECK_EQ(vga.in(0x3c1), 0x15);
  vga.out(0x3c0, 0x16);
  CHECK_EQ(vga.in(0x3c1), 0x16);
  vga.in(0x3ba);  // not the status while the CRT controller is at 3Dxh
  vga.out(0x3c0, 0x02);
  vga.out(0x3c0, 0x2a);
  CHECK_EQ(vga.in(0x3c1), 0x2a);
}

TEST_CASE("the palette is written and read one component at a time, and an entry changes as a whole") {
  VgaRig vga;
  vga.set_colour(7, 1, 2, 3);
  vga.set_colour(8, 0xff, 0xc1, 6);
  vga.out(0x3c8, 7);
  vga.out(0x3c9, 9);
  vga.out(0x3c9, 9);
  vga.out(0x3c7, 7);
  CHECK_EQ(vga.in(0x3c7), 3);
  for (unsigned expected : {1, 2, 3, 0x3f, 1, 6}) CHECK_EQ(vga.in(0x3c9), expected);
  vga.out(0x3c8, 0);
  CHECK_EQ(vga.in(0x3c7), 0);
}

TEST_CASE("the palette has eight bits while the display interface says so") {
  VgaRig vga;
  vga.set_dispi(VgaRig::enable, 0x20);
  vga.set_colour(1, 0xff, 0x81, 0x40);
  vga.out(0x3c7, 1);
  for (unsigned expected : {0xff, 0x81, 0x40}) CHECK_EQ(vga.in(0x3c9), expected);
  vga.set_dispi(VgaRig::enable, 0);
  vga.set_colour(1, 0xff, 0x81, 0x40);
  vga.out(0x3c7, 1);
  for (unsigned expected : {0x3f, 0x01, 0x00}) CHECK_EQ(vga.in(0x3c9), expected);
}

TEST_CASE("the status shows the retraces of a 70 Hz frame in virtual time") {
  VgaRig vga;
  vga.out(0x3c2, 1);
  CHECK_EQ(vga.in(0x3da), 0);
  vga.bench.clock.time = VirtualNs{VgaRegisters::shown_line_ns};
  CHECK_EQ(vga.in(0x3da), 1);
  vga.bench.clock.time = VirtualNs{VgaRegisters::line_ns};
  CHECK_EQ(vga.in(0x3da), 0);
  vga.bench.clock.time = VirtualNs{VgaRegisters::line_ns * VgaRegisters::shown_lines};
  CHECK_EQ(vga.in(0x3da), 9);
  vga.bench.clock.time = VirtualNs{VgaRegisters::frame_ns};
  CHECK_EQ(vga.in(0x3da), 0);
  unsigned frames = 0;
  bool before = false;
  for (std::uint64_t us = 0; us < 1'000'000; us += 100) {
    vga.bench.clock.time = VirtualNs{us * 1000};
    const bool now = vga.in(0x3da) & 8;
    frames += now && !before;
    before = now;
  }
  CHECK_EQ(frames, 70);
}

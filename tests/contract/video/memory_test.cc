// Claims about the window at A0000h. Source: IBM VGA technical reference.
#include <doctest/doctest.h>

#include "tests/contract/video/vga_rig.h"

using namespace lockstitch;
using namespace lockstitch::test;

namespace {
struct Planar : VgaRig {
  Planar() { set_mode(mode_12); }
  void gr(unsigned index, unsigned value) { set_register(0x3ce, index, static_cast<std::uint8_t>(value)); }
  void sr(unsigned index, unsigned value) { set_register(0x3c4, index, static_cast<std::uint8_t>(value)); }
  /// Planes 0..3 at an address, plane 3 in the highest byte.
  std::uint32_t planes(std::uint64_t address) const {
    std::uint32_t all = 0;
    for (unsigned p = 0; p < 4; ++p) all |= std::uint32_t{plane(p, address)} << (8 * p);
    return all;
  }
  void fill(std::uint64_t address, std::uint32_t value) {
    const std::uint8_t bytes[4] = {static_cast<std::uint8_t>(value), static_cast<std::uint8_t>(value >> 8),
                                   static_cast<std::uint8_t>(value >> 16), static_cast<std::uint8_t>(value >> 24)};
    memory.write(4 * address, bytes);
  }
};
}  // namespace

TEST_CASE("write mode 0 reaches the planes of the map mask") {
  Planar vga;
  vga.fill(5, 0x44332211);
  vga.sr(2, 0x5);
  vga.poke(5, 0xaa);
  CHECK_EQ(vga.planes(5), 0x44aa22aa);
  CHECK_EQ(vga.planes(4), 0);
  CHECK_EQ(vga.planes(6), 0);
}

TEST_CASE("write mode 0 rotates, sets and resets, and keeps the latched bits that the mask leaves out") {
  Planar vga;
  vga.gr(3, 4);
  vga.poke(1, 0x1e);
  CHECK_EQ(vga.planes(1), 0xe1e1e1e1);
  vga.gr(3, 0);
  vga.gr(0, 0x6);
  vga.gr(1, 0xc);
  vga.poke(2, 0x0f);
  CHECK_EQ(vga.planes(2), 0x00ff0f0f);
  vga.gr(1, 0);
  vga.fill(3, 0x12345678);
  vga.peek(3);
  vga.gr(8, 0xf0);
  vga.poke(7, 0xff);
  CHECK_EQ(vga.planes(7), 0xf2f4f6f8);
}

TEST_CASE("the function select combines data with the latches") {
  Planar vga;
  vga.fill(0, 0x0f0f3355);
  vga.peek(0);
  vga.gr(3, 0x08);
  vga.poke(1, 0xf5);
  CHECK_EQ(vga.planes(1), 0x05053155);
  vga.gr(3, 0x10);
  vga.poke(1, 0xf0);
  CHECK_EQ(vga.planes(1), 0xfffff3f5);
  vga.gr(3, 0x18);
  vga.poke(1, 0xff);
  CHECK_EQ(vga.planes(1), 0xf0f0ccaa);
}

TEST_CASE("write mode 1 copies the latches whatever is written") {
  Planar vga;
  vga.fill(9, 0xdeadbeef);
  vga.gr(5, 1);
  vga.gr(8, 0);
  vga.peek(9);
  vga.poke(100, 0x00);
  CHECK_EQ(vga.planes(100), 0xdeadbeef);
}

TEST_CASE("write mode 2 writes a colour where the bit mask is set") {
  Planar vga;
  vga.fill(9, 0xffffffff);
  vga.peek(9);
  vga.gr(5, 2);
  vga.gr(8, 0x81);
  vga.poke(9, 0xf5);
  CHECK_EQ(vga.planes(9), 0x7eff7eff);
}

TEST_CASE("write mode 3 writes the set/reset colour where data and mask are set") {
  Planar vga;
  vga.fill(9, 0x00ff00ff);
  vga.peek(9);
  vga.gr(0, 0xa);
  vga.gr(3, 1);
  vga.gr(5, 3);
  vga.gr(8, 0x0f);
  vga.poke(9, 0x3c);  // turned right by one: 1E
  CHECK_EQ(vga.planes(9), 0x0ef10ef1);
}

TEST_CASE("read mode 0 reads the chosen plane, read mode 1 compares colours") {
  Planar vga;
  vga.fill(3, 0x0f'33'55'ff);
  for (unsigned p = 0; p < 4; ++p) {
    vga.gr(4, p);
    CHECK_EQ(vga.peek(3), vga.plane(p, 3));
  }
  vga.gr(5, 8);
  vga.gr(2, 0x7);  // planes 0, 1, 2 set, 3 clear
  vga.gr(7, 0xf);
  CHECK_EQ(vga.peek(3), (0xff & 0x55 & 0x33 & ~0x0f));
  vga.gr(7, 0x3);
  CHECK_EQ(vga.peek(3), 0x55);
  vga.gr(7, 0x0);
  CHECK_EQ(vga.peek(3), 0xff);
}

TEST_CASE("a wide access is its bytes in order") {
  Planar vga;
  vga.poke(0x10, 0x0807060504030201, 8);
  for (unsigned i = 0; i < 8; ++i) CHECK_EQ(vga.plane(2, 0x10 + i), i + 1);
  CHECK_EQ(vga.it.legacy_memory().read(0x12, 4), 0x06050403);
}

TEST_CASE("with odd/even addressing characters lie in plane 0 and attributes in plane 1") {
  VgaRig vga;
  vga.set_mode(mode_3);
  vga.poke(0x18000 + 160, 0x1f41, 2);
  CHECK_EQ(vga.plane(0, 160), 0x41);
  CHECK_EQ(vga.plane(1, 160), 0x1f);
  CHECK_EQ(vga.plane(0, 161), 0);
  CHECK_EQ(vga.it.legacy_memory().read(0x18000 + 160, 2), 0x1f41);
}

TEST_CASE("a font is loaded into plane 2 through a sequential window at A0000h") {
  VgaRig vga;
  vga.set_mode(mode_3);
  vga.outw(0x3c4, 0x0402);
  vga.outw(0x3c4, 0x0704);
  vga.outw(0x3ce, 0x0204);
  vga.outw(0x3ce, 0x0005);
  vga.outw(0x3ce, 0x0406);
  vga.poke('A' * 32 + 3, 0x5a);
  vga.poke('A' * 32 + 4, 0xa5);
  CHECK_EQ(vga.plane(2, 'A' * 32 + 3), 0x5a);
  CHECK_EQ(vga.plane(2, 'A' * 32 + 4), 0xa5);
  CHECK_EQ(vga.plane(0, 'A' * 32 + 3), 0);
  CHECK_EQ(vga.peek('A' * 32 + 4), 0xa5);
}

TEST_CASE("in chain 4 the two lowest address bits choose the plane") {
  VgaRig vga;
  vga.set_mode(mode_13);
  vga.poke(0x103, 0x77);
  vga.poke(0x104, 0x88);
  CHECK_EQ(vga.plane(3, 0x100), 0x77);
  CHECK_EQ(vga.plane(0, 0x104), 0x88);
  CHECK_EQ(vga.peek(0x103), 0x77);
  vga.outw(0x3c4, 0x0702);  // plane 3 is masked
  vga.poke(0x103, 0x00);
  CHECK_EQ(vga.peek(0x103), 0x77);
}

TEST_CASE("outside of the mapped part of the window reads are all ones and writes are lost") {
  struct Map {
    unsigned value;
    std::uint64_t first, size;
  };
  for (const Map map : {Map{0, 0, 0x20000}, Map{1, 0, 0x10000}, Map{2, 0x10000, 0x8000}, Map{3, 0x18000, 0x8000}}) {
    Planar vga;
    vga.gr(6, map.value << 2 | 1);
    for (std::uint64_t at = 0; at < 0x20000; at += 0x1000) {
      CAPTURE(map.value);
      CAPTURE(at);
      vga.fill(0, 0);
      vga.poke(at, 0x42);
      const bool inside = at >= map.first && at < map.first + map.size;
      CHECK_EQ(vga.peek(at), inside ? 0x42 : 0xff);
      if (inside) CHECK_EQ(vga.plane(1, (at - map.first) & 0xffff), 0x42);
    }
  }
}

TEST_CASE("a linear mode shows 64 KiB of video memory at A0000h by bank") {
  VgaRig vga;
  vga.set_dispi_mode(1024, 768, 8);
  vga.set_dispi(VgaRig::bank, 3);
  CHECK_EQ(vga.get_dispi(VgaRig::bank), 3);
  vga.poke(0x1234, 0x8877665544332211, 8);
  for (unsigned i = 0; i < 8; ++i) CHECK_EQ(vga.memory.contents()[0x31234 + i], 0x11 * (i + 1));
  CHECK_EQ(vga.it.legacy_memory().read(0x1236, 4), 0x66554433);
  vga.poke(0xfffe, 0x04030201, 4);  // the rest does not pass the end of the bank
  CHECK_EQ(vga.it.legacy_memory().read(0xfffe, 4), 0xffff0201);
  CHECK_EQ(vga.memory.contents()[0x40000], 0);
  vga.poke(0x18000, 0x55);
  CHECK_EQ(vga.peek(0x18000), 0xff);
  vga.set_dispi(VgaRig::bank, 255);
  vga.poke(0xffff, 0x99);
  CHECK_EQ(vga.memory.contents().back(), 0x99);
}

TEST_CASE("a planar mode of the display interface has banks of planes, and beyond video memory nothing answers") {
  Planar vga;
  vga.set_dispi_mode(800, 600, 4);
  vga.set_dispi(VgaRig::bank, 2);
  vga.poke(0x10, 0xab);
  CHECK_EQ(vga.planes(0x20010), 0xabababab);
  vga.set_dispi(VgaRig::bank, 64);
  vga.poke(0, 0xab);
  CHECK_EQ(vga.peek(0), 0xff);
}

// Claims about what the screen shows.
#include <doctest/doctest.h>

#include <string_view>

#include "tests/contract/support/state_image.h"
#include "tests/contract/video/vga_rig.h"

using namespace lockstitch;
using namespace lockstitch::test;

namespace {
/// Mode 3 with a font of two characters: 'A' is a frame on its cell's left column, 196 a line on row 7; blank is 0.
struct Text : VgaRig {
  Text() {
    set_mode(mode_3);
    set_palette();
    for (unsigned row = 0; row < 16; ++row) font(0, 'A', row, 0x80);
    font(0, 196, 7, 0xff);
    font(0, 'B', 7, 0xff);
    set_register(0x3d4, 0x0a, 0x20);
  }
  void font(unsigned base, unsigned character, unsigned row, std::uint8_t bits) {
    memory.write(4 * (base + character * 32 + row) + 2, Bytes(&bits, 1));
  }
  void cell(unsigned column, unsigned row, unsigned character, unsigned attribute) {
    poke(0x18000 + 160 * row + 2 * column, attribute << 8 | character, 2);
  }
  /// What an attribute's four bits show in mode 3.
  static std::uint32_t colour(unsigned bits) { return palette_colour(mode_3.attribute[bits]); }
};
}  // namespace

TEST_CASE("a screen that is off is black, 640 by 480, and has no text") {
  VgaRig vga;
  auto check_black = [&] {
    const Picture picture = vga.picture();
    CHECK_EQ(picture.width, 640);
    CHECK_EQ(picture.height, 480);
    for (std::uint32_t p : picture.pixels) REQUIRE_EQ(p, 0);
    CHECK_FALSE(vga.it.text());
  };
  check_black();
  Text text;
  text.cell(0, 0, 'A', 0x1f);
  CHECK(text.it.text());
  vga.set_mode(mode_3);
  vga.set_register(0x3c4, 1, 0x20);
  check_black();
  vga.set_register(0x3c4, 1, 0x00);
  vga.set_register(0x3c4, 0, 0x01);
  check_black();
  vga.set_register(0x3c4, 0, 0x03);
  CHECK(vga.it.text());
  vga.in(0x3da);
  vga.out(0x3c0, 0);
  check_black();
}

TEST_CASE("mode 3 shows characters of nine dots with their attributes") {
  Text vga;
  vga.cell(2, 1, 'A', 0x1e);
  vga.cell(3, 1, 196, 0x07);
  vga.cell(4, 1, 'B', 0x07);
  const Picture picture = vga.picture();
  CHECK_EQ(picture.width, 720);
  CHECK_EQ(picture.height, 400);
  for (unsigned y = 16; y < 32; ++y) {
    CHECK_EQ(pixel(picture, 18, y), Text::colour(14));
    CHECK_EQ(pixel(picture, 19, y), Text::colour(1));
    CHECK_EQ(pixel(picture, 26, y), Text::colour(1));
  }
  CHECK_EQ(pixel(picture, 18, 15), Text::colour(0));
  CHECK_EQ(pixel(picture, 18, 32), Text::colour(0));
  CHECK_EQ(pixel(picture, 34, 23), Text::colour(7));
  CHECK_EQ(pixel(picture, 35, 23), Text::colour(7));  // box drawing goes on in the ninth dot
  CHECK_EQ(pixel(picture, 36, 23), Text::colour(7));
  CHECK_EQ(pixel(picture, 44, 23), Text::colour(0));
  CHECK_EQ(pixel(picture, 27, 22), Text::colour(0));
}

TEST_CASE("characters can have eight dots, and dots can be doubled") {
  Text vga;
  vga.cell(1, 0, 'A', 0x0f);
  vga.set_register(0x3c4, 1, 0x01);
  vga.set_attribute(0x13, 0);
  Picture picture = vga.picture();
  CHECK_EQ(picture.width, 640);
  CHECK_EQ(pixel(picture, 8, 0), Text::colour(15));
  CHECK_EQ(pixel(picture, 9, 0), Text::colour(0));
  vga.set_register(0x3c4, 1, 0x09);
  vga.set_register(0x3d4, 0x11, 0x0e);
  vga.set_register(0x3d4, 0x01, 39);
  picture = vga.picture();
  CHECK_EQ(picture.width, 640);
  CHECK_EQ(pixel(picture, 15, 0), Text::colour(0));
  CHECK_EQ(pixel(picture, 16, 0), Text::colour(15));
  CHECK_EQ(pixel(picture, 17, 0), Text::colour(15));
  CHECK_EQ(pixel(picture, 18, 0), Text::colour(0));
}

TEST_CASE("attribute bit 7 is a bright background or a blink that is shown lit") {
  Text vga;
  vga.cell(0, 0, ' ', 0x9f);
  CHECK_EQ(pixel(vga.picture(), 0, 0), Text::colour(1));
  CHECK_EQ(vga.it.text()->cells[0].attribute, 0x1f);
  vga.set_attribute(0x10, 0x04);
  CHECK_EQ(pixel(vga.picture(), 0, 0), Text::colour(9));
  CHECK_EQ(vga.it.text()->cells[0].attribute, 0x9f);
}

TEST_CASE("attribute bit 3 chooses between two fonts when they differ") {
  Text vga;
  for (unsigned row = 0; row < 16; ++row) vga.font(0x4000 + 0x2000, 'A', row, 0x40);
  vga.cell(0, 0, 'A', 0x0f);
  vga.cell(1, 0, 'A', 0x07);
  CHECK_EQ(pixel(vga.picture(), 0, 0), Text::colour(15));
  vga.set_register(0x3c4, 3, 0x24);  // bright: map 5 at 24 KiB
  const Picture picture = vga.picture();
  CHECK_EQ(pixel(picture, 0, 0), Text::colour(0));
  CHECK_EQ(pixel(picture, 1, 0), Text::colour(15));
  CHECK_EQ(pixel(picture, 9, 0), Text::colour(7));
}

TEST_CASE("on a monochrome display attribute 1 underlines") {
  Text vga;
  vga.set_attribute(0x10, 0x0e);
  vga.set_register(0x3d4, 0x14, 0x0d);
  vga.cell(1, 0, ' ', 0x01);
  vga.cell(2, 0, ' ', 0x07);
  const Picture picture = vga.picture();
  for (unsigned x = 9; x < 18; ++x) CHECK_EQ(pixel(picture, x, 13), Text::colour(1));
  CHECK_EQ(pixel(picture, 18, 13), Text::colour(0));
  CHECK_EQ(pixel(picture, 9, 12), Text::colour(0));
}

TEST_CASE("the cursor covers its rows of its cell") {
  Text vga;
  vga.cell(5, 2, ' ', 0x0e);
  vga.set_register(0x3d4, 0x0a, 13);
  vga.set_register(0x3d4, 0x0b, 14);
  vga.set_register(0x3d4, 0x0f, 165);
  Picture picture = vga.picture();
  CHECK_EQ(pixel(picture, 45, 32 + 12), Text::colour(0));
  for (unsigned x = 45; x < 54; ++x) CHECK_EQ(pixel(picture, x, 32 + 13), Text::colour(14));
  CHECK_EQ(pixel(picture, 54, 32 + 13), Text::colour(0));
  CHECK_EQ(pixel(picture, 45, 32 + 15), Text::colour(0));
  REQUIRE(vga.it.text()->cursor);
  CHECK_EQ(vga.it.text()->cursor->column, 5);
  CHECK_EQ(vga.it.text()->cursor->row, 2);
  vga.set_register(0x3d4, 0x0a, 0x2d);
  CHECK_FALSE(vga.it.text()->cursor);
  CHECK_EQ(pixel(vga.picture(), 45, 32 + 13), Text::colour(0));
  vga.set_register(0x3d4, 0x0a, 15);  // begins below its end
  CHECK_FALSE(vga.it.text()->cursor);
}

TEST_CASE("text can be read as characters, from the start address on") {
  Text vga;
  const std::string_view line = "Hello, world";
  for (unsigned i = 0; i < line.size(); ++i) vga.cell(i, 10, static_cast<unsigned char>(line[i]), 0x17);
  auto text = vga.it.text();
  REQUIRE(text);
  CHECK_EQ(text->columns, 80);
  CHECK_EQ(text->rows, 25);
  for (unsigned i = 0; i < line.size(); ++i) {
    CHECK_EQ(text->cells[800 + i].character, line[i]);
    CHECK_EQ(text->cells[800 + i].attribute, 0x17);
  }
  vga.set_register(0x3d4, 0x0d, 160);
  text = vga.it.text();
  CHECK_EQ(text->cells[640].character, 'H');
}

TEST_CASE("pel panning and preset row shift the picture, byte panning by characters") {
  Text vga;
  vga.cell(1, 1, 'A', 0x0f);
  vga.set_attribute(0x13, 2);
  CHECK_EQ(pixel(vga.picture(), 6, 16), Text::colour(15));
  vga.set_attribute(0x13, 8);
  vga.set_register(0x3d4, 0x08, 0x23);
  const Picture picture = vga.picture();
  CHECK_EQ(pixel(picture, 0, 12), Text::colour(0));
  CHECK_EQ(pixel(picture, 0, 13), Text::colour(15));
  CHECK_EQ(pixel(picture, 0, 28), Text::colour(15));
  CHECK_EQ(pixel(picture, 0, 29), Text::colour(0));
}

TEST_CASE("below the line compare memory begins anew, for pixels and for characters") {
  Text vga;
  vga.set_register(0x3d4, 0x0c, 0x08);
  vga.set_register(0x3d4, 0x18, 15);
  vga.set_register(0x3d4, 0x07, 0x0f);
  vga.set_register(0x3d4, 0x09, 0x0f);
  vga.cell(0, 0, 'A', 0x0f);
  vga.poke(0x18000 + 0x1000, 0x0f42, 2);
  const Picture picture = vga.picture();
  CHECK_EQ(pixel(picture, 0, 7), Text::colour(15));  // B
  CHECK_EQ(pixel(picture, 0, 6), Text::colour(0));
  CHECK_EQ(pixel(picture, 0, 16), Text::colour(15));  // A
  const auto text = vga.it.text();
  CHECK_EQ(text->cells[0].character, 'B');
  CHECK_EQ(text->cells[80].character, 'A');
  CHECK_EQ(text->rows, 25);
}

TEST_CASE("mode 12h shows four planes as sixteen colours") {
  VgaRig vga;
  vga.set_mode(mode_12);
  vga.set_palette();
  for (unsigned colour = 0; colour < 16; ++colour) {
    vga.set_register(0x3c4, 2, static_cast<std::uint8_t>(colour));
    vga.poke(80 * 100 + colour, 0x81);
  }
  vga.set_register(0x3c4, 2, 0x0f);
  vga.poke(80 * 480 - 1, 0x01);
  const Picture picture = vga.picture();
  CHECK_EQ(picture.width, 640);
  CHECK_EQ(picture.height, 480);
  for (unsigned colour = 0; colour < 16; ++colour) {
    const std::uint32_t expected = VgaRig::palette_colour(mode_12.attribute[colour]);
    CHECK_EQ(pixel(picture, colour * 8, 100), expected);
    CHECK_EQ(pixel(picture, colour * 8 + 7, 100), expected);
    CHECK_EQ(pixel(picture, colour * 8 + 1, 100), VgaRig::palette_colour(0));
  }
  CHECK_EQ(pixel(picture, 639, 479), VgaRig::palette_colour(0x3f));
  CHECK_FALSE(vga.it.text());
}

TEST_CASE("the attribute controller masks planes and lends palette bits, the PEL mask masks the entry") {
  VgaRig vga;
  vga.set_mode(mode_12);
  vga.set_palette();
  vga.poke(0, 0xff);
  vga.set_attribute(0x12, 0x05);
  CHECK_EQ(pixel(vga.picture(), 0, 0), VgaRig::palette_colour(5));
  vga.set_attribute(0x14, 0x0e);
  CHECK_EQ(pixel(vga.picture(), 0, 0), VgaRig::palette_colour(0xc5));
  vga.set_attribute(0x10, 0x81);
  CHECK_EQ(pixel(vga.picture(), 0, 0), VgaRig::palette_colour(0xe5));
  vga.out(0x3c6, 0x0f);
  CHECK_EQ(pixel(vga.picture(), 0, 0), VgaRig::palette_colour(5));
}

TEST_CASE("mode 13h shows a byte for each pixel, two dots by two lines") {
  VgaRig vga;
  vga.set_mode(mode_13);
  vga.set_palette();
  for (unsigned i = 0; i < 320; ++i) vga.poke(320 * 7 + i, i & 0xff);
  vga.poke(63999, 0x5a);
  const Picture picture = vga.picture();
  CHECK_EQ(picture.width, 640);
  CHECK_EQ(picture.height, 400);
  for (unsigned x = 0; x < 640; ++x) {
    CHECK_EQ(pixel(picture, x, 13), VgaRig::palette_colour(0));
    CHECK_EQ(pixel(picture, x, 14), VgaRig::palette_colour(x / 2 & 0xff));
    CHECK_EQ(pixel(picture, x, 15), VgaRig::palette_colour(x / 2 & 0xff));
  }
  CHECK_EQ(pixel(picture, 638, 399), VgaRig::palette_colour(0x5a));
}

TEST_CASE("unchained 256-colour modes count bytes") {
  VgaRig vga;
  vga.set_mode(mode_13);
  vga.set_palette();
  vga.set_register(0x3c4, 4, 0x06);
  vga.set_register(0x3d4, 0x14, 0x00);
  vga.set_register(0x3d4, 0x17, 0xe3);
  vga.set_register(0x3c4, 2, 0x04);
  vga.poke(80 + 3, 0x77);
  const Picture picture = vga.picture();
  CHECK_EQ(pixel(picture, 28, 2), VgaRig::palette_colour(0x77));
  CHECK_EQ(pixel(picture, 30, 2), VgaRig::palette_colour(0));
  vga.set_register(0x3d4, 0x0d, 80);
  CHECK_EQ(pixel(vga.picture(), 28, 0), VgaRig::palette_colour(0x77));
}

TEST_CASE("the CGA's four-colour mode has two bits for each pixel and odd lines 8 KiB away") {
  VgaRig vga;
  vga.set_mode(mode_4);
  vga.set_palette();
  vga.poke(0x18000, 0x1b);
  vga.poke(0x18001, 0xe4);
  vga.poke(0x18000 + 0x2000 + 80, 0xc0);
  const Picture picture = vga.picture();
  CHECK_EQ(picture.width, 640);
  CHECK_EQ(picture.height, 400);
  auto expected = [](unsigned colour) { return VgaRig::palette_colour(mode_4.attribute[colour]); };
  for (unsigned i = 0; i < 8; ++i) CHECK_EQ(pixel(picture, 2 * i, 1), expected(i < 4 ? i : 7 - i));
  CHECK_EQ(pixel(picture, 0, 6), expected(3));
  CHECK_EQ(pixel(picture, 0, 2), expected(0));
}

TEST_CASE("the CGA's two-colour mode has one bit for each pixel") {
  VgaRig vga;
  vga.set_mode(mode_6);
  vga.set_palette();
  vga.poke(0x18000 + 0x2000 + 81, 0x10);
  const Picture picture = vga.picture();
  CHECK_EQ(picture.width, 640);
  CHECK_EQ(pixel(picture, 11, 6), VgaRig::palette_colour(0x17));
  CHECK_EQ(pixel(picture, 10, 6), VgaRig::palette_colour(0));
  CHECK_EQ(pixel(picture, 11, 4), VgaRig::palette_colour(0));
}

TEST_CASE("800 by 600 in 32 bits shows what the guest writes into video memory") {
  VgaRig vga;
  vga.set_dispi_mode(800, 600, 32);
  auto put = [&](unsigned x, unsigned y, std::array<std::uint8_t, 4> bgrx) {
    vga.memory.write(4 * (800 * y + x), bgrx);
  };
  put(0, 0, {0x11, 0x22, 0x33, 0xff});
  put(799, 0, {0xff, 0, 0, 0});
  put(0, 1, {0, 0xff, 0, 0});
  put(799, 599, {1, 2, 3, 4});
  const Picture picture = vga.picture();
  CHECK_EQ(picture.width, 800);
  CHECK_EQ(picture.height, 600);
  CHECK_EQ(pixel(picture, 0, 0), 0x332211);
  CHECK_EQ(pixel(picture, 799, 0), 0x0000ff);
  CHECK_EQ(pixel(picture, 0, 1), 0x00ff00);
  CHECK_EQ(pixel(picture, 799, 599), 0x030201);
  CHECK_EQ(pixel(picture, 400, 300), 0);
  CHECK_FALSE(vga.it.text());
}

TEST_CASE("every depth of the display interface has its pixels") {
  VgaRig vga;
  vga.set_palette();
  const std::array<std::uint8_t, 4> bytes = {0x35, 0x9c, 0x7f, 0x00};
  struct Depth {
    unsigned bits;
    std::uint32_t expected;
  };
  // 9C35h is 0 00111 00001 10101 and 10011 100001 10101.
  for (const Depth depth : {Depth{8, VgaRig::palette_colour(0x35)}, Depth{15, 0x3908ad}, Depth{16, 0x9c86ad},
                            Depth{24, 0x7f9c35}, Depth{32, 0x7f9c35}}) {
    CAPTURE(depth.bits);
    vga.set_dispi_mode(640, 480, depth.bits);
    vga.memory.write((640u * 2 + 5) * ((depth.bits + 7) / 8), bytes);
    CHECK_EQ(pixel(vga.picture(), 5, 2), depth.expected);
  }
  vga.set_mode(mode_12);
  vga.set_dispi_mode(800, 600, 4);
  vga.poke(100 * 2 + 1, 0x08);
  CHECK_EQ(pixel(vga.picture(), 12, 2), VgaRig::palette_colour(0x3f));
  CHECK_EQ(pixel(vga.picture(), 11, 2), VgaRig::palette_colour(0));
  vga.set_dispi(VgaRig::x, 3);
  vga.set_dispi(VgaRig::y, 1);
  CHECK_EQ(pixel(vga.picture(), 9, 1), VgaRig::palette_colour(0x3f));
}

TEST_CASE("offsets move the window over the virtual screen") {
  VgaRig vga;
  vga.set_dispi_mode(640, 480, 32);
  vga.set_dispi(VgaRig::virtual_width, 1000);
  vga.set_dispi(VgaRig::x, 17);
  vga.set_dispi(VgaRig::y, 100);
  vga.memory.write(4 * (1000 * 103 + 20), std::array<std::uint8_t, 3>{1, 2, 3});
  CHECK_EQ(pixel(vga.picture(), 3, 3), 0x030201);
}

TEST_CASE("a picture is clipped to its largest size, and a mode that fills video memory is drawn to its end") {
  VgaRig vga;
  vga.set_dispi_mode(2560, 1600, 32);
  CHECK_EQ(vga.picture().height, 1600);
  vga.set_dispi_mode(4096, 4096, 8);
  const Picture picture = vga.picture();
  CHECK_EQ(picture.width, 4096);
  CHECK_EQ(picture.height, 1000);
  vga.set_dispi_mode(1024, 768, 32);
  vga.set_dispi(VgaRig::y, 4096 - 768);
  vga.memory.write((16 << 20) - 4, std::array<std::uint8_t, 3>{7, 8, 9});
  CHECK_EQ(pixel(vga.picture(), 1023, 767), 0x090807);
}

TEST_CASE("looking changes nothing, and time alone does not change the picture") {
  Text vga;
  vga.set_register(0x3d4, 0x0a, 13);
  vga.cell(0, 0, 'A', 0x9f);
  const StateImage before = save(vga);
  const std::uint64_t shown = picture_hash(vga.it);
  text_hash(vga.it);
  CHECK_EQ(difference(before, save(vga)), "");
  vga.bench.advance(333'333'333);
  CHECK_EQ(picture_hash(vga.it), shown);
}

// A text screen as text.
#include "vmm/world/code_page_437.h"

#include <doctest/doctest.h>

#include <set>

#include "tests/unit/display/painted_screen.h"

namespace lockstitch::world {

TEST_CASE("letters are themselves and the rest are what the character generator shows") {
  for (unsigned c = 0x20; c < 0x7f; ++c) CHECK(text_of(std::uint8_t(c)) == std::string(1, char(c)));
  CHECK(text_of(0x01) == "\u263a");
  CHECK(text_of(0x1b) == "\u2190");
  CHECK(text_of(0x7f) == "\u2302");
  CHECK(text_of(0x80) == "\u00c7");
  CHECK(text_of(0x84) == "\u00e4");
  CHECK(text_of(0xb0) == "\u2591");
  CHECK(text_of(0xc9) == "\u2554");
  CHECK(text_of(0xcd) == "\u2550");
  CHECK(text_of(0xdb) == "\u2588");
  CHECK(text_of(0xe1) == "\u00df");
  CHECK(text_of(0xfe) == "\u25a0");
}

TEST_CASE("no two characters look the same but the three blanks") {
  std::set<std::string_view> seen;
  for (unsigned c = 0; c < 256; ++c) seen.insert(text_of(std::uint8_t(c)));
  CHECK(seen.size() == 254);
  CHECK(text_of(0x00) == " ");
  CHECK(text_of(0xff) == " ");
}

TEST_CASE("blanks at the ends of rows and empty rows at the end are left out, others stay") {
  CHECK(text_of(test::text_screen(10, 5, {"", " a  b", "", "c"})) == "\n a  b\n\nc\n");
  CHECK(text_of(test::text_screen(10, 5, {})).empty());
  CHECK(text_of(test::text_screen(3, 2, {"abc", "def"})) == "abc\ndef\n");
  CHECK(text_of(test::text_screen(4, 1, {"\x01 \xff\x01"})) == "\u263a  \u263a\n");
}

TEST_CASE("a screen whose cells are too few is read as far as it goes") {
  TextScreen screen = test::text_screen(4, 2, {"ab", "cd"});
  screen.cells.resize(5);
  CHECK(text_of(screen) == "ab\nc\n");
}

}  // namespace lockstitch::world

// Claims about scan codes, against sequences that any keyboard reference shows.
#include "devices/input/scan_codes.h"

#include <doctest/doctest.h>

#include <map>

#include "tests/contract/input/input_rig.h"

using namespace lockstitch;
using namespace lockstitch::test;

namespace {
List bytes(const ScanSequence& s) { return {s.bytes.begin(), s.bytes.begin() + s.size}; }
List set2(std::uint16_t key, bool released = false, Modifiers with = {}) {
  return bytes(set2_sequence(key, released, with));
}
List set1(std::uint16_t key, bool released = false, Modifiers with = {}) {
  return bytes(set1_sequence(set2_sequence(key, released, with)));
}
}  // namespace

TEST_CASE("well-known keys have their codes in sets 1 and 2") {
  CHECK(set2(30) == List{0x1c});  // A
  CHECK(set2(30, true) == List{0xf0, 0x1c});
  CHECK(set1(30) == List{0x1e});
  CHECK(set1(30, true) == List{0x9e});
  CHECK(set2(103) == List{0xe0, 0x75});  // Up
  CHECK(set2(103, true) == List{0xe0, 0xf0, 0x75});
  CHECK(set1(103) == List{0xe0, 0x48});
  CHECK(set1(103, true) == List{0xe0, 0xc8});
  CHECK(set1(65) == List{0x41});  // F7, the only code above 7Fh
  CHECK(set1(65, true) == List{0xc1});
  CHECK(set1(87) == List{0x57});         // F11
  CHECK(set1(125) == List{0xe0, 0x5b});  // Windows
  CHECK(set1(127) == List{0xe0, 0x5d});  // menu
  CHECK(set1(183) == List{0x64});        // F13
}

TEST_CASE("in set 1 the plain keys are numbered as evdev numbers them") {
  for (std::uint16_t key = 1; key <= 88; ++key) {
    if (key == 84 || key == 85) continue;  // no keys
    CAPTURE(key);
    CHECK(set1(key) == List{key});
    CHECK(set1(key, true) == List{key | 0x80});
  }
}

TEST_CASE("no two keys have the same code") {
  std::map<List, int> seen1, seen2, seen3;
  int count = 0;
  for (std::uint16_t key = 0; key < key_codes; ++key) {
    if (!has_scan_code(key)) continue;
    CAPTURE(key);
    ++count;
    CHECK(++seen2[set2(key)] == 1);
    CHECK(++seen1[set1(key)] == 1);
    if (scan_code(key).set3 != 0) CHECK(++seen3[bytes(set3_sequence(key, false, true))] == 1);
  }
  CHECK(count > 125);
}

TEST_CASE("all keys of a 104-key keyboard have a code in set 3") {
  for (std::uint16_t key = 1; key <= 127; ++key) {
    const bool acpi_or_media = key >= 113 && key <= 117, korean = key == 122 || key == 123;
    if (!has_scan_code(key) || acpi_or_media || korean) continue;
    CAPTURE(key);
    CHECK(scan_code(key).set3 != 0);
  }
  CHECK(bytes(set3_sequence(30, true, true)) == List{0xf0, 0x1c});
  CHECK(bytes(set3_sequence(30, true, false)) == List{});
}

TEST_CASE("Print Screen is wrapped in a Shift, is bare with Shift or Ctrl, and is SysRq with Alt") {
  CHECK(set2(key_print) == List{0xe0, 0x12, 0xe0, 0x7c});
  CHECK(set2(key_print, true) == List{0xe0, 0xf0, 0x7c, 0xe0, 0xf0, 0x12});
  CHECK(set1(key_print) == List{0xe0, 0x2a, 0xe0, 0x37});
  CHECK(set1(key_print, true) == List{0xe0, 0xb7, 0xe0, 0xaa});
  CHECK(set1(key_print, false, {true, false, false}) == List{0xe0, 0x37});
  CHECK(set1(key_print, true, {false, true, false}) == List{0xe0, 0xb7});
  CHECK(set2(key_print, true, {false, false, true}) == List{0xf0, 0x84});
  CHECK(set1(key_print, false, {false, false, true}) == List{0x54});
}

TEST_CASE("Pause sends press and release at once, Break with Ctrl, and nothing when it is let go") {
  CHECK(set2(key_pause) == List{0xe1, 0x14, 0x77, 0xe1, 0xf0, 0x14, 0xf0, 0x77});
  CHECK(set1(key_pause) == List{0xe1, 0x1d, 0x45, 0xe1, 0x9d, 0xc5});
  CHECK(set1(key_pause, false, {true, false, false}) == List{0xe0, 0x46, 0xe0, 0xc6});
  CHECK(set2(key_pause, true).empty());
}

TEST_CASE("answers of devices pass the translation as drivers expect") {
  for (std::uint8_t same : {0xfa, 0xfe, 0xee, 0xaa, 0xab, 0xe0, 0xe1}) CHECK(translated(same) == same);
  CHECK(translated(0x83) == 0x41);  // the keyboard's id
  CHECK(translated(0x00) == 0xff);  // overrun
  CHECK(translated(0x02) == 0x41);  // "set 2"
}

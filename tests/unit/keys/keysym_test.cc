// Claims about X11 keysyms as VNC clients send them.
#include "vmm/world/keys/keysym.h"

#include <doctest/doctest.h>

#include "devices/input/scan_codes.h"
#include "vmm/world/keys/us_layout.h"

using namespace lockstitch::world;

TEST_CASE("a character's keysym is its key, shifted or not") {
  CHECK(key_by_keysym('a') == 30);
  CHECK(key_by_keysym('A') == 30);
  CHECK(key_by_keysym('1') == 2);
  CHECK(key_by_keysym('!') == 2);
  CHECK(key_by_keysym('~') == 41);
  CHECK(key_by_keysym(' ') == 57);
  CHECK(key_by_keysym(0x0100'0041) == 30);  // as a Unicode number
  for (std::uint32_t c = 0x20; c <= 0x7e; ++c) CHECK(key_by_keysym(c) == stroke_for(c)->key);
}

TEST_CASE("editing, function, keypad and modifier keys are known") {
  struct Known {
    std::uint32_t keysym;
    int key;
  };
  for (const Known& k :
       {Known{0xff08, 14}, {0xff09, 15},  {0xff0d, 28},  {0xff1b, 1},   {0xffff, 111},    {0xff50, 102}, {0xff51, 105},
        {0xff52, 103},     {0xff53, 106}, {0xff54, 108}, {0xff55, 104}, {0xff56, 109},    {0xff57, 107}, {0xff63, 110},
        {0xff61, 99},      {0xff13, 119}, {0xff14, 70},  {0xff7f, 69},  {0xffe5, 58},     {0xff67, 127}, {0xffbe, 59},
        {0xffc7, 68},      {0xffc8, 87},  {0xffc9, 88},  {0xffca, 183}, {0xffd5, 194},    {0xff8d, 96},  {0xffb0, 82},
        {0xffb9, 73},      {0xff95, 71},  {0xff9f, 83},  {0xffaa, 55},  {0xffab, 78},     {0xffad, 74},  {0xffae, 83},
        {0xffaf, 98},      {0xffe1, 42},  {0xffe2, 54},  {0xffe3, 29},  {0xffe4, 97},     {0xffe9, 56},  {0xffea, 100},
        {0xfe03, 100},     {0xffeb, 125}, {0xffec, 126}, {0xfe20, 15},  {0x1008ff13, 115}}) {
    CAPTURE(k.keysym);
    CHECK(key_by_keysym(k.keysym).value_or(0) == k.key);
  }
}

TEST_CASE("what no US keyboard has is no key") {
  for (std::uint32_t odd : {0u, 0x1fu, 0x7fu, 0xe4u, 0xdfu, 0x20acu, 0x0100'20acu, 0x0100'0000u, 0xffffffffu})
    CHECK(!key_by_keysym(odd));
}

TEST_CASE("every known keysym is a key that the keyboard has") {
  int known = 0;
  for (std::uint32_t keysym = 0; keysym <= 0xffff; ++keysym) {
    const auto key = key_by_keysym(keysym);
    if (!key) continue;
    ++known;
    CAPTURE(keysym);
    CHECK(lockstitch::has_scan_code(*key));
  }
  CHECK(known > 190);
}

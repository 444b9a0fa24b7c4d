// Claims about the names of keys.
#include "vmm/world/keys/key_name.h"

#include <doctest/doctest.h>

#include <string>

#include "devices/input/scan_codes.h"

using namespace lockstitch::world;

TEST_CASE("the names of QEMU's sendkey are known") {
  struct Known {
    const char* name;
    int key;
  };
  for (const Known& k : {Known{"a", 30},
                         {"q", 16},
                         {"z", 44},
                         {"m", 50},
                         {"0", 11},
                         {"1", 2},
                         {"9", 10},
                         {"f1", 59},
                         {"f10", 68},
                         {"f11", 87},
                         {"f12", 88},
                         {"f13", 183},
                         {"f24", 194},
                         {"ret", 28},
                         {"enter", 28},
                         {"esc", 1},
                         {"ctrl", 29},
                         {"ctrl_r", 97},
                         {"alt", 56},
                         {"alt_r", 100},
                         {"tab", 15},
                         {"spc", 57},
                         {"backspace", 14},
                         {"up", 103},
                         {"down", 108},
                         {"left", 105},
                         {"right", 106},
                         {"home", 102},
                         {"end", 107},
                         {"pgup", 104},
                         {"pgdn", 109},
                         {"insert", 110},
                         {"delete", 111},
                         {"shift", 42},
                         {"shift_r", 54},
                         {"meta_l", 125},
                         {"meta_r", 126},
                         {"menu", 127},
                         {"caps_lock", 58},
                         {"num_lock", 69},
                         {"scroll_lock", 70},
                         {"print", 99},
                         {"sysrq", 99},
                         {"pause", 119},
                         {"kp_0", 82},
                         {"kp_5", 76},
                         {"kp_9", 73},
                         {"kp_enter", 96},
                         {"kp_divide", 98},
                         {"kp_multiply", 55},
                         {"kp_subtract", 74},
                         {"kp_add", 78},
                         {"kp_decimal", 83},
                         {"minus", 12},
                         {"equal", 13},
                         {"comma", 51},
                         {"dot", 52},
                         {"slash", 53},
                         {"semicolon", 39},
                         {"apostrophe", 40},
                         {"grave_accent", 41},
                         {"backslash", 43},
                         {"bracket_left", 26},
                         {"bracket_right", 27},
                         {"less", 86},
                         {"volumeup", 115},
                         {"power", 116}}) {
    CAPTURE(k.name);
    CHECK(key_by_name(k.name).value_or(0) == k.key);
  }
}

TEST_CASE("case does not matter and Linux names of virsh are known") {
  CHECK(key_by_name("F12") == 88);
  CHECK(key_by_name("Delete") == 111);
  CHECK(key_by_name("KEY_LEFTCTRL") == 29);
  CHECK(key_by_name("KEY_A") == 30);
  CHECK(key_by_name("KEY_KP7") == 71);
  CHECK(key_by_name("KEY_102ND") == 86);
}

TEST_CASE("what is no name is no key") {
  for (const char* odd : {"", "key_", "f0", "f25", "f01", "f1x", "aa", "!", "-", "kp_", "ctrl ", "\xc3\xa4"}) {
    CAPTURE(odd);
    CHECK(!key_by_name(odd));
  }
}

TEST_CASE("a misspelt name has a neighbour, nonsense has none") {
  CHECK(similar_key_name("delet") == "delete");
  CHECK(similar_key_name("backspce") == "backspace");
  CHECK(similar_key_name("Contrl") == "control");
  CHECK(similar_key_name("xyzzyplugh").empty());
  CHECK(similar_key_name("").empty());
  CHECK(similar_key_name(std::string(100'000, 'a')).empty());
}

TEST_CASE("every key that has a name is on the keyboard") {
  int found = 0;
  for (const char* n : {"a",
                        "f24",
                        "kp_equals",
                        "kp_comma",
                        "hangul",
                        "hanja",
                        "yen",
                        "ro",
                        "henkan",
                        "muhenkan",
                        "katakanahiragana",
                        "stop",
                        "find",
                        "media",
                        "mail",
                        "calculator",
                        "computer",
                        "ac_home",
                        "ac_back",
                        "ac_forward",
                        "ac_refresh",
                        "ac_bookmarks",
                        "audionext",
                        "audioprev",
                        "audioplay",
                        "audiostop",
                        "audiomute",
                        "volumedown",
                        "sleep",
                        "wake",
                        "power",
                        "menu",
                        "less"}) {
    CAPTURE(n);
    const auto key = key_by_name(n);
    REQUIRE(key);
    CHECK(lockstitch::has_scan_code(*key));
    ++found;
  }
  CHECK(found == 33);
}

// See keysym.h. The numbers are those of X11's keysymdef.h and XF86keysym.h.
#include "vmm/world/keys/keysym.h"

#include "vmm/world/keys/key_code.h"
#include "vmm/world/keys/us_layout.h"

namespace lockstitch::world {
namespace {
struct Symbol {
  std::uint32_t keysym;
  std::uint16_t key;
};
constexpr Symbol symbols[] = {
    {0x00a0, key_space},       // no-break space
    {0xfe03, key_right_alt},   // ISO level 3 shift
    {0xfe11, key_102nd},       // ISO level 5 shift
    {0xfe20, key_tab},         // ISO left tab: Tab with Shift
    {0xfe50, key_grave},       // dead grave
    {0xfe51, key_apostrophe},  // dead acute
    {0xfe52, key_6},           // dead circumflex
    {0xfe53, key_grave},       // dead tilde
    {0xfe57, key_apostrophe},  // dead diaeresis
    {0xff08, key_backspace},
    {0xff09, key_tab},
    {0xff0a, key_enter},     // line feed
    {0xff0b, key_keypad_5},  // clear
    {0xff0d, key_enter},
    {0xff13, key_pause},
    {0xff14, key_scroll_lock},
    {0xff15, key_print},  // SysRq
    {0xff1b, key_esc},
    {0xff20, key_menu},  // compose
    {0xff22, key_muhenkan},
    {0xff23, key_henkan},
    {0xff27, key_katakana_hiragana},
    {0xff2a, key_grave},  // Zenkaku/Hankaku
    {0xff31, key_hangul},
    {0xff34, key_hanja},
    {0xff50, key_home},
    {0xff51, key_left},
    {0xff52, key_up},
    {0xff53, key_right},
    {0xff54, key_down},
    {0xff55, key_page_up},
    {0xff56, key_page_down},
    {0xff57, key_end},
    {0xff58, key_keypad_5},  // begin
    {0xff61, key_print},
    {0xff63, key_insert},
    {0xff67, key_menu},
    {0xff6b, key_pause},      // break
    {0xff7e, key_right_alt},  // mode switch
    {0xff7f, key_num_lock},
    {0xff80, key_space},  // of the keypad
    {0xff89, key_tab},    // of the keypad
    {0xff8d, key_keypad_enter},
    {0xff95, key_keypad_7},  // the keypad without Num Lock
    {0xff96, key_keypad_4},
    {0xff97, key_keypad_8},
    {0xff98, key_keypad_6},
    {0xff99, key_keypad_2},
    {0xff9a, key_keypad_9},
    {0xff9b, key_keypad_3},
    {0xff9c, key_keypad_1},
    {0xff9d, key_keypad_5},
    {0xff9e, key_keypad_0},
    {0xff9f, key_keypad_decimal},
    {0xffaa, key_keypad_multiply},
    {0xffab, key_keypad_add},
    {0xffac, key_keypad_comma},
    {0xffad, key_keypad_subtract},
    {0xffae, key_keypad_decimal},
    {0xffaf, key_keypad_divide},
    {0xffb0, key_keypad_0},
    {0xffb1, key_keypad_1},
    {0xffb2, key_keypad_2},
    {0xffb3, key_keypad_3},
    {0xffb4, key_keypad_4},
    {0xffb5, key_keypad_5},
    {0xffb6, key_keypad_6},
    {0xffb7, key_keypad_7},
    {0xffb8, key_keypad_8},
    {0xffb9, key_keypad_9},
    {0xffbd, key_keypad_equal},
    {0xffe1, key_left_shift},
    {0xffe2, key_right_shift},
    {0xffe3, key_left_ctrl},
    {0xffe4, key_right_ctrl},
    {0xffe5, key_caps_lock},
    {0xffe6, key_caps_lock},  // Shift Lock
    {0xffe7, key_left_meta},
    {0xffe8, key_right_meta},
    {0xffe9, key_left_alt},
    {0xffea, key_right_alt},
    {0xffeb, key_left_meta},  // Super
    {0xffec, key_right_meta},
    {0xffed, key_left_meta},  // Hyper
    {0xffee, key_right_meta},
    {0xffff, key_delete},
    {0x1008ff11, key_volume_down},
    {0x1008ff12, key_mute},
    {0x1008ff13, key_volume_up},
    {0x1008ff14, key_play},
    {0x1008ff15, key_stop},
    {0x1008ff16, key_previous_track},
    {0x1008ff17, key_next_track},
    {0x1008ff18, key_browser_home},
    {0x1008ff19, key_mail},
    {0x1008ff1b, key_search},
    {0x1008ff1d, key_calculator},
    {0x1008ff26, key_back},
    {0x1008ff27, key_forward},
    {0x1008ff28, key_browser_stop},
    {0x1008ff29, key_refresh},
    {0x1008ff2a, key_power},
    {0x1008ff2b, key_wake},
    {0x1008ff2f, key_sleep},
    {0x1008ff30, key_bookmarks},
    {0x1008ff32, key_media},
    {0x1008ff33, key_computer},
};
constexpr std::uint32_t keysym_f1 = 0xffbe, keysym_f24 = 0xffd5;
constexpr std::uint32_t unicode_keysyms = 0x0100'0000;
}  // namespace

std::optional<std::uint16_t> key_by_keysym(std::uint32_t keysym) {
  // A character below 100h is its own keysym; any character may also come as its Unicode number.
  const std::uint32_t character =
      keysym >= unicode_keysyms && keysym <= unicode_keysyms + 0xff ? keysym - unicode_keysyms : keysym;
  if (character >= 0x20 && character <= 0x7e) return stroke_for(character)->key;
  if (keysym >= keysym_f1 && keysym <= keysym_f24) {
    const std::uint32_t number = keysym - keysym_f1;
    return static_cast<std::uint16_t>(number < 10   ? key_f1 + number
                                      : number < 12 ? key_f11 + number - 10
                                                    : key_f13 + number - 12);
  }
  for (const Symbol& symbol : symbols)
    if (symbol.keysym == character) return symbol.key;
  return std::nullopt;
}

}  // namespace lockstitch::world

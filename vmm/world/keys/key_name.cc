// See key_name.h.
#include "vmm/world/keys/key_name.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "vmm/world/keys/key_code.h"

namespace lockstitch::world {
namespace {
struct Name {
  std::string_view name;
  std::uint16_t key;
};

/// The first name of a key is the one to show. Letters, digits and F keys are not here: see plain_key().
constexpr Name names[] = {
    {"esc", key_esc},
    {"escape", key_esc},
    {"minus", key_minus},
    {"equal", key_equal},
    {"backspace", key_backspace},
    {"tab", key_tab},
    {"bracket_left", key_bracket_left},
    {"leftbrace", key_bracket_left},
    {"bracket_right", key_bracket_right},
    {"rightbrace", key_bracket_right},
    {"ret", key_enter},
    {"enter", key_enter},
    {"return", key_enter},
    {"ctrl", key_left_ctrl},
    {"ctrl_l", key_left_ctrl},
    {"control", key_left_ctrl},
    {"leftctrl", key_left_ctrl},
    {"semicolon", key_semicolon},
    {"apostrophe", key_apostrophe},
    {"quote", key_apostrophe},
    {"grave_accent", key_grave},
    {"grave", key_grave},
    {"shift", key_left_shift},
    {"shift_l", key_left_shift},
    {"leftshift", key_left_shift},
    {"backslash", key_backslash},
    {"comma", key_comma},
    {"dot", key_dot},
    {"period", key_dot},
    {"slash", key_slash},
    {"shift_r", key_right_shift},
    {"rightshift", key_right_shift},
    {"kp_multiply", key_keypad_multiply},
    {"asterisk", key_keypad_multiply},
    {"kpasterisk", key_keypad_multiply},
    {"alt", key_left_alt},
    {"alt_l", key_left_alt},
    {"leftalt", key_left_alt},
    {"spc", key_space},
    {"space", key_space},
    {"caps_lock", key_caps_lock},
    {"capslock", key_caps_lock},
    {"num_lock", key_num_lock},
    {"numlock", key_num_lock},
    {"scroll_lock", key_scroll_lock},
    {"scrolllock", key_scroll_lock},
    {"kp_0", key_keypad_0},
    {"kp_1", key_keypad_1},
    {"kp_2", key_keypad_2},
    {"kp_3", key_keypad_3},
    {"kp_4", key_keypad_4},
    {"kp_5", key_keypad_5},
    {"kp_6", key_keypad_6},
    {"kp_7", key_keypad_7},
    {"kp_8", key_keypad_8},
    {"kp_9", key_keypad_9},
    {"kp0", key_keypad_0},
    {"kp1", key_keypad_1},
    {"kp2", key_keypad_2},
    {"kp3", key_keypad_3},
    {"kp4", key_keypad_4},
    {"kp5", key_keypad_5},
    {"kp6", key_keypad_6},
    {"kp7", key_keypad_7},
    {"kp8", key_keypad_8},
    {"kp9", key_keypad_9},
    {"kp_subtract", key_keypad_subtract},
    {"kpminus", key_keypad_subtract},
    {"kp_add", key_keypad_add},
    {"kpplus", key_keypad_add},
    {"kp_decimal", key_keypad_decimal},
    {"kpdot", key_keypad_decimal},
    {"kp_enter", key_keypad_enter},
    {"kpenter", key_keypad_enter},
    {"kp_divide", key_keypad_divide},
    {"kpslash", key_keypad_divide},
    {"kp_equals", key_keypad_equal},
    {"kpequal", key_keypad_equal},
    {"kp_comma", key_keypad_comma},
    {"kpcomma", key_keypad_comma},
    {"less", key_102nd},
    {"102nd", key_102nd},
    {"ro", key_ro},
    {"henkan", key_henkan},
    {"katakanahiragana", key_katakana_hiragana},
    {"muhenkan", key_muhenkan},
    {"hangul", key_hangul},
    {"hangeul", key_hangul},
    {"lang1", key_hangul},
    {"hanja", key_hanja},
    {"lang2", key_hanja},
    {"yen", key_yen},
    {"ctrl_r", key_right_ctrl},
    {"rightctrl", key_right_ctrl},
    {"print", key_print},
    {"sysrq", key_print},
    {"alt_r", key_right_alt},
    {"altgr", key_right_alt},
    {"rightalt", key_right_alt},
    {"home", key_home},
    {"up", key_up},
    {"pgup", key_page_up},
    {"pageup", key_page_up},
    {"left", key_left},
    {"right", key_right},
    {"end", key_end},
    {"down", key_down},
    {"pgdn", key_page_down},
    {"pagedown", key_page_down},
    {"insert", key_insert},
    {"ins", key_insert},
    {"delete", key_delete},
    {"del", key_delete},
    {"audiomute", key_mute},
    {"mute", key_mute},
    {"volumedown", key_volume_down},
    {"volumeup", key_volume_up},
    {"power", key_power},
    {"sleep", key_sleep},
    {"wake", key_wake},
    {"wakeup", key_wake},
    {"pause", key_pause},
    {"meta_l", key_left_meta},
    {"meta", key_left_meta},
    {"win", key_left_meta},
    {"super", key_left_meta},
    {"leftmeta", key_left_meta},
    {"meta_r", key_right_meta},
    {"rightmeta", key_right_meta},
    {"menu", key_menu},
    {"compose", key_menu},
    {"calculator", key_calculator},
    {"calc", key_calculator},
    {"mail", key_mail},
    {"computer", key_computer},
    {"ac_bookmarks", key_bookmarks},
    {"bookmarks", key_bookmarks},
    {"ac_back", key_back},
    {"back", key_back},
    {"ac_forward", key_forward},
    {"forward", key_forward},
    {"ac_home", key_browser_home},
    {"homepage", key_browser_home},
    {"ac_refresh", key_refresh},
    {"refresh", key_refresh},
    {"stop", key_browser_stop},
    {"find", key_search},
    {"search", key_search},
    {"mediaselect", key_media},
    {"media", key_media},
    {"audionext", key_next_track},
    {"nextsong", key_next_track},
    {"audioprev", key_previous_track},
    {"previoussong", key_previous_track},
    {"audioplay", key_play},
    {"playpause", key_play},
    {"audiostop", key_stop},
    {"stopcd", key_stop},
};

constexpr std::uint16_t letters[] = {key_a, key_b, key_c, key_d, key_e, key_f, key_g, key_h, key_i,
                                     key_j, key_k, key_l, key_m, key_n, key_o, key_p, key_q, key_r,
                                     key_s, key_t, key_u, key_v, key_w, key_x, key_y, key_z};

/// a .. z, 0 .. 9, f1 .. f24.
std::optional<std::uint16_t> plain_key(std::string_view name) {
  if (name.size() == 1) {
    const char c = name[0];
    if (c >= 'a' && c <= 'z') return letters[c - 'a'];
    if (c >= '1' && c <= '9') return static_cast<std::uint16_t>(key_1 + (c - '1'));
    if (c == '0') return key_0;
    return std::nullopt;
  }
  if (name[0] != 'f' || name.size() > 3 || name[1] == '0') return std::nullopt;
  unsigned number = 0;
  for (char c : name.substr(1)) {
    if (c < '0' || c > '9') return std::nullopt;
    number = number * 10 + static_cast<unsigned>(c - '0');
  }
  if (number <= 10) return static_cast<std::uint16_t>(key_f1 + number - 1);
  if (number <= 12) return static_cast<std::uint16_t>(key_f11 + number - 11);
  if (number <= 24) return static_cast<std::uint16_t>(key_f13 + number - 13);
  return std::nullopt;
}

std::string lower_case(std::string_view name) {
  std::string lower(name);
  for (char& c : lower)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return lower;
}

/// Letters to insert, delete or exchange.
std::size_t edits(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i);
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t exchanged = diagonal + (a[i - 1] != b[j - 1]);
      diagonal = row[j];
      row[j] = std::min({exchanged, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row[b.size()];
}
}  // namespace

std::optional<std::uint16_t> key_by_name(std::string_view name) {
  std::string lower = lower_case(name);
  if (lower.starts_with("key_")) lower.erase(0, 4);
  if (lower.empty()) return std::nullopt;
  for (const Name& known : names)
    if (known.name == lower) return known.key;
  return plain_key(lower);
}

std::string similar_key_name(std::string_view name) {
  if (name.size() < 3 || name.size() > 20) return {};
  const std::string lower = lower_case(name);
  std::size_t best = name.size() > 5 ? 3 : 2;
  std::string_view found;
  for (const Name& known : names) {
    const std::size_t distance = edits(lower, known.name);
    if (distance < best) {
      best = distance;
      found = known.name;
    }
  }
  return std::string(found);
}

}  // namespace lockstitch::world

// See scan_codes.h.
#include "devices/input/scan_codes.h"

namespace lockstitch {
namespace {
constexpr std::uint8_t extension = 0xe0, pause_prefix = 0xe1, release = 0xf0;

using Table = std::array<ScanCode, key_codes>;

/// Keys with neighbouring evdev codes whose codes are the same in sets 2 and 3.
template <std::size_t N>
constexpr void row(Table& table, std::uint16_t first, const std::uint8_t (&codes)[N]) {
  for (std::size_t i = 0; i < N; ++i) table[first + i] = {codes[i], codes[i], false, false};
}

constexpr Table make_table() {
  Table t{};
  auto plain = [&t](std::uint16_t key, std::uint8_t set2, std::uint8_t set3) { t[key] = {set2, set3, false, false}; };
  auto extended = [&t](std::uint16_t key, std::uint8_t set2, std::uint8_t set3) { t[key] = {set2, set3, true, false}; };

  plain(1, 0x76, 0x08);                                                      // Esc
  row(t, 2, {0x16, 0x1e, 0x26, 0x25, 0x2e, 0x36, 0x3d, 0x3e, 0x46, 0x45});   // 1 .. 9 0
  row(t, 12, {0x4e, 0x55, 0x66, 0x0d});                                      // - = Backspace Tab
  row(t, 16, {0x15, 0x1d, 0x24, 0x2d, 0x2c, 0x35, 0x3c, 0x43, 0x44, 0x4d});  // Q .. P
  row(t, 26, {0x54, 0x5b, 0x5a});                                            // [ ] Enter
  plain(key_left_ctrl, 0x14, 0x11);
  row(t, 30, {0x1c, 0x1b, 0x23, 0x2b, 0x34, 0x33, 0x3b, 0x42, 0x4b, 0x4c, 0x52, 0x0e});  // A .. L ; ' `
  plain(key_left_shift, 0x12, 0x12);
  plain(43, 0x5d, 0x5c);                                                     // backslash
  row(t, 44, {0x1a, 0x22, 0x21, 0x2a, 0x32, 0x31, 0x3a, 0x41, 0x49, 0x4a});  // Z .. M , . /
  plain(key_right_shift, 0x59, 0x59);
  plain(55, 0x7c, 0x7e);  // keypad *
  plain(key_left_alt, 0x11, 0x19);
  plain(57, 0x29, 0x29);  // space
  plain(58, 0x58, 0x14);  // Caps Lock
  plain(59, 0x05, 0x07);  // F1 .. F10
  plain(60, 0x06, 0x0f);
  plain(61, 0x04, 0x17);
  plain(62, 0x0c, 0x1f);
  plain(63, 0x03, 0x27);
  plain(64, 0x0b, 0x2f);
  plain(65, 0x83, 0x37);
  plain(66, 0x0a, 0x3f);
  plain(67, 0x01, 0x47);
  plain(68, 0x09, 0x4f);
  plain(69, 0x77, 0x76);                       // Num Lock
  plain(70, 0x7e, 0x5f);                       // Scroll Lock
  row(t, 71, {0x6c, 0x75, 0x7d});              // keypad 7 8 9
  plain(74, 0x7b, 0x84);                       // keypad -
  row(t, 75, {0x6b, 0x73, 0x74});              // keypad 4 5 6
  plain(78, 0x79, 0x7c);                       // keypad +
  row(t, 79, {0x69, 0x72, 0x7a, 0x70, 0x71});  // keypad 1 2 3 0 .
  plain(86, 0x61, 0x13);                       // the 102nd key
  plain(87, 0x78, 0x56);                       // F11
  plain(88, 0x07, 0x5e);                       // F12
  plain(89, 0x51, 0x51);                       // Ro
  plain(92, 0x64, 0x86);                       // Henkan
  plain(93, 0x13, 0x87);                       // Katakana/Hiragana
  plain(94, 0x67, 0x85);                       // Muhenkan
  extended(96, 0x5a, 0x79);                    // keypad Enter
  extended(key_right_ctrl, 0x14, 0x58);
  extended(98, 0x4a, 0x77);  // keypad /
  extended(key_print, 0x7c, 0x57);
  extended(key_right_alt, 0x11, 0x39);
  extended(102, 0x6c, 0x6e);  // Home
  extended(103, 0x75, 0x63);  // Up
  extended(104, 0x7d, 0x6f);  // Page Up
  extended(105, 0x6b, 0x61);  // Left
  extended(106, 0x74, 0x6a);  // Right
  extended(107, 0x69, 0x65);  // End
  extended(108, 0x72, 0x60);  // Down
  extended(109, 0x7a, 0x6d);  // Page Down
  extended(110, 0x70, 0x67);  // Insert
  extended(111, 0x71, 0x64);  // Delete
  extended(113, 0x23, 0);     // mute
  extended(114, 0x21, 0);     // volume down
  extended(115, 0x32, 0);     // volume up
  extended(116, 0x37, 0);     // power
  plain(117, 0x0f, 0);        // keypad =
  t[key_pause] = {0x77, 0x62, false, true};
  plain(121, 0x6d, 0x7b);           // keypad ,
  t[122] = {0xf2, 0, false, true};  // Hangul
  t[123] = {0xf1, 0, false, true};  // Hanja
  plain(124, 0x6a, 0x5d);           // Yen
  extended(125, 0x1f, 0x8b);        // left Meta
  extended(126, 0x27, 0x8c);        // right Meta
  extended(127, 0x2f, 0x8d);        // Menu
  extended(128, 0x28, 0);           // browser stop
  extended(140, 0x2b, 0);           // calculator
  extended(142, 0x3f, 0);           // sleep
  extended(143, 0x5e, 0);           // wake up
  extended(155, 0x48, 0);           // mail
  extended(156, 0x18, 0);           // bookmarks
  extended(157, 0x40, 0);           // my computer
  extended(158, 0x38, 0);           // back
  extended(159, 0x30, 0);           // forward
  extended(163, 0x4d, 0);           // next track
  extended(164, 0x34, 0);           // play, pause
  extended(165, 0x15, 0);           // previous track
  extended(166, 0x3b, 0);           // stop
  extended(172, 0x3a, 0);           // browser home
  extended(173, 0x20, 0);           // refresh
  constexpr std::uint8_t f13[] = {0x08, 0x10, 0x18, 0x20, 0x28, 0x30, 0x38, 0x40, 0x48, 0x50, 0x57, 0x5f};
  for (std::uint16_t i = 0; i < 12; ++i) plain(static_cast<std::uint16_t>(183 + i), f13[i], 0);  // F13 .. F24
  extended(217, 0x10, 0);                                                                        // search
  extended(226, 0x50, 0);                                                                        // media
  return t;
}
constexpr Table table = make_table();

/// What the controller makes of set 2 codes 00h-7Fh: for a code of a key, the key's code in set 1.
constexpr std::array<std::uint8_t, 128> set1_of = {
    0xff, 0x43, 0x41, 0x3f, 0x3d, 0x3b, 0x3c, 0x58, 0x64, 0x44, 0x42, 0x40, 0x3e, 0x0f, 0x29, 0x59,  // 00h
    0x65, 0x38, 0x2a, 0x70, 0x1d, 0x10, 0x02, 0x5a, 0x66, 0x71, 0x2c, 0x1f, 0x1e, 0x11, 0x03, 0x5b,  // 10h
    0x67, 0x2e, 0x2d, 0x20, 0x12, 0x05, 0x04, 0x5c, 0x68, 0x39, 0x2f, 0x21, 0x14, 0x13, 0x06, 0x5d,  // 20h
    0x69, 0x31, 0x30, 0x23, 0x22, 0x15, 0x07, 0x5e, 0x6a, 0x72, 0x32, 0x24, 0x16, 0x08, 0x09, 0x5f,  // 30h
    0x6b, 0x33, 0x25, 0x17, 0x18, 0x0b, 0x0a, 0x60, 0x6c, 0x34, 0x35, 0x26, 0x27, 0x19, 0x0c, 0x61,  // 40h
    0x6d, 0x73, 0x28, 0x74, 0x1a, 0x0d, 0x62, 0x6e, 0x3a, 0x36, 0x1c, 0x1b, 0x75, 0x2b, 0x63, 0x76,  // 50h
    0x55, 0x56, 0x77, 0x78, 0x79, 0x7a, 0x0e, 0x7b, 0x7c, 0x4f, 0x7d, 0x4b, 0x47, 0x7e, 0x7f, 0x6f,  // 60h
    0x52, 0x53, 0x50, 0x4c, 0x4d, 0x48, 0x01, 0x45, 0x57, 0x4e, 0x51, 0x4a, 0x37, 0x49, 0x46, 0x54,  // 70h
};

ScanSequence sequence(std::initializer_list<std::uint8_t> bytes) {
  ScanSequence s;
  for (std::uint8_t byte : bytes) s.add(byte);
  return s;
}

/// With Alt it is SysRq, one key of its own. Else the keyboard holds a left Shift around it, unless Shift or Ctrl is
/// down anyway.
ScanSequence print_sequence(bool released, Modifiers with) {
  if (with.alt) return released ? sequence({release, 0x84}) : sequence({0x84});
  if (with.ctrl || with.shift) return released ? sequence({extension, release, 0x7c}) : sequence({extension, 0x7c});
  return released ? sequence({extension, release, 0x7c, extension, release, 0x12})
                  : sequence({extension, 0x12, extension, 0x7c});
}

/// Press and release go out at once. With Ctrl it is Break, whose code is that of an extended Scroll Lock.
ScanSequence pause_sequence(Modifiers with) {
  if (with.ctrl) return sequence({extension, 0x7e, extension, release, 0x7e});
  return sequence({pause_prefix, 0x14, 0x77, pause_prefix, release, 0x14, release, 0x77});
}
}  // namespace

ScanCode scan_code(std::uint16_t key) { return key < key_codes ? table[key] : ScanCode{}; }

ScanSequence set2_sequence(std::uint16_t key, bool released, Modifiers with) {
  const ScanCode code = scan_code(key);
  if (released && code.silent_release) return {};
  if (key == key_print) return print_sequence(released, with);
  if (key == key_pause) return pause_sequence(with);
  ScanSequence s;
  if (code.extended) s.add(extension);
  if (released) s.add(release);
  s.add(code.set2);
  return s;
}

ScanSequence set1_sequence(const ScanSequence& set2) {
  ScanSequence s;
  std::uint8_t break_bit = 0;
  for (std::uint8_t i = 0; i < set2.size; ++i) {
    if (set2.bytes[i] == release) {
      break_bit = 0x80;
    } else {
      s.add(static_cast<std::uint8_t>(translated(set2.bytes[i]) | break_bit));
      break_bit = 0;
    }
  }
  return s;
}

ScanSequence set3_sequence(std::uint16_t key, bool released, bool release_sent) {
  const ScanCode code = scan_code(key);
  if (code.set3 == 0 || (released && !release_sent)) return {};
  return released ? sequence({release, code.set3}) : sequence({code.set3});
}

std::uint8_t translated(std::uint8_t set2) {
  if (set2 < set1_of.size()) return set1_of[set2];
  if (set2 == 0x83) return 0x41;
  if (set2 == 0x84) return 0x54;
  return set2;
}

}  // namespace lockstitch

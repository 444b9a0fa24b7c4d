// See key_stroke.h.
#include "vmm/world/keys/key_stroke.h"

#include <algorithm>
#include <optional>
#include <string>

#include "vmm/world/keys/key_code.h"
#include "vmm/world/keys/key_name.h"
#include "vmm/world/keys/us_layout.h"

namespace lockstitch::world {
namespace {
Error wrong(std::string text) { return Error{ExitCode::usage, std::move(text)}; }

std::string hint_for(std::string_view name) {
  if (const std::string similar = similar_key_name(name); !similar.empty()) return "did you mean '" + similar + "'?";
  if (name.size() == 1) {
    const auto stroke = stroke_for(static_cast<unsigned char>(name[0]));
    if (stroke && stroke->shift) return "keys have no Shift in their names; use the `type` command for characters.";
  }
  return "keys are called a, 7, f1, ret, esc, tab, spc, up, pgdn, delete, ctrl, alt, shift, meta_l, kp_0, minus, "
         "comma.";
}

/// The character at the front of `text`, which loses it. Empty: it is not UTF-8.
std::optional<char32_t> next_character(std::string_view& text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  const std::size_t length = lead < 0x80   ? 1
                             : lead < 0xc2 ? 0
                             : lead < 0xe0 ? 2
                             : lead < 0xf0 ? 3
                             : lead < 0xf5 ? 4
                                           : 0;
  if (length == 0 || length > text.size()) return std::nullopt;
  char32_t character = length == 1 ? lead : lead & (0x7fu >> length);
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return std::nullopt;
    character = character << 6 | (byte(i) & 0x3fu);
  }
  text.remove_prefix(length);
  return character;
}

std::string shown(char32_t character, std::string_view utf8) {
  static constexpr char hex[] = "0123456789ABCDEF";
  std::string code;
  for (int shift = character > 0xffff ? 20 : 12; shift >= 0; shift -= 4) code += hex[character >> shift & 15];
  return (character < 0x20 || character == 0x7f ? std::string() : "'" + std::string(utf8) + "' ") + "(U+" + code + ")";
}
}  // namespace

Result<std::vector<std::uint8_t>> press_chord(std::string_view chord) {
  std::vector<std::uint16_t> keys;
  for (std::string_view rest = chord;;) {
    const std::size_t end = std::min(rest.find_first_of("-+"), rest.size());
    const std::string_view name = rest.substr(0, end);
    const std::string in_chord = " in '" + std::string(chord) + "'";
    if (chord.empty()) return wrong("No key is named; write for example ctrl-alt-delete.");
    if (name.empty())
      return wrong("A key name is missing" + in_chord + "; the hyphen key is called minus, the plus is shift-equal.");
    const auto key = key_by_name(name);
    if (!key) return wrong("There is no key '" + std::string(name) + "'; " + hint_for(name));
    if (std::find(keys.begin(), keys.end(), *key) != keys.end())
      return wrong("The key '" + std::string(name) + "' is named twice" + in_chord + "; once is enough.");
    if (keys.size() == chord_max_keys)
      return wrong("A chord has at most " + std::to_string(chord_max_keys) + " keys; use the `type` command for text.");
    keys.push_back(*key);
    if (end == rest.size()) break;
    rest.remove_prefix(end + 1);
  }
  std::vector<std::uint8_t> payload;
  for (const std::uint16_t key : keys) add_press(payload, key);
  for (std::size_t i = keys.size(); i-- > 0;) add_press(payload, keys[i], true);
  return payload;
}

Result<std::vector<std::uint8_t>> type_text(std::string_view utf8) {
  std::vector<std::uint8_t> payload;
  bool shifted = false;
  const auto shift_to = [&](bool shift) {
    if (shift != shifted) add_press(payload, key_left_shift, !shift);
    shifted = shift;
  };
  bool after_return = false;
  for (std::string_view rest = utf8; !rest.empty();) {
    const std::string_view before = rest;
    const auto character = next_character(rest);
    if (!character)
      return wrong("The text is not UTF-8 at byte " + std::to_string(utf8.size() - before.size()) +
                   "; save it as UTF-8 or leave out what is not ASCII.");
    const auto stroke = stroke_for(*character);
    if (!stroke)
      return wrong(
          "The character " + shown(*character, before.substr(0, before.size() - rest.size())) +
          " is not on a US keyboard, which is what the guest is typed at; leave it out, or send keys by name.");
    const bool second_of_pair = after_return && *character == U'\n';
    after_return = *character == U'\r';
    if (second_of_pair) continue;
    shift_to(stroke->shift);
    add_press(payload, stroke->key);
    add_press(payload, stroke->key, true);
    if (payload.size() / 2 + 1 > typed_max_units)
      return wrong("The text is too long to be typed at once: the keyboard keeps " + std::to_string(typed_max_units) +
                   " presses and releases; type it in parts of 250 characters.");
  }
  shift_to(false);
  return payload;
}

}  // namespace lockstitch::world

// See us_layout.h.
#include "vmm/world/keys/us_layout.h"

#include <string_view>

#include "vmm/world/keys/key_code.h"

namespace lockstitch::world {
namespace {
/// Keys side by side, whose evdev codes count up, with what they make alone and with Shift.
struct Row {
  std::uint16_t first;
  std::string_view alone, shifted;
};
constexpr Row rows[] = {
    {key_1, "1234567890-=", "!@#$%^&*()_+"},
    {key_q, "qwertyuiop[]", "QWERTYUIOP{}"},
    {key_a, "asdfghjkl;'`", "ASDFGHJKL:\"~"},
    {key_backslash, "\\zxcvbnm,./", "|ZXCVBNM<>?"},
};
}  // namespace

std::optional<Stroke> stroke_for(char32_t character) {
  switch (character) {
    case U'\n':
    case U'\r':
      return Stroke{key_enter, false};
    case U'\t':
      return Stroke{key_tab, false};
    case U'\b':
      return Stroke{key_backspace, false};
    case 0x1b:
      return Stroke{key_esc, false};
    case U' ':
      return Stroke{key_space, false};
    default:
      break;
  }
  if (character < 0x21 || character > 0x7e) return std::nullopt;
  const char c = static_cast<char>(character);
  for (const Row& row : rows) {
    for (const bool shift : {false, true}) {
      const std::size_t at = (shift ? row.shifted : row.alone).find(c);
      if (at != std::string_view::npos) return Stroke{static_cast<std::uint16_t>(row.first + at), shift};
    }
  }
  return std::nullopt;
}

}  // namespace lockstitch::world

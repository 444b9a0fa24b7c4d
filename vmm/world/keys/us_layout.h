// The US keyboard: which key, with or without Shift, makes a character.
#pragma once
#include <cstdint>
#include <optional>

namespace lockstitch::world {

struct Stroke {
  std::uint16_t key = 0;  ///< evdev code
  bool shift = false;
};

/// Printable ASCII, newline (Enter), carriage return (Enter), tab, backspace, escape.
std::optional<Stroke> stroke_for(char32_t character);

}  // namespace lockstitch::world

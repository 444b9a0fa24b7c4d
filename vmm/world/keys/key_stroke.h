// What a person asks to be typed, as an arrival of the keyboard: a chord of named keys, or a text on a US keyboard.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "lockstitch/result.h"

namespace lockstitch::world {

/// Unit: keys. More than a person has fingers.
inline constexpr std::size_t chord_max_keys = 16;
/// Unit: presses and releases. What the keyboard keeps for the guest; a text that needs more would lose its end.
inline constexpr std::size_t typed_max_units = 1024;

/// "ctrl-alt-delete": all pressed in this order, then released in the opposite one. Plus signs do as well as hyphens.
/// Fails: an unknown key, a key named twice, no key at all, too many keys.
Result<std::vector<std::uint8_t>> press_chord(std::string_view chord);

/// Fails: a character that a US keyboard does not have, bytes that are not UTF-8, too long a text. CR LF is one Enter.
Result<std::vector<std::uint8_t>> type_text(std::string_view utf8);

}  // namespace lockstitch::world

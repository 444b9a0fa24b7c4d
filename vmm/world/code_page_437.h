// What a text screen shows, as text for people. Source: the glyphs of the PC's character generator, code page 437.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "lockstitch/screen.h"

namespace lockstitch::world {

/// UTF-8. 00h, 20h and FFh, which look alike, are a blank.
std::string_view text_of(std::uint8_t character);

/// UTF-8, a line for each row, without blanks at the ends of lines and without empty rows at the end.
std::string text_of(const TextScreen& screen);

}  // namespace lockstitch::world

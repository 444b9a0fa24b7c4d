// Keys by X11 keysym, which is how a VNC client names them.
#pragma once
#include <cstdint>
#include <optional>

namespace lockstitch::world {

/// The evdev code of the key that makes this symbol on a US keyboard, with or without Shift: the client sends Shift as
/// a key of its own.
std::optional<std::uint16_t> key_by_keysym(std::uint32_t keysym);

}  // namespace lockstitch::world

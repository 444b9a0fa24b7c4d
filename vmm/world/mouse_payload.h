// What arrives at a mouse's port and at a tablet's: a movement or a place, the wheel and the buttons, six bytes.
#pragma once
#include <algorithm>
#include <cstdint>
#include <vector>

namespace lockstitch::world {

struct MouseEvent {
  int dx = 0, dy = 0;    ///< to the right, down
  int wheel = 0;         ///< down
  unsigned buttons = 0;  ///< held: bit 0 left, 1 right, 2 middle
};

inline std::vector<std::uint8_t> mouse_payload(const MouseEvent& event) {
  const auto dx = static_cast<std::uint16_t>(std::clamp(event.dx, -32'768, 32'767));
  const auto dy = static_cast<std::uint16_t>(std::clamp(event.dy, -32'768, 32'767));
  const auto wheel = static_cast<std::uint8_t>(std::clamp(event.wheel, -128, 127));
  return {static_cast<std::uint8_t>(dx),
          static_cast<std::uint8_t>(dx >> 8),
          static_cast<std::uint8_t>(dy),
          static_cast<std::uint8_t>(dy >> 8),
          wheel,
          static_cast<std::uint8_t>(event.buttons & 7)};
}

struct TabletEvent {
  static constexpr unsigned place_max = 32'767;  ///< the right or lower edge of the screen
  unsigned x = 0, y = 0;                         ///< from the upper left corner
  int wheel = 0;                                 ///< down
  unsigned buttons = 0;                          ///< held: bit 0 left, 1 right, 2 middle
};

inline std::vector<std::uint8_t> tablet_payload(const TabletEvent& event) {
  const unsigned x = std::min(event.x, TabletEvent::place_max), y = std::min(event.y, TabletEvent::place_max);
  return {static_cast<std::uint8_t>(x),
          static_cast<std::uint8_t>(x >> 8),
          static_cast<std::uint8_t>(y),
          static_cast<std::uint8_t>(y >> 8),
          static_cast<std::uint8_t>(event.buttons & 7),
          static_cast<std::uint8_t>(std::clamp(event.wheel, -127, 127))};
}

}  // namespace lockstitch::world

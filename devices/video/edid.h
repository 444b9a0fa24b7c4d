// What the monitor says of itself: an EDID 1.4 block whose preferred mode is 1024 by 768. Source: VESA E-EDID A2.
#pragma once
#include <array>
#include <cstdint>

namespace lockstitch {

std::array<std::uint8_t, 128> edid();

}  // namespace lockstitch

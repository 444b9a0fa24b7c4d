// Randomness of the host for the machine's default seed: read once, then a recorded input.
#pragma once
#include <array>
#include <cstdint>

namespace lockstitch::world {

std::array<std::uint8_t, 32> host_seed();

}  // namespace lockstitch::world

// The one number that all of the guest's randomness comes from.
#pragma once
#include <array>
#include <cstdint>

namespace lockstitch::app {

/// A seed from the host. Range: below 2^53, so that every reader of JSON gives it back unchanged.
std::uint64_t random_seed();

/// The seed as the random-number device takes it. Frozen: it decides what a guest reads.
std::array<std::uint8_t, 32> seed_bytes(std::uint64_t seed);

}  // namespace lockstitch::app

// See seed.h. The expansion is SplitMix64 (Steele, Lea, Flood 2014), four outputs, least significant byte first.
#include "vmm/app/seed.h"

#include "vmm/world/host_seed.h"

namespace lockstitch::app {

std::uint64_t random_seed() {
  const auto bytes = world::host_seed();
  std::uint64_t seed = 0;
  for (unsigned i = 0; i < 8; ++i) seed = seed << 8 | bytes[i];
  return seed >> 11;
}

std::array<std::uint8_t, 32> seed_bytes(std::uint64_t seed) {
  std::array<std::uint8_t, 32> bytes{};
  for (std::size_t word = 0; word < 4; ++word) {
    seed += 0x9e37'79b9'7f4a'7c15;
    std::uint64_t z = seed;
    z = (z ^ z >> 30) * 0xbf58'476d'1ce4'e5b9;
    z = (z ^ z >> 27) * 0x94d0'49bb'1331'11eb;
    z ^= z >> 31;
    for (std::size_t i = 0; i < 8; ++i) bytes[8 * word + i] = static_cast<std::uint8_t>(z >> 8 * i);
  }
  return bytes;
}

}  // namespace lockstitch::app

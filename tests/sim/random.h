// All chance of a simulation comes from one seed, through here.
#pragma once
#include <cstdint>

namespace lockstitch::sim {

constexpr std::uint64_t mix(std::uint64_t x) {
  x += 0x9e37'79b9'7f4a'7c15;
  x = (x ^ (x >> 30)) * 0xbf58'476d'1ce4'e5b9;
  x = (x ^ (x >> 27)) * 0x94d0'49bb'1331'11eb;
  return x ^ (x >> 31);
}

class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(mix(seed)) {}

  std::uint64_t next() { return mix(state_++); }
  /// Range: n at least 1.
  std::uint64_t below(std::uint64_t n) { return next() % n; }
  std::uint64_t between(std::uint64_t low, std::uint64_t high) { return low + below(high - low + 1); }
  bool chance(unsigned permille) { return below(1000) < permille; }
  /// Every order of magnitude is as likely as any other.
  std::uint64_t spread(std::uint64_t low, std::uint64_t high) {
    unsigned doublings = 0;
    while ((low << (doublings + 1)) <= high) ++doublings;
    const std::uint64_t base = low << below(doublings + 1);
    const std::uint64_t drawn = between(base, 2 * base);
    return drawn < high ? drawn : high;
  }

 private:
  std::uint64_t state_;
};

}  // namespace lockstitch::sim

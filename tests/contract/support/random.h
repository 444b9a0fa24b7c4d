// A small deterministic generator for tests, and the seed of this run: LOCKSTITCH_SEED if set, else a fixed number.
#pragma once
#include <cstdint>
#include <cstdlib>

namespace lockstitch::test {

/// splitmix64.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}
  std::uint64_t next() {
    std::uint64_t z = (state_ += 0x9e37'79b9'7f4a'7c15);
    z = (z ^ (z >> 30)) * 0xbf58'476d'1ce4'e5b9;
    z = (z ^ (z >> 27)) * 0x94d0'49bb'1331'11eb;
    return z ^ (z >> 31);
  }
  /// Range: 0 .. bound-1; bound > 0.
  std::uint64_t below(std::uint64_t bound) { return next() % bound; }
  bool one_in(std::uint64_t n) { return below(n) == 0; }

 private:
  std::uint64_t state_;
};

inline std::uint64_t run_seed() {
  const char* text = std::getenv("LOCKSTITCH_SEED");
  return text != nullptr ? std::strtoull(text, nullptr, 0) : 0x10c6'571c;
}

}  // namespace lockstitch::test

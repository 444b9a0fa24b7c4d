// A 128-bit fingerprint of state and effects (law 7).
#pragma once
#include <cstdint>
#include <string>

namespace lockstitch {

struct Digest {
  std::uint64_t high = 0;
  std::uint64_t low = 0;
  friend constexpr bool operator==(const Digest&, const Digest&) = default;
};

/// 32 lower-case hex digits.
inline std::string to_text(const Digest& digest) {
  static const char hex[] = "0123456789abcdef";
  std::string text(32, '0');
  for (int i = 0; i < 16; ++i) {
    text[i] = hex[(digest.high >> (60 - 4 * i)) & 15];
    text[16 + i] = hex[(digest.low >> (60 - 4 * i)) & 15];
  }
  return text;
}

}  // namespace lockstitch

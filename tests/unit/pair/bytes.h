// Random contents for the tests of a pair, and what a sentence for people is.
#pragma once
#include <doctest/doctest.h>

#include <cstdint>
#include <string>
#include <vector>

#include "lockstitch/result.h"
#include "tests/contract/support/random.h"

namespace lockstitch::test {

inline std::vector<std::uint8_t> random_bytes(Random& random, std::size_t up_to) {
  std::vector<std::uint8_t> bytes(random.below(up_to + 1));
  for (auto& byte : bytes) byte = static_cast<std::uint8_t>(random.next());
  return bytes;
}

/// Any characters, for names and reasons come from the other side; but no NUL, which ends a text.
inline std::string random_text(Random& random) {
  std::string text(random.below(80), ' ');
  for (char& c : text) c = static_cast<char>(1 + random.below(255));
  return text;
}

/// Small ones, large ones and the edges.
inline std::uint64_t random_number(Random& random) {
  if (random.one_in(8)) return random.one_in(2) ? 0 : ~std::uint64_t{0};
  return random.next() >> random.below(64);
}

inline void check_sentence(const Error& error) {
  CAPTURE(error.text);
  CHECK(error.text.size() > 10);
  CHECK(error.text.find('\n') == std::string::npos);
}

}  // namespace lockstitch::test

// A random bit generator that is a function of its seed and of how much was drawn: the ChaCha20 key stream. Not a
// source of entropy. Source: RFC 8439 2.3, with a 64-bit block counter and a nonce of zero.
#pragma once
#include <array>
#include <cstdint>

#include "lockstitch/state.h"

namespace lockstitch {

class ChachaRandom {
 public:
  using Seed = std::array<std::uint8_t, 32>;

  explicit ChachaRandom(const Seed& seed) : key_(seed) {}
  void fill(MutableBytes out);
  void visit(StateVisitor& visitor);

 private:
  static constexpr unsigned block_bytes = 64;
  void make_block();

  Seed key_;
  std::uint64_t drawn_bytes_ = 0;
  std::array<std::uint8_t, block_bytes> block_{};  ///< the block that byte `drawn_bytes_` lies in, once it was begun
};

}  // namespace lockstitch

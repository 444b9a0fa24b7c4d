// 256 bits, one per interrupt vector: the shape of a local APIC's IRR, ISR and TMR.
#pragma once
#include <array>
#include <bit>
#include <cstdint>
#include <string_view>

#include "lockstitch/state.h"

namespace lockstitch {

class VectorSet {
 public:
  void insert(std::uint8_t v) { words_[v / 64] |= mask(v); }
  void erase(std::uint8_t v) { words_[v / 64] &= ~mask(v); }
  bool contains(std::uint8_t v) const { return words_[v / 64] & mask(v); }
  /// The highest vector, or -1.
  int highest() const {
    for (int i = 3; i >= 0; --i)
      if (words_[i] != 0) return 64 * i + 63 - std::countl_zero(words_[i]);
    return -1;
  }
  /// The eight 32-bit registers in which the guest sees the set.
  std::uint32_t part(unsigned index) const {
    return static_cast<std::uint32_t>(words_[index / 2] >> (index & 1 ? 32 : 0));
  }
  void visit(StateVisitor& visitor, std::string_view name) { visitor.field(name, words_); }

 private:
  static std::uint64_t mask(std::uint8_t v) { return std::uint64_t{1} << (v % 64); }
  std::array<std::uint64_t, 4> words_{};
};

}  // namespace lockstitch

// The small vocabulary every layer shares: guest addresses, port numbers and byte views.
// Not here: time (tick.h), limits (limits.h).
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>

namespace lockstitch {

/// Guest-physical address. Unit: bytes. Range: below 2^40 (the CPUID model reports 40 bits).
using Gpa = std::uint64_t;

using Bytes = std::span<const std::uint8_t>;
using MutableBytes = std::span<std::uint8_t>;

inline constexpr std::uint64_t page_bytes = 4096;
inline constexpr std::uint64_t page_mask = page_bytes - 1;

/// All ones in the low `width` bytes: what an unclaimed read returns. Range: width 1, 2, 4 or 8.
constexpr std::uint64_t ones(unsigned width) {
  return width >= 8 ? ~std::uint64_t{0} : (std::uint64_t{1} << (8 * width)) - 1;
}

}  // namespace lockstitch

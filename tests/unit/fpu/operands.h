// Random floating-point state with a taste for the edges: zeros, denormals, infinities, NaNs, numbers near the limits.
#pragma once
#include <bit>
#include <cstring>

#include "lockstitch/cpu_state.h"
#include "tests/contract/support/random.h"

namespace lockstitch::test {

inline std::uint32_t odd_single(Random& random) {
  static constexpr std::uint32_t edges[] = {0,          0x8000'0000, 1,           0x007f'ffff, 0x0080'0000, 0x7f7f'ffff, 0x7f80'0000, 0xff80'0000,
                                            0x7fc0'0000, 0x7f80'0001, 0xffc1'2345, 0xff81'2345, 0x3f80'0000, 0xbf80'0000, 0x4f00'0000, 0xcf00'0000,
                                            0x5f00'0000, 0x3f00'0000, 0x0000'1234, 0x8080'0001};
  const auto noise = static_cast<std::uint32_t>(random.next());
  switch (random.below(4)) {
    case 0: return noise;
    case 1: return edges[random.below(std::size(edges))];
    case 2: return (noise & 0x807f'ffff) | static_cast<std::uint32_t>(100 + random.below(56)) << 23;  // moderate
    default: return (noise & 0x8000'0000) | std::bit_cast<std::uint32_t>(static_cast<float>(random.below(100)));
  }
}
inline std::uint64_t odd_double(Random& random) {
  static constexpr std::uint64_t edges[] = {0,
                                            0x8000'0000'0000'0000,
                                            1,
                                            0x000f'ffff'ffff'ffff,
                                            0x0010'0000'0000'0000,
                                            0x7fef'ffff'ffff'ffff,
                                            0x7ff0'0000'0000'0000,
                                            0xfff0'0000'0000'0000,
                                            0x7ff8'0000'0000'0000,
                                            0x7ff0'0000'0000'0001,
                                            0xfff8'1234'5678'9abc,
                                            0x3ff0'0000'0000'0000,
                                            0x41e0'0000'0000'0000,
                                            0x43e0'0000'0000'0000,
                                            0x3fe0'0000'0000'0000,
                                            0x36a0'0000'0000'0001,
                                            0x47ef'ffff'ffff'ffff};
  const std::uint64_t noise = random.next();
  switch (random.below(4)) {
    case 0: return noise;
    case 1: return edges[random.below(std::size(edges))];
    case 2: return (noise & 0x800f'ffff'ffff'ffff) | (970 + random.below(100)) << 52;
    default: return (noise & 1ull << 63) | std::bit_cast<std::uint64_t>(static_cast<double>(random.below(100)));
  }
}
inline void odd_bytes(Random& random, std::uint8_t* out, unsigned size) {
  const auto kind = random.below(4);
  for (unsigned at = 0; at < size; at += 8) {
    std::uint64_t value = random.next();
    if (kind == 1) value = odd_single(random) | std::uint64_t{odd_single(random)} << 32;
    if (kind == 2) value = odd_double(random);
    if (kind == 3) value &= random.next() & 0x7f00'ff7f'0f80'ff01;
    std::memcpy(out + at, &value, size - at < 8 ? size - at : 8);
  }
}
inline void odd_extended(Random& random, std::uint8_t* out) {
  std::uint64_t mantissa = random.next() | 1ull << 63;
  std::uint16_t exponent = static_cast<std::uint16_t>(0x3fff + random.below(80) - 40);
  switch (random.below(8)) {
    case 0: exponent = static_cast<std::uint16_t>(random.below(3)); break;
    case 1: exponent = static_cast<std::uint16_t>(0x7fff - random.below(3)); break;
    case 2: mantissa = 0, exponent = 0; break;
    case 3: mantissa = 1ull << 63; break;
    case 4: mantissa = random.next(), exponent = static_cast<std::uint16_t>(random.next()); break;
    case 5:
      exponent = static_cast<std::uint16_t>(0x3fff + random.below(20));
      mantissa = (0x8000ull | random.next()) << 48 | 1ull << 63;
      break;
    default: break;
  }
  if (random.one_in(2)) exponent |= 0x8000;
  std::memcpy(out, &mantissa, 8);
  std::memcpy(out + 8, &exponent, 2);
}

/// Fills registers, vectors and the x87 stack of a CPU. All exceptions stay masked.
inline void odd_state(Random& random, CpuState& cpu) {
  for (unsigned i = 0; i < 16; ++i) {
    if (i != unsigned(Gpr::rsp)) cpu.gpr[i] = random.one_in(3) ? random.below(40) - 20 : random.next();
    odd_bytes(random, cpu.xmm[i].data(), 16);
  }
  cpu.mxcsr = 0x1f80 | static_cast<std::uint32_t>(random.next() & 0xe07f);
  if (random.one_in(2)) cpu.mxcsr &= 0xffff'7fbf;
  cpu.fpu_control = static_cast<std::uint16_t>(0x7f | (random.one_in(2) ? 0x300 : random.below(16) << 8));
  cpu.fpu_status = static_cast<std::uint16_t>(random.next() & 0x477f & (random.one_in(2) ? 0x4700 : 0xffff));
  cpu.fpu_status |= static_cast<std::uint16_t>(random.below(8) << 11);
  cpu.fpu_tag = random.one_in(2) ? 0xff : static_cast<std::uint8_t>(random.next() | random.next());
  for (auto& st : cpu.st) {
    st = {};
    odd_extended(random, st.data());
  }
  cpu.rflags = 2 | (random.next() & 0x8d5);
}

}  // namespace lockstitch::test

// See values.h. Source: IEEE 754 formats; SDM 1 4.8 and 8.2.
#include "tests/differential/values.h"

#include <algorithm>
#include <cstring>

namespace lockstitch::differential {

std::uint64_t integer_value(Random& random) {
  static constexpr std::uint64_t edges[] = {0,
                                            1,
                                            2,
                                            3,
                                            0x7f,
                                            0x80,
                                            0x81,
                                            0xff,
                                            0x100,
                                            0x7fff,
                                            0x8000,
                                            0xffff,
                                            0x1'0000,
                                            0x7fff'ffff,
                                            0x8000'0000,
                                            0xffff'ffff,
                                            0x1'0000'0000,
                                            0x7fff'ffff'ffff'ffff,
                                            0x8000'0000'0000'0000,
                                            0x8000'0000'0000'0001,
                                            0xffff'ffff'ffff'fffe,
                                            0xffff'ffff'ffff'ffff,
                                            0xffff'ffff'8000'0000,
                                            0x8080'8080'8080'8080,
                                            0x7f7f'7f7f'7f7f'7f7f,
                                            0x5555'5555'5555'5555};
  switch (random.below(8)) {
    case 0:
    case 1:
    case 2: return random.pick(edges);
    case 3: return random.below(256);
    case 4: return 1ull << random.below(64);
    case 5: return random.next() >> random.below(64);
    case 6: return ~(random.next() >> random.below(64));
    default: return random.next();
  }
}

std::uint32_t single_value(Random& random) {
  static constexpr std::uint32_t values[] = {
      0x0000'0000, 0x3f80'0000, 0x7f80'0000, 0x7fc0'0000, 0x7fa0'0000, 0x7f80'0001, 0x0000'0001, 0x007f'ffff, 0x0080'0000, 0x7f7f'ffff,
      0x3f00'0000, 0x3fc0'0000, 0x4020'0000, 0x4060'0000, 0x4f00'0000, 0x4eff'ffff, 0x5f00'0000, 0x5eff'ffff, 0x4b00'0000, 0x4aff'ffff,
      0x3f7f'ffff, 0x3eaa'aaab, 0x4040'0000, 0x42c8'0000, 0x0040'0000, 0x2000'0000, 0x6000'0000, 0x46ff'fe00, 0x4700'0000, 0x3eff'ffff};
  const std::uint32_t sign = random.percent(40) ? 0x8000'0000 : 0;
  switch (random.below(5)) {
    case 0:
    case 1: return random.pick(values) | sign;
    case 2: return static_cast<std::uint32_t>(random.next());
    case 3: return (static_cast<std::uint32_t>(random.next()) & 0x007f'ffff) | static_cast<std::uint32_t>(random.between(120, 160) << 23) | sign;
    default: return (static_cast<std::uint32_t>(random.next()) & 0x0780'0000) + 0x3c00'0000 + static_cast<std::uint32_t>(random.below(8)) + sign;
  }
}

std::uint64_t double_value(Random& random) {
  static constexpr std::uint64_t values[] = {
      0,
      0x3ff0'0000'0000'0000,
      0x7ff0'0000'0000'0000,
      0x7ff8'0000'0000'0000,
      0x7ff4'0000'0000'0000,
      0x7ff0'0000'0000'0001,
      1,
      0x000f'ffff'ffff'ffff,
      0x0010'0000'0000'0000,
      0x7fef'ffff'ffff'ffff,
      0x3fe0'0000'0000'0000,
      0x3ff8'0000'0000'0000,
      0x4004'0000'0000'0000,
      0x400c'0000'0000'0000,
      0x41e0'0000'0000'0000,
      0x41df'ffff'ffc0'0000,
      0x41df'ffff'ffe0'0000,
      0x43e0'0000'0000'0000,
      0x43df'ffff'ffff'ffff,
      0x4330'0000'0000'0000,
      0x4340'0000'0000'0001,
      0x3fd5'5555'5555'5555,
      0x36a0'0000'0000'0000,
      0x3810'0000'0000'0000,
      0x380f'ffff'ffff'ffff,
      0x47ef'ffff'e000'0000,
      0x47ef'ffff'f000'0000,
      0x0008'0000'0000'0000,
  };
  const std::uint64_t sign = random.percent(40) ? 1ull << 63 : 0;
  switch (random.below(5)) {
    case 0:
    case 1: return random.pick(values) | sign;
    case 2: return random.next();
    case 3: return (random.next() & 0x000f'ffff'ffff'ffff) | random.between(1015, 1090) << 52 | sign;
    default: return (0x3ff0'0000'0000'0000 + (random.below(64) << 50) + random.below(4)) | sign;
  }
}

void extended_value(Random& random, std::uint8_t* out) {
  std::uint64_t mantissa = 0;
  std::uint16_t exponent = 0;
  switch (random.below(12)) {
    case 0: break;                                                                     // zero
    case 1: mantissa = 1ull << 63, exponent = 0x7fff; break;                           // infinity
    case 2: mantissa = 0xc000'0000'0000'0000 | random.next() >> 4, exponent = 0x7fff; break;  // quiet NaN
    case 3: mantissa = 1ull << 63 | (random.next() >> 2 & ~(1ull << 62)) | 1, exponent = 0x7fff; break;  // signalling NaN
    case 4: mantissa = random.next() >> random.between(1, 63); break;                  // denormal
    case 5: mantissa = 1ull << 63 | random.next(); break;                              // pseudo-denormal
    case 6: mantissa = random.next() >> 1, exponent = static_cast<std::uint16_t>(random.below(0x8000)); break;  // unnormal
    case 7:                                                                            // small integers and halves
      mantissa = random.between(1, 255) << 56;
      while (!(mantissa >> 63)) mantissa <<= 1;
      exponent = static_cast<std::uint16_t>(0x3fff + random.below(12) - 2);
      break;
    case 8: mantissa = 1ull << 63 | random.next(), exponent = static_cast<std::uint16_t>(random.below(0x7fff)); break;
    case 9: mantissa = 1ull << 63, exponent = static_cast<std::uint16_t>(0x3fff + random.below(80) - 10); break;  // powers of two
    default: mantissa = 1ull << 63 | random.next(), exponent = static_cast<std::uint16_t>(0x3fff + random.below(90) - 20); break;
  }
  if (random.percent(40)) exponent |= 0x8000;
  std::memcpy(out, &mantissa, 8);
  std::memcpy(out + 8, &exponent, 2);
}

void operand_bytes(Random& random, std::span<std::uint8_t> out) {
  const std::uint64_t kind = random.below(6);
  for (std::size_t i = 0; i < out.size();) {
    std::uint8_t piece[16] = {};
    std::size_t size = 8;
    switch (kind) {
      case 0: {
        const std::uint32_t v = single_value(random);
        std::memcpy(piece, &v, size = 4);
        break;
      }
      case 1: {
        const std::uint64_t v = double_value(random);
        std::memcpy(piece, &v, 8);
        break;
      }
      case 2: extended_value(random, piece), size = 10; break;
      case 3: {
        static constexpr std::uint8_t edges[] = {0, 1, 0x7f, 0x80, 0x81, 0xff, 0xfe, 0x40};
        piece[0] = random.pick(edges), size = 1;
        break;
      }
      default: {
        const std::uint64_t v = integer_value(random);
        std::memcpy(piece, &v, 8);
      }
    }
    const std::size_t n = std::min(size, out.size() - i);
    std::memcpy(out.data() + i, piece, n);
    i += n;
  }
}

Bytes16 packed_value(Random& random) {
  Bytes16 value;
  operand_bytes(random, value);
  return value;
}

std::uint32_t mxcsr_value(Random& random) {
  std::uint32_t value = 0x1f80;
  if (random.percent(40)) value |= static_cast<std::uint32_t>(random.below(4) << 13);
  if (random.percent(15)) value |= 0x40;
  if (random.percent(15)) value |= 0x8000;
  if (random.percent(25)) value |= static_cast<std::uint32_t>(random.below(64));
  if (random.percent(8)) value &= ~static_cast<std::uint32_t>(random.below(64) << 7);
  return value;
}

void x87_state(Random& random, Registers& r) {
  r.fpu_control = 0x37f;
  if (random.percent(40)) r.fpu_control = static_cast<std::uint16_t>((r.fpu_control & ~0xf00) | random.below(16) << 8);
  if (random.percent(8)) r.fpu_control = static_cast<std::uint16_t>(r.fpu_control & ~random.below(64));
  r.fpu_status = static_cast<std::uint16_t>(random.below(8) << 11);
  if (random.percent(50)) r.fpu_status = static_cast<std::uint16_t>(r.fpu_status | (random.next() & 0x4700));
  if (random.percent(20)) r.fpu_status = static_cast<std::uint16_t>(r.fpu_status | random.below(128));
  if (r.fpu_status & ~r.fpu_control & 0x3f) {
    if (random.percent(70))
      r.fpu_status = static_cast<std::uint16_t>(r.fpu_status & (r.fpu_control | ~0x3f));
    else
      r.fpu_status |= 0x8080;
  }
  const unsigned top = r.fpu_status >> 11 & 7;
  if (random.percent(70)) {  // a proper stack
    const std::uint64_t depth = random.percent(60) ? random.between(2, 7) : random.below(9);
    r.fpu_tag = 0;
    for (unsigned i = 0; i < depth; ++i) r.fpu_tag = static_cast<std::uint8_t>(r.fpu_tag | 1u << ((top + i) & 7));
  } else {
    r.fpu_tag = static_cast<std::uint8_t>(random.next());
  }
  for (auto& st : r.st) {
    st = {};
    extended_value(random, st.data());
  }
}

}  // namespace lockstitch::differential

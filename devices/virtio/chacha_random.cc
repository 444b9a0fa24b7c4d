// See chacha_random.h.
#include "devices/virtio/chacha_random.h"

#include <bit>

namespace lockstitch {
namespace {
void quarter_round(std::uint32_t& a, std::uint32_t& b, std::uint32_t& c, std::uint32_t& d) {
  a += b; d = std::rotl(d ^ a, 16);
  c += d; b = std::rotl(b ^ c, 12);
  a += b; d = std::rotl(d ^ a, 8);
  c += d; b = std::rotl(b ^ c, 7);
}
}  // namespace

void ChachaRandom::make_block() {
  std::array<std::uint32_t, 16> input{0x6170'7865, 0x3320'646e, 0x7962'2d32, 0x6b20'6574};  // "expand 32-byte k"
  for (unsigned i = 0; i < 32; ++i) input[4 + i / 4] |= std::uint32_t{key_[i]} << (8 * (i & 3));
  const std::uint64_t counter = drawn_bytes_ / block_bytes;
  input[12] = static_cast<std::uint32_t>(counter);
  input[13] = static_cast<std::uint32_t>(counter >> 32);
  auto x = input;
  for (unsigned i = 0; i < 10; ++i) {
    quarter_round(x[0], x[4], x[8], x[12]);
    quarter_round(x[1], x[5], x[9], x[13]);
    quarter_round(x[2], x[6], x[10], x[14]);
    quarter_round(x[3], x[7], x[11], x[15]);
    quarter_round(x[0], x[5], x[10], x[15]);
    quarter_round(x[1], x[6], x[11], x[12]);
    quarter_round(x[2], x[7], x[8], x[13]);
    quarter_round(x[3], x[4], x[9], x[14]);
  }
  for (unsigned i = 0; i < block_bytes; ++i) {
    block_[i] = static_cast<std::uint8_t>((x[i / 4] + input[i / 4]) >> (8 * (i & 3)));
  }
}

void ChachaRandom::fill(MutableBytes out) {
  for (std::uint8_t& byte : out) {
    const unsigned at = drawn_bytes_ % block_bytes;
    if (at == 0) make_block();
    byte = block_[at];
    ++drawn_bytes_;
  }
}

void ChachaRandom::visit(StateVisitor& v) {
  v.field("key", key_);
  v.field("drawn_bytes", drawn_bytes_);
  if (v.loading()) make_block();
}

}  // namespace lockstitch

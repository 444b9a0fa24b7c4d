// The two sums of an Ethernet frame: the ones' complement sum of the Internet protocols and the frame check sequence.
// Not here: where in a frame they stand. Source: RFC 1071; IEEE 802.3 3.2.9.
#pragma once
#include <array>
#include <cstdint>

#include "lockstitch/types.h"

namespace lockstitch {

/// Adds big-endian 16-bit words to `sum`; an odd last byte counts as the high half of a word.
constexpr std::uint64_t add_words(Bytes bytes, std::uint64_t sum = 0) {
  std::size_t i = 0;
  for (; i + 1 < bytes.size(); i += 2) sum += std::uint64_t{bytes[i]} << 8 | bytes[i + 1];
  if (i < bytes.size()) sum += std::uint64_t{bytes[i]} << 8;
  return sum;
}

/// Folds the carries back: FFFFh for data that carries its own correct checksum.
constexpr std::uint16_t fold_words(std::uint64_t sum) {
  while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<std::uint16_t>(sum);
}

namespace detail {
constexpr std::array<std::uint32_t, 256> crc_table() {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    std::uint32_t value = i;
    for (int bit = 0; bit < 8; ++bit) value = (value >> 1) ^ (value & 1 ? 0xedb8'8320u : 0u);
    table[i] = value;
  }
  return table;
}
inline constexpr std::array<std::uint32_t, 256> crc_steps = crc_table();
}  // namespace detail

/// The frame check sequence; its lowest byte goes first on the wire.
constexpr std::uint32_t frame_check_sequence(Bytes frame) {
  std::uint32_t crc = ~0u;
  for (std::uint8_t byte : frame) crc = (crc >> 8) ^ detail::crc_steps[(crc ^ byte) & 0xff];
  return ~crc;
}

}  // namespace lockstitch

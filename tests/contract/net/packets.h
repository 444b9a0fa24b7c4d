// Ethernet frames with Internet packets for tests of the network card, and an independent look at their checksums.
#pragma once
#include <cstdint>
#include <span>
#include <vector>

namespace lockstitch::test {

using Packet = std::vector<std::uint8_t>;

inline unsigned word(const Packet& p, std::size_t at) { return static_cast<unsigned>(p.at(at) << 8 | p.at(at + 1)); }
inline void set_word(Packet& p, std::size_t at, unsigned value) {
  p.at(at) = static_cast<std::uint8_t>(value >> 8);
  p.at(at + 1) = static_cast<std::uint8_t>(value);
}
inline std::uint32_t long_word(const Packet& p, std::size_t at) { return word(p, at) << 16 | word(p, at + 2); }

/// The ones' complement sum of p[from, to), byte by byte.
inline unsigned ones_sum(const Packet& p, std::size_t from, std::size_t to, unsigned start = 0) {
  unsigned sum = start;
  for (std::size_t i = from; i < to; ++i) {
    sum += (i - from) % 2 == 0 ? p.at(i) * 256u : p.at(i);
    if (sum > 0xffff) sum -= 0xffff;
  }
  return sum;
}

struct PacketShape {
  bool ipv6 = false, udp = false;
  std::size_t payload = 0;
  std::size_t ip() const { return 14; }
  std::size_t transport() const { return ipv6 ? 54 : 34; }
  std::size_t header() const { return transport() + (udp ? 8 : 20); }
  std::size_t sum() const { return transport() + (udp ? 6 : 16); }
};

/// Sum over the pseudo header with a length.
inline unsigned pseudo_sum(const Packet& p, const PacketShape& s, std::size_t length) {
  const unsigned addresses = s.ipv6 ? ones_sum(p, 22, 54) : ones_sum(p, 26, 34);
  unsigned sum = addresses + (s.udp ? 17 : 6) + static_cast<unsigned>(length);
  while (sum > 0xffff) sum -= 0xffff;
  return sum;
}

inline bool ip_sum_good(const Packet& p) { return ones_sum(p, 14, 34) == 0xffff; }
inline bool transport_sum_good(const Packet& p, const PacketShape& s) {
  const std::size_t end = s.ipv6 ? 54 + word(p, 18) : 14 + word(p, 16);
  return ones_sum(p, s.transport(), end, pseudo_sum(p, s, end - s.transport())) == 0xffff;
}

/// A packet with lengths and checksums in order.
inline Packet packet(const PacketShape& s, std::uint8_t seed = 1) {
  Packet p(s.header() + s.payload);
  const std::uint8_t to[6] = {0x52, 0x54, 0x00, 0x12, 0x34, 0x56}, from[6] = {2, 0, 0, 0, 0, 9};
  std::copy(to, to + 6, p.begin());
  std::copy(from, from + 6, p.begin() + 6);
  set_word(p, 12, s.ipv6 ? 0x86dd : 0x0800);
  const auto total = static_cast<unsigned>(p.size());
  if (s.ipv6) {
    p[14] = 0x60;
    set_word(p, 18, total - 54);
    p[20] = s.udp ? 17 : 6;
    p[21] = 64;
    for (std::size_t i = 22; i < 54; ++i) p[i] = static_cast<std::uint8_t>(i * 7);
  } else {
    p[14] = 0x45;
    set_word(p, 16, total - 14);
    set_word(p, 18, 0xfffe);  // identification: soon wraps
    p[22] = 64;
    p[23] = s.udp ? 17 : 6;
    for (std::size_t i = 26; i < 34; ++i) p[i] = static_cast<std::uint8_t>(i * 5);
    set_word(p, 24, 0xffff - ones_sum(p, 14, 34));
  }
  set_word(p, s.transport(), 4660);
  set_word(p, s.transport() + 2, 80);
  if (s.udp) {
    set_word(p, s.transport() + 4, total - static_cast<unsigned>(s.transport()));
  } else {
    set_word(p, s.transport() + 4, 0xffff);  // sequence number: soon carries
    set_word(p, s.transport() + 6, 0xf800);
    p[s.transport() + 12] = 0x50;
    p[s.transport() + 13] = 0x19;  // ACK, PSH, FIN
  }
  for (std::size_t i = 0; i < s.payload; ++i) p[s.header() + i] = static_cast<std::uint8_t>(seed + i * 11 + i / 251);
  const std::size_t length = p.size() - s.transport();
  set_word(p, s.sum(), 0xffff - ones_sum(p, s.transport(), p.size(), pseudo_sum(p, s, length)));
  return p;
}

/// As a driver hands it over for checksum insertion, or for segmentation (no lengths).
inline Packet prepared(const PacketShape& s, bool segmented) {
  Packet p = packet(s);
  if (segmented) {
    set_word(p, s.ipv6 ? 18 : 16, 0);
    if (s.udp) set_word(p, s.transport() + 4, 0);
  }
  if (!s.ipv6) set_word(p, 24, 0);
  set_word(p, s.sum(), pseudo_sum(p, s, segmented ? 0 : p.size() - s.transport()));
  return p;
}

inline Packet plain_frame(std::size_t bytes, std::uint8_t seed = 1) {
  Packet frame(bytes);
  for (std::size_t i = 0; i < bytes; ++i) frame[i] = static_cast<std::uint8_t>(seed + 3 * i);
  const std::uint8_t to[6] = {0x52, 0x54, 0x00, 0x12, 0x34, 0x56};
  std::copy(to, to + std::min<std::size_t>(bytes, 6), frame.begin());
  return frame;
}

}  // namespace lockstitch::test

// See packet.h.
#include "vmm/gdb/packet.h"

namespace lockstitch::gdb {
namespace {

/// Unit: bytes. An escaped packet may be twice as long.
constexpr std::size_t framed_max_bytes = 2 * packet_max_bytes + 8;
constexpr char escape = 0x7d, escape_mask = 0x20, interrupt_byte = 0x03;

int digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

char hex_digit(unsigned value) { return "0123456789abcdef"[value & 15]; }

}  // namespace

PacketReader::What PacketReader::next() {
  while (!bytes_.empty()) {
    const char first = bytes_[0];
    if (first != '$') {
      bytes_.erase(0, 1);
      if (first == '+') return What::ack;
      if (first == '-') return What::nak;
      if (first == interrupt_byte) return What::interrupt;
      continue;  // noise between packets
    }
    const std::size_t end = bytes_.find('#');
    if (end == std::string::npos || end + 2 >= bytes_.size()) {
      if (bytes_.size() <= framed_max_bytes) return What::nothing;
      bytes_.clear();
      return What::damaged;
    }
    unsigned sum = 0;
    contents_.clear();
    for (std::size_t i = 1; i < end; ++i) {
      sum += static_cast<std::uint8_t>(bytes_[i]);
      if (bytes_[i] == escape && i + 1 < end) {
        sum += static_cast<std::uint8_t>(bytes_[++i]);
        contents_ += static_cast<char>(bytes_[i] ^ escape_mask);
      } else {
        contents_ += bytes_[i];
      }
    }
    const int high = digit(bytes_[end + 1]), low = digit(bytes_[end + 2]);
    bytes_.erase(0, end + 3);
    const bool right = high >= 0 && low >= 0 && static_cast<unsigned>(high * 16 + low) == (sum & 0xff);
    if ((!right && !ignore_sums_) || contents_.size() > packet_max_bytes) return What::damaged;
    return What::packet;
  }
  return What::nothing;
}

bool PacketReader::take_interrupt() {
  const std::size_t at = bytes_.find(interrupt_byte);
  if (at == std::string::npos || bytes_.rfind('$', at) != std::string::npos) return false;
  bytes_.erase(0, at + 1);
  return true;
}

std::string framed(std::string_view contents) {
  std::string text = "$";
  unsigned sum = 0;
  const auto put = [&](char c) {
    text += c;
    sum += static_cast<std::uint8_t>(c);
  };
  for (const char c : contents) {
    if (c == '$' || c == '#' || c == '*' || c == escape) {
      put(escape);
      put(static_cast<char>(c ^ escape_mask));
    } else {
      put(c);
    }
  }
  text += '#';
  text += hex_digit(sum >> 4);
  text += hex_digit(sum);
  return text;
}

std::string to_hex(std::string_view bytes) {
  std::string text;
  for (const char c : bytes) {
    text += hex_digit(static_cast<std::uint8_t>(c) >> 4);
    text += hex_digit(static_cast<std::uint8_t>(c));
  }
  return text;
}

std::optional<std::string> from_hex(std::string_view text) {
  if (text.size() % 2 != 0) return std::nullopt;
  std::string bytes;
  for (std::size_t i = 0; i < text.size(); i += 2) {
    const int high = digit(text[i]), low = digit(text[i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    bytes += static_cast<char>(high * 16 + low);
  }
  return bytes;
}

std::optional<std::uint64_t> take_hex(std::string_view& text) {
  std::uint64_t value = 0;
  std::size_t digits = 0;
  for (; digits < text.size() && digit(text[digits]) >= 0; ++digits) {
    if (value >> 60) return std::nullopt;
    value = value << 4 | static_cast<unsigned>(digit(text[digits]));
  }
  if (digits == 0) return std::nullopt;
  text.remove_prefix(digits);
  return value;
}

bool take(std::string_view& text, std::string_view mark) {
  if (!text.starts_with(mark)) return false;
  text.remove_prefix(mark.size());
  return true;
}

}  // namespace lockstitch::gdb

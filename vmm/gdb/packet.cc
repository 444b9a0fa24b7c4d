// See packet.h.
#include "vmm/gdb/packet.h"

namespace lockstitch::gdb {
namespace {

constexpr char escape = 0x7d, escape_mask = 0x20, interrupt_byte = 0x03;

int digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

char hex_digit(unsigned value) { return "0123456789abcdef"[value & 15]; }

}  // namespace

bool PacketReader::add(std::string_view bytes) {
  if (bytes_.size() - at_ + bytes.size() > waiting_max_bytes) return false;
  bytes_.erase(0, at_);
  at_ = 0;
  bytes_ += bytes;
  return true;
}

PacketReader::What PacketReader::next() {
  while (at_ < bytes_.size()) {
    const char c = bytes_[at_++];
    switch (place_) {
      case Place::between:
      case Place::contents:
        if (c == '$') {  // also where the end of the packet before was lost
          place_ = Place::contents;
          contents_.clear();
          sum_ = 0;
          too_long_ = false;
          continue;
        }
        if (place_ == Place::between) {
          if (c == '+') return What::ack;
          if (c == '-') return What::nak;
          if (c == interrupt_byte) return What::interrupt;
          continue;  // noise
        }
        if (c == '#') {
          place_ = Place::sum_high;
          continue;
        }
        break;
      case Place::escaped:
        break;
      case Place::sum_high:
        digit_ = digit(c);
        place_ = Place::sum_low;
        continue;
      case Place::sum_low: {
        place_ = Place::between;
        const int low = digit(c);
        const bool right = digit_ >= 0 && low >= 0 && static_cast<unsigned>(digit_ * 16 + low) == (sum_ & 0xff);
        if (too_long_) return What::too_long;
        return right || ignore_sums_ ? What::packet : What::damaged;
      }
    }
    sum_ += static_cast<std::uint8_t>(c);
    if (place_ == Place::contents && c == escape) {
      place_ = Place::escaped;
      continue;
    }
    too_long_ = too_long_ || contents_.size() == packet_max_bytes;
    if (!too_long_) contents_ += place_ == Place::escaped ? static_cast<char>(c ^ escape_mask) : c;
    place_ = Place::contents;
  }
  return What::nothing;
}

bool PacketReader::take_interrupt() {
  bool inside = false;
  for (std::size_t i = at_; i < bytes_.size(); ++i) {
    if (bytes_[i] == '$') inside = true;
    if (!inside && bytes_[i] == interrupt_byte) {
      bytes_.erase(i, 1);
      return true;
    }
    if (inside && bytes_[i] == '#') {
      inside = false;
      i += 2;
    }
  }
  return false;
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

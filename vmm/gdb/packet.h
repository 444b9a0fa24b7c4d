// Framing of gdb's remote serial protocol: bytes to packets and back. Bounded: a packet that is longer than we said we
// take is dropped and answered as damaged. Source: gdb manual, Remote Protocol, Overview.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace lockstitch::gdb {

/// Unit: bytes. Of a packet's contents, as told to gdb.
inline constexpr std::size_t packet_max_bytes = 16'384;

class PacketReader {
 public:
  enum class What : std::uint8_t {
    nothing,  ///< more bytes are needed
    packet,   ///< contents() is one
    damaged,  ///< wrong sum or too long
    ack,
    nak,
    interrupt  ///< 0x03 between packets
  };

  /// Bytes that came. They are looked at one by one by next().
  void add(std::string_view bytes) { bytes_ += bytes; }
  What next();
  /// Escapes are resolved, so it may hold any bytes.
  const std::string& contents() const { return contents_; }
  /// Without acknowledgements nobody sends sums that count.
  void ignore_sums() { ignore_sums_ = true; }
  /// Whether a 0x03 waits outside of any packet; it is taken.
  bool take_interrupt();

 private:
  std::string bytes_;
  std::string contents_;
  bool ignore_sums_ = false;
};

/// `$contents#sum`, with what must be escaped escaped.
std::string framed(std::string_view contents);

std::string to_hex(std::string_view bytes);
/// Nothing: an odd length, or something that is no digit.
std::optional<std::string> from_hex(std::string_view text);
/// A whole number in hexadecimal digits, at the front of `text`, from which it is taken. Nothing: there is none, or
/// more than 64 bits.
std::optional<std::uint64_t> take_hex(std::string_view& text);
/// Takes `mark` from the front.
bool take(std::string_view& text, std::string_view mark);

}  // namespace lockstitch::gdb

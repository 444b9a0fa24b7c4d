// Framing of gdb's remote serial protocol: bytes to packets and back. Bounded: a packet that is longer than we said we
// take is not kept. Source: gdb manual, Remote Protocol, Overview.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace lockstitch::gdb {

/// Unit: bytes. Of a packet's contents, as told to gdb.
inline constexpr std::size_t packet_max_bytes = 16'384;
/// Unit: bytes. That came and were not looked at yet; more than a debugger sends without waiting for an answer.
inline constexpr std::size_t waiting_max_bytes = 4 * packet_max_bytes;

class PacketReader {
 public:
  enum class What : std::uint8_t {
    nothing,    ///< more bytes are needed
    packet,     ///< contents() is one
    damaged,    ///< wrong sum
    too_long,   ///< its end has come
    ack,        ///< '+'
    nak,        ///< '-'
    interrupt,  ///< 0x03 between packets
  };

  /// Bytes that came. False: more than waiting_max_bytes would wait; they are not taken.
  bool add(std::string_view bytes);
  /// Goes on to whatever comes next in them.
  What next();
  /// Behind What::packet, until the next next(). Escapes are resolved, so it may hold any bytes.
  const std::string& contents() const { return contents_; }
  /// Without acknowledgements nobody sends sums that count.
  void ignore_sums() { ignore_sums_ = true; }
  /// Whether a 0x03 waits between the packets that wait; it is taken. Order: not inside a packet.
  bool take_interrupt();

 private:
  enum class Place : std::uint8_t { between, contents, escaped, sum_high, sum_low };

  std::string bytes_;
  std::size_t at_ = 0;  ///< in bytes_
  Place place_ = Place::between;
  std::string contents_;
  unsigned sum_ = 0;
  int digit_ = 0;  ///< the sum's first
  bool too_long_ = false, ignore_sums_ = false;
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

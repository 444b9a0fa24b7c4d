// The bytes that a PS/2 device has ready to send. As small as the hardware's; what does not fit is the caller's loss.
#pragma once
#include <algorithm>
#include <array>
#include <cstdint>
#include <string_view>

#include "lockstitch/state.h"

namespace lockstitch {

class ByteQueue {
 public:
  static constexpr std::uint8_t capacity = 16;

  bool empty() const { return count_ == 0; }
  void clear() {
    bytes_.fill(0);
    count_ = 0;
    slow_ = 0;
  }
  /// `slow`: the device thinks before it sends this byte.
  void push(std::uint8_t byte, bool slow = false) {
    if (count_ == capacity) return;
    if (slow) slow_ |= static_cast<std::uint16_t>(1u << count_);
    bytes_[count_++] = byte;
  }
  bool front_is_slow() const { return slow_ & 1; }
  std::uint8_t take() {
    const std::uint8_t byte = bytes_[0];
    if (count_ == 0) return byte;
    std::copy(bytes_.begin() + 1, bytes_.end(), bytes_.begin());
    bytes_.back() = 0;
    slow_ >>= 1;
    --count_;
    return byte;
  }
  void visit(StateVisitor& v, std::string_view name) {
    Section section(v, name);
    v.field("bytes", bytes_);
    v.field("count", count_);
    v.field("slow", slow_);
    if (v.loading() && count_ > capacity) {
      v.fail("PS/2: impossible queue");
      clear();
    }
  }

 private:
  std::array<std::uint8_t, capacity> bytes_{};  ///< the first is the next to go
  std::uint8_t count_ = 0;
  std::uint16_t slow_ = 0;
};

}  // namespace lockstitch

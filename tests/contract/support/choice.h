// Choices read from a fuzz input, in the shape of Random (random.h): the same bytes make the same choices, and every
// byte counts. When the bytes are used up every choice is 0 and done() is true.
#pragma once
#include <cstddef>
#include <cstdint>

namespace lockstitch::test {

class ByteChoice {
 public:
  ByteChoice(const std::uint8_t* data, std::size_t size) : data_(data), size_(size) {}
  bool done() const { return at_ >= size_; }
  std::uint64_t take(unsigned bytes) {
    std::uint64_t value = 0;
    for (unsigned i = 0; i < bytes; ++i) value |= std::uint64_t{done() ? std::uint8_t{0} : data_[at_++]} << (8 * i);
    return value;
  }
  std::uint64_t next() { return take(4); }
  std::uint64_t below(std::uint64_t bound) { return take(bound <= 0x100 ? 1 : 4) % bound; }
  bool one_in(std::uint64_t n) { return below(n) == 0; }

 private:
  const std::uint8_t* data_;
  std::size_t size_, at_ = 0;
};

}  // namespace lockstitch::test

// Integers in byte images, least significant byte first, at any alignment. Out of range is our own bug: check first.
#pragma once
#include <type_traits>

#include "lockstitch/assert.h"
#include "lockstitch/types.h"

namespace lockstitch::boot {

/// True if `length` bytes at `offset` lie in an image of `size` bytes. Safe for any values.
constexpr bool inside(std::uint64_t offset, std::uint64_t length, std::uint64_t size) {
  return offset <= size && length <= size - offset;
}

template <class T>
T get(Bytes image, std::uint64_t offset) {
  static_assert(std::is_unsigned_v<T>);
  LS_ASSERT(inside(offset, sizeof(T), image.size()));
  std::uint64_t value = 0;
  for (unsigned i = 0; i < sizeof(T); ++i) value |= std::uint64_t{image[offset + i]} << (8 * i);
  return static_cast<T>(value);
}

template <class T>
void put(MutableBytes image, std::uint64_t offset, std::type_identity_t<T> value) {
  static_assert(std::is_unsigned_v<T>);
  LS_ASSERT(inside(offset, sizeof(T), image.size()));
  for (unsigned i = 0; i < sizeof(T); ++i)
    image[offset + i] = static_cast<std::uint8_t>(std::uint64_t{value} >> (8 * i));
}

}  // namespace lockstitch::boot

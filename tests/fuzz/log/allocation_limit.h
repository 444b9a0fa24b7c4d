// Ends the program when one allocation with `new` is larger than what the target declares: a damaged length must not be
// believed. To be included by one file of a target.
#pragma once
#include <cstdio>
#include <cstdlib>
#include <new>

namespace lockstitch::test {
/// Unit: bytes. Defined by the target.
extern const std::size_t allocation_limit;
}  // namespace lockstitch::test

[[gnu::noinline]] void* operator new(std::size_t bytes) {
  if (bytes > lockstitch::test::allocation_limit) {
    std::fprintf(stderr, "an allocation of %zu bytes\n", bytes);
    std::abort();
  }
  if (void* there = std::malloc(bytes == 0 ? 1 : bytes)) return there;
  std::abort();
}
[[gnu::noinline]] void operator delete(void* there) noexcept { std::free(there); }
[[gnu::noinline]] void operator delete(void* there, std::size_t) noexcept { std::free(there); }

// Always-on assertions for our own bugs. They print the operands and the tick, then abort: a replica that is wrong stops.
#pragma once
#include <cstdint>
#include <cstdio>
#include <cstdlib>

namespace lockstitch {

/// The tick shown in assertion messages; the machine's loop keeps it current. Diagnostic only, never read as state.
inline thread_local std::uint64_t assert_tick = 0;

[[noreturn]] inline void assertion_failed(const char* file, int line, const char* text) {
  std::fprintf(stderr, "lockstitch: internal error at tick %llu: %s (%s:%d)\n",
               static_cast<unsigned long long>(assert_tick), text, file, line);
  std::abort();
}

[[noreturn]] inline void comparison_failed(const char* file, int line, const char* text, long long a, long long b) {
  std::fprintf(stderr, "lockstitch: internal error at tick %llu: %s with %lld (0x%llx) and %lld (0x%llx) (%s:%d)\n",
               static_cast<unsigned long long>(assert_tick), text, a, static_cast<unsigned long long>(a), b,
               static_cast<unsigned long long>(b), file, line);
  std::abort();
}

}  // namespace lockstitch

#define LS_ASSERT(condition) \
  (static_cast<bool>(condition) ? void(0) : ::lockstitch::assertion_failed(__FILE__, __LINE__, #condition))

/// LS_ASSERT_CMP(a, <=, b) for integers; prints both.
#define LS_ASSERT_CMP(a, op, b)                                                                       \
  (((a)op(b)) ? void(0)                                                                               \
              : ::lockstitch::comparison_failed(__FILE__, __LINE__, #a " " #op " " #b, (long long)(a), \
                                                (long long)(b)))

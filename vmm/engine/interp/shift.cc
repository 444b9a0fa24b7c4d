// Shifts and rotates. What the SDM leaves undefined has one fixed answer here: AF 0 after a shift; OF as the last one-bit step gives it.
#include "vmm/engine/interp/families.h"

namespace lockstitch::interp {
namespace {

template <class T>
inline constexpr unsigned bits = 8 * sizeof(T);
template <class T>
bool top(T value) {
  return value >> (bits<T> - 1) & 1;
}
template <class T>
std::uint16_t with(T result, bool cf, bool of) {
  return static_cast<std::uint16_t>(result_flags<T>(result) | (cf ? flags_cf : 0) | (of ? flags_of : 0));
}
void set_carry_overflow(std::uint16_t& flags, bool cf, bool of) {
  flags = static_cast<std::uint16_t>((flags & ~(flags_cf | flags_of)) | (cf ? flags_cf : 0) | (of ? flags_of : 0));
}

// Each: count is already masked to 5 or 6 bits and is not 0.
struct Rol {
  template <class T>
  static T run(T x, unsigned count, std::uint16_t& flags) {
    const unsigned n = count % bits<T>;
    const T r = n ? static_cast<T>(x << n | x >> (bits<T> - n)) : x;
    set_carry_overflow(flags, r & 1, top(r) != (r & 1));
    return r;
  }
};
struct Ror {
  template <class T>
  static T run(T x, unsigned count, std::uint16_t& flags) {
    const unsigned n = count % bits<T>;
    const T r = n ? static_cast<T>(x >> n | x << (bits<T> - n)) : x;
    set_carry_overflow(flags, top(r), top(r) != top(static_cast<T>(r << 1)));
    return r;
  }
};
struct Rcl {
  template <class T>
  static T run(T x, unsigned count, std::uint16_t& flags) {
    bool carry = flags & flags_cf;
    for (unsigned n = count % (bits<T> + 1); n > 0; --n) {
      const bool out = top(x);
      x = static_cast<T>(x << 1 | carry);
      carry = out;
    }
    set_carry_overflow(flags, carry, top(x) != carry);
    return x;
  }
};
struct Rcr {
  template <class T>
  static T run(T x, unsigned count, std::uint16_t& flags) {
    bool carry = flags & flags_cf;
    for (unsigned n = count % (bits<T> + 1); n > 0; --n) {
      const bool out = x & 1;
      x = static_cast<T>(x >> 1 | static_cast<T>(carry) << (bits<T> - 1));
      carry = out;
    }
    set_carry_overflow(flags, carry, top(x) != top(static_cast<T>(x << 1)));
    return x;
  }
};
struct Shl {
  template <class T>
  static T run(T x, unsigned count, std::uint16_t& flags) {
    const bool cf = count <= bits<T> && (x >> (bits<T> - count) & 1);
    const T r = count < bits<T> ? static_cast<T>(x << count) : 0;
    flags = with(r, cf, top(r) != cf);
    return r;
  }
};
struct Shr {
  template <class T>
  static T run(T x, unsigned count, std::uint16_t& flags) {
    const bool cf = count <= bits<T> && (x >> (count - 1) & 1);
    const T r = count < bits<T> ? static_cast<T>(x >> count) : 0;
    flags = with(r, cf, count == 1 && top(x));
    return r;
  }
};
struct Sar {
  template <class T>
  static T run(T x, unsigned count, std::uint16_t& flags) {
    using S = std::make_signed_t<T>;
    const unsigned n = count < bits<T> ? count : bits<T> - 1;
    const bool cf = count < bits<T> ? x >> (count - 1) & 1 : top(x);
    const T r = static_cast<T>(static_cast<S>(x) >> n);
    flags = with(r, cf, false);
    return r;
  }
};

enum class Count { one, imm, cl };
template <class T, Count how>
unsigned count_of(const Cpu& cpu, const Op* op) {
  constexpr unsigned mask = sizeof(T) == 8 ? 63 : 31;
  if constexpr (how == Count::one) return 1;
  if constexpr (how == Count::imm) return op->imm & mask;
  return cpu.gpr[1] & mask;
}

template <class A, class T, Count how>
void shift_reg(Cpu& cpu, const Op* op) {
  const unsigned count = count_of<T, how>(cpu, op);
  // A 32-bit operand loses its upper half even when the count is 0.
  const T x = reg<T>(cpu, op->m);
  set_reg<T>(cpu, op->m, count ? A::run(x, count, cpu.flags) : x);
  LS_NEXT(cpu, op);
}
template <class A, class T, Count how>
void shift_memory(Cpu& cpu, const Op* op) {
  const unsigned count = count_of<T, how>(cpu, op);
  Modify<T> memory(cpu, op);
  const T x = memory.read();
  std::uint16_t flags = cpu.flags;
  memory.write(count ? A::run(x, count, flags) : x);
  cpu.flags = flags;
  LS_FINISH(cpu, op);
}
template <class A, Count how>
Handler bind_shift(const Decoded& d, Op&) {
  return by_size(d.size, [&]<class T>() -> Handler { return d.memory ? shift_memory<A, T, how> : shift_reg<A, T, how>; });
}

// ---- SHLD, SHRD ----

// For 16-bit operands a count above 16 is undefined: here the concatenation source:destination:source is shifted, as processors do.
template <class T, bool left>
T double_shift(T x, T y, unsigned count, std::uint16_t& flags) {
  T r;
  bool cf;
  if constexpr (sizeof(T) == 2) {
    if constexpr (left) {
      const std::uint64_t wide = static_cast<std::uint64_t>(x) << 32 | static_cast<std::uint64_t>(y) << 16 | x;
      r = static_cast<T>(wide << count >> 32);
      cf = wide >> (48 - count) & 1;
    } else {
      const std::uint64_t wide = static_cast<std::uint64_t>(x) << 32 | static_cast<std::uint64_t>(y) << 16 | x;
      r = static_cast<T>(wide >> count);
      cf = wide >> (count - 1) & 1;
    }
  } else if constexpr (left) {
    r = static_cast<T>(x << count | y >> (bits<T> - count));
    cf = x >> (bits<T> - count) & 1;
  } else {
    r = static_cast<T>(x >> count | y << (bits<T> - count));
    cf = x >> (count - 1) & 1;
  }
  flags = with(r, cf, top(r) != top(x));
  return r;
}
template <class T, bool left, Count how>
void double_shift_reg(Cpu& cpu, const Op* op) {
  const unsigned count = count_of<T, how>(cpu, op);
  const T x = reg<T>(cpu, op->m);
  set_reg<T>(cpu, op->m, count ? double_shift<T, left>(x, reg<T>(cpu, op->r), count, cpu.flags) : x);
  LS_NEXT(cpu, op);
}
template <class T, bool left, Count how>
void double_shift_memory(Cpu& cpu, const Op* op) {
  const unsigned count = count_of<T, how>(cpu, op);
  Modify<T> memory(cpu, op);
  const T x = memory.read();
  std::uint16_t flags = cpu.flags;
  memory.write(count ? double_shift<T, left>(x, reg<T>(cpu, op->r), count, flags) : x);
  cpu.flags = flags;
  LS_FINISH(cpu, op);
}
template <bool left, Count how>
Handler bind_double(const Decoded& d, Op&) {
  return by_wide_size(d.size, [&]<class T>() -> Handler {
    return d.memory ? double_shift_memory<T, left, how> : double_shift_reg<T, left, how>;
  });
}

constexpr std::uint32_t shift_undefined = flag::af | flag::of;  // OF is defined for a count of 1
constexpr std::uint32_t rotate_undefined = flag::of;

#define LS_SHIFT_ROWS(name, A, digit, undefined_)                                                                                     \
  {name " Eb,Ib", Map::one, 0xc0, attr::modrm, Size::b, Imm::ib, bind_shift<A, Count::imm>, undefined_, digit, Prefix::any, Mod::any, \
   Field::byte, Field::byte},                                                                                                         \
      {name " Ev,Ib", Map::one, 0xc1, attr::modrm, Size::v, Imm::ib, bind_shift<A, Count::imm>, undefined_, digit},                   \
      {name " Eb,1", Map::one, 0xd0, attr::modrm, Size::b, Imm::none, bind_shift<A, Count::one>, (undefined_) & ~flag::of, digit,     \
       Prefix::any, Mod::any, Field::byte, Field::byte},                                                                              \
      {name " Ev,1", Map::one, 0xd1, attr::modrm, Size::v, Imm::none, bind_shift<A, Count::one>, (undefined_) & ~flag::of, digit},    \
      {name " Eb,CL", Map::one, 0xd2, attr::modrm, Size::b, Imm::none, bind_shift<A, Count::cl>, undefined_, digit, Prefix::any,      \
       Mod::any, Field::byte, Field::byte},                                                                                           \
      {name " Ev,CL", Map::one, 0xd3, attr::modrm, Size::v, Imm::none, bind_shift<A, Count::cl>, undefined_, digit}

constexpr Row rows[] = {
    LS_SHIFT_ROWS("rol", Rol, 0, rotate_undefined),
    LS_SHIFT_ROWS("ror", Ror, 1, rotate_undefined),
    LS_SHIFT_ROWS("rcl", Rcl, 2, rotate_undefined),
    LS_SHIFT_ROWS("rcr", Rcr, 3, rotate_undefined),
    LS_SHIFT_ROWS("shl", Shl, 4, shift_undefined),
    LS_SHIFT_ROWS("shr", Shr, 5, shift_undefined),
    LS_SHIFT_ROWS("sal", Shl, 6, shift_undefined),
    LS_SHIFT_ROWS("sar", Sar, 7, shift_undefined),
    {"shld Ev,Gv,Ib", Map::two, 0xa4, attr::modrm, Size::v, Imm::ib, bind_double<true, Count::imm>, shift_undefined},
    {"shld Ev,Gv,CL", Map::two, 0xa5, attr::modrm, Size::v, Imm::none, bind_double<true, Count::cl>, shift_undefined},
    {"shrd Ev,Gv,Ib", Map::two, 0xac, attr::modrm, Size::v, Imm::ib, bind_double<false, Count::imm>, shift_undefined},
    {"shrd Ev,Gv,CL", Map::two, 0xad, attr::modrm, Size::v, Imm::none, bind_double<false, Count::cl>, shift_undefined},
};

}  // namespace

std::span<const Row> rows_shift() { return rows; }

}  // namespace lockstitch::interp

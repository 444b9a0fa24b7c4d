// Operand forms of SSE instructions: what stands between an instruction's one line in a table and its handlers. An
// instruction is a struct with `static V run(V a, V b, const Op* op)` that executes the host's own instruction.
// Not here: instructions (sse_*.cc), MMX registers (mmx.h).
#pragma once
#include <emmintrin.h>

#include <type_traits>
#include <utility>

#include "vmm/engine/interp/access.h"
#include "vmm/engine/interp/fpu_state.h"
#include "vmm/engine/interp/row.h"

namespace lockstitch::interp::sse {

using V = __m128i;

inline V get(const Cpu& cpu, unsigned n) { return _mm_load_si128(reinterpret_cast<const V*>(&cpu.xmm[n])); }
inline void set(Cpu& cpu, unsigned n, V value) { _mm_store_si128(reinterpret_cast<V*>(&cpu.xmm[n]), value); }
inline V from_u64(std::uint64_t value) { return _mm_cvtsi64_si128(static_cast<long long>(value)); }
inline std::uint64_t low(V value) { return static_cast<std::uint64_t>(_mm_cvtsi128_si64(value)); }
inline std::uint64_t high(V value) { return low(_mm_unpackhi_epi64(value, value)); }

// ---- memory operands ----

/// Width of a memory operand; narrow ones are zero-extended. `x` must be aligned, `u` need not be.
enum class Mem : std::uint8_t { x, u, q, d, w };
constexpr unsigned mem_bytes(Mem m) { return m == Mem::q ? 8 : m == Mem::d ? 4 : m == Mem::w ? 2 : 16; }

template <class T>
T peek(const std::uint8_t* host) {
  T value;
  std::memcpy(&value, host, sizeof(T));
  return value;
}

template <Mem m>
V load_host(const std::uint8_t* host) {
  if constexpr (m == Mem::x || m == Mem::u)
    return _mm_loadu_si128(reinterpret_cast<const V*>(host));
  else if constexpr (m == Mem::q)
    return from_u64(peek<std::uint64_t>(host));
  else if constexpr (m == Mem::d)
    return from_u64(peek<std::uint32_t>(host));
  else
    return from_u64(peek<std::uint16_t>(host));
}

// Out of line, so that no handler has a local whose address escapes: handlers must end in jumps.
V load_slow(Cpu& cpu, const Op* op, Mem m);
std::uint64_t load_number(Cpu& cpu, const Op* op, unsigned size);
void store_slow(Cpu& cpu, const Op* op, V value, Mem m);
void store_number(Cpu& cpu, const Op* op, std::uint64_t value, unsigned size);

/// Host pointer to the operand for the fast handler, null if the slow one must do it.
template <Mem m>
const std::uint8_t* fast_source(const Cpu& cpu, const Op* op) {
  const std::uint64_t linear = fast_address(cpu, op);
  if (m == Mem::x && (linear & 15)) [[unlikely]]
    return nullptr;
  return fast_read<mem_bytes(m)>(cpu, linear);
}
template <Mem m>
std::uint8_t* fast_target(const Cpu& cpu, const Op* op) {
  const std::uint64_t linear = fast_address(cpu, op);
  if (m == Mem::x && (linear & 15)) [[unlikely]]
    return nullptr;
  return fast_write<mem_bytes(m)>(cpu, linear);
}

// ---- unmasked exceptions ----

/// Raises what `flags` of one instruction ask for, or adds them to the sticky ones. `guest`: MXCSR before it.
void settle_float(Cpu& cpu, const Op* op, std::uint32_t guest, std::uint32_t flags);

/// Runs a computation while the guest has exceptions unmasked: nothing is written yet when one is raised. Not exact: beside
/// an unmasked overflow or underflow PE tells of the masked result.
template <class Compute>
auto run_checked(Cpu& cpu, const Op* op, Compute compute) {
  const std::uint32_t guest = guest_mxcsr(cpu);
  const bool underflow = !(guest & fpu::mxcsr_um);
  // An unmasked underflow ignores FTZ, and means tiny, not tiny and inexact. With FTZ and the mask set, the host reports
  // every tiny result.
  const std::uint32_t control =
      (guest & (fpu::mxcsr_daz | fpu::mxcsr_rc | (underflow ? 0 : fpu::mxcsr_ftz))) | fpu::mxcsr_masks;
  std::uint32_t flags = 0;
  if (underflow) {
    set_host_mxcsr(control | fpu::mxcsr_ftz);
    (void)compute();
    flags = host_mxcsr() & fpu::ue;
  }
  set_host_mxcsr(control);
  const auto result = compute();
  flags |= host_mxcsr() & fpu::exceptions;
  settle_float(cpu, op, guest, flags);
  return result;
}

// ---- forms ----

/// xmm <- run(xmm, xmm/mem). `run_memory`, if there is one, replaces `run` for memory operands; `run_staged` replaces
/// run_checked where exceptions come from several operations one after the other.
template <class I, Mem m>
struct Form {
  static V with_memory(V a, V b, const Op* op) {
    if constexpr (requires { I::run_memory(a, b, op); })
      return I::run_memory(a, b, op);
    else
      return I::run(a, b, op);
  }
  static void reg(Cpu& cpu, const Op* op) {
    set(cpu, op->r, I::run(get(cpu, op->r), get(cpu, op->m), op));
    LS_NEXT(cpu, op);
  }
  [[gnu::noinline]] static void slow(Cpu& cpu, const Op* op) {
    const V b = load_slow(cpu, op, m);
    set(cpu, op->r, with_memory(get(cpu, op->r), b, op));
    LS_FINISH(cpu, op);
  }
  static void fast(Cpu& cpu, const Op* op) {
    const std::uint8_t* host = fast_source<m>(cpu, op);
    if (!host) [[unlikely]]
      LS_TAIL(slow, cpu, op);
    set(cpu, op->r, with_memory(get(cpu, op->r), load_host<m>(host), op));
    LS_NEXT(cpu, op);
  }
  [[gnu::noinline]] static void checked(Cpu& cpu, const Op* op) {
    const V b = op->extra & extra_mem ? load_slow(cpu, op, m) : get(cpu, op->m);
    const V a = get(cpu, op->r);
    if constexpr (requires { I::run_staged(cpu, op, a, b); })
      set(cpu, op->r, I::run_staged(cpu, op, a, b));
    else
      set(cpu, op->r, run_checked(cpu, op, [=] { return I::run(a, b, op); }));
    LS_FINISH(cpu, op);
  }
  static Handler bind(const Decoded& d, Op&) {
    if constexpr (I::floating)
      if (d.mode & mode_sse_unmasked) return checked;
    return !d.memory ? reg : d.fast ? fast : slow;
  }
};

/// xmm/mem <- xmm. `run(m, r)` is the register form, `value(r)` what memory gets (the low bytes of it).
template <class I, Mem m>
struct StoreForm {
  static void reg(Cpu& cpu, const Op* op) {
    set(cpu, op->m, I::run(get(cpu, op->m), get(cpu, op->r), op));
    LS_NEXT(cpu, op);
  }
  [[gnu::noinline]] static void slow(Cpu& cpu, const Op* op) {
    store_slow(cpu, op, I::value(get(cpu, op->r)), m);
    LS_FINISH(cpu, op);
  }
  static void fast(Cpu& cpu, const Op* op) {
    std::uint8_t* host = fast_target<m>(cpu, op);
    if (!host) [[unlikely]]
      LS_TAIL(slow, cpu, op);
    const V value = I::value(get(cpu, op->r));
    if constexpr (mem_bytes(m) == 16) {
      _mm_storeu_si128(reinterpret_cast<V*>(host), value);
    } else {
      const std::uint64_t bits = low(value);
      std::memcpy(host, &bits, mem_bytes(m));
    }
    LS_NEXT(cpu, op);
  }
  static Handler bind(const Decoded& d, Op&) { return !d.memory ? reg : d.fast ? fast : slow; }
};

/// xmm <- run(xmm, number): a general register of 4 or 8 bytes, or a number of `bytes` in memory. `wide` chooses by
/// operand size between 4 and 8 bytes (`bytes` 0).
template <class I, unsigned bytes>
struct FromGprForm {
  using T = std::conditional_t<bytes == 1, std::uint8_t,
                               std::conditional_t<bytes == 2, std::uint16_t, std::conditional_t<bytes == 4, std::uint32_t, std::uint64_t>>>;
  static void reg(Cpu& cpu, const Op* op) {
    set(cpu, op->r, I::run(get(cpu, op->r), reg64(cpu, op->m), op));
    LS_NEXT(cpu, op);
  }
  [[gnu::noinline]] static void slow(Cpu& cpu, const Op* op) {
    const std::uint64_t b = load_number(cpu, op, bytes);
    set(cpu, op->r, I::run(get(cpu, op->r), b, op));
    LS_FINISH(cpu, op);
  }
  static void fast(Cpu& cpu, const Op* op) {
    const std::uint8_t* host = fast_read<bytes>(cpu, fast_address(cpu, op));
    if (!host) [[unlikely]]
      LS_TAIL(slow, cpu, op);
    set(cpu, op->r, I::run(get(cpu, op->r), peek<T>(host), op));
    LS_NEXT(cpu, op);
  }
  [[gnu::noinline]] static void checked(Cpu& cpu, const Op* op) {
    const std::uint64_t b = op->extra & extra_mem ? load_number(cpu, op, bytes) : reg64(cpu, op->m);
    const V a = get(cpu, op->r);
    set(cpu, op->r, run_checked(cpu, op, [=] { return I::run(a, b, op); }));
    LS_FINISH(cpu, op);
  }
  static Handler bind(const Decoded& d, Op&) {
    if constexpr (I::floating)
      if (d.mode & mode_sse_unmasked) return checked;
    return !d.memory ? reg : d.fast ? fast : slow;
  }
};
/// Operand size 4 or 8 chooses the instruction too.
template <class I32, class I64>
struct FromGprSized {
  static Handler bind(const Decoded& d, Op& op) {
    return d.size == 8 ? FromGprForm<I64, 8>::bind(d, op) : FromGprForm<I32, 4>::bind(d, op);
  }
};

/// r32/r64 or `bytes` of memory <- number from xmm. A register gets the number zero-extended to 64 bits.
template <class I, unsigned bytes>
struct ToGprForm {
  static void reg(Cpu& cpu, const Op* op) {
    lockstitch::interp::reg<std::uint64_t>(cpu, op->m) = I::number(get(cpu, op->r), op);
    LS_NEXT(cpu, op);
  }
  [[gnu::noinline]] static void slow(Cpu& cpu, const Op* op) {
    store_number(cpu, op, I::number(get(cpu, op->r), op), bytes);
    LS_FINISH(cpu, op);
  }
  static void fast(Cpu& cpu, const Op* op) {
    std::uint8_t* host = fast_write<bytes>(cpu, fast_address(cpu, op));
    if (!host) [[unlikely]]
      LS_TAIL(slow, cpu, op);
    const std::uint64_t bits = I::number(get(cpu, op->r), op);
    std::memcpy(host, &bits, bytes);
    LS_NEXT(cpu, op);
  }
  static Handler bind(const Decoded& d, Op&) { return !d.memory ? reg : d.fast ? fast : slow; }
};
template <class I32, class I64>
struct ToGprSized {
  static Handler bind(const Decoded& d, Op& op) {
    return d.size == 8 ? ToGprForm<I64, 8>::bind(d, op) : ToGprForm<I32, 4>::bind(d, op);
  }
};

/// General register in ModRM.reg <- number from xmm/mem (conversions and masks), zero-extended to 64 bits.
template <class I, Mem m>
struct NumberForm {
  static void put(Cpu& cpu, const Op* op, std::uint64_t value) { lockstitch::interp::reg<std::uint64_t>(cpu, op->r) = value; }
  static void reg(Cpu& cpu, const Op* op) {
    put(cpu, op, I::number(get(cpu, op->m), op));
    LS_NEXT(cpu, op);
  }
  [[gnu::noinline]] static void slow(Cpu& cpu, const Op* op) {
    const V b = load_slow(cpu, op, m);
    put(cpu, op, I::number(b, op));
    LS_FINISH(cpu, op);
  }
  static void fast(Cpu& cpu, const Op* op) {
    const std::uint8_t* host = fast_source<m>(cpu, op);
    if (!host) [[unlikely]]
      LS_TAIL(slow, cpu, op);
    put(cpu, op, I::number(load_host<m>(host), op));
    LS_NEXT(cpu, op);
  }
  [[gnu::noinline]] static void checked(Cpu& cpu, const Op* op) {
    const V b = op->extra & extra_mem ? load_slow(cpu, op, m) : get(cpu, op->m);
    put(cpu, op, run_checked(cpu, op, [=] { return I::number(b, op); }));
    LS_FINISH(cpu, op);
  }
  static Handler bind(const Decoded& d, Op&) {
    if constexpr (I::floating)
      if (d.mode & mode_sse_unmasked) return checked;
    return !d.memory ? reg : d.fast ? fast : slow;
  }
};
template <class I32, class I64, Mem m>
struct NumberSized {
  static Handler bind(const Decoded& d, Op& op) { return d.size == 8 ? NumberForm<I64, m>::bind(d, op) : NumberForm<I32, m>::bind(d, op); }
};

/// Status flags <- flags(xmm, xmm/mem), in the layout of Cpu::flags.
template <class I, Mem m>
struct FlagsForm {
  static void reg(Cpu& cpu, const Op* op) {
    cpu.flags = I::flags(get(cpu, op->r), get(cpu, op->m));
    LS_NEXT(cpu, op);
  }
  [[gnu::noinline]] static void slow(Cpu& cpu, const Op* op) {
    const V b = load_slow(cpu, op, m);
    cpu.flags = I::flags(get(cpu, op->r), b);
    LS_FINISH(cpu, op);
  }
  static void fast(Cpu& cpu, const Op* op) {
    const std::uint8_t* host = fast_source<m>(cpu, op);
    if (!host) [[unlikely]]
      LS_TAIL(slow, cpu, op);
    cpu.flags = I::flags(get(cpu, op->r), load_host<m>(host));
    LS_NEXT(cpu, op);
  }
  [[gnu::noinline]] static void checked(Cpu& cpu, const Op* op) {
    const V b = op->extra & extra_mem ? load_slow(cpu, op, m) : get(cpu, op->m);
    const V a = get(cpu, op->r);
    cpu.flags = run_checked(cpu, op, [=] { return I::flags(a, b); });
    LS_FINISH(cpu, op);
  }
  static Handler bind(const Decoded& d, Op&) {
    if constexpr (I::floating)
      if (d.mode & mode_sse_unmasked) return checked;
    return !d.memory ? reg : d.fast ? fast : slow;
  }
};

/// Executes an instruction that ends in `text_` and leaves its flags in the layout of Cpu::flags.
#define LS_FLAGS_ASM(text_) text_ "\n\tlahf\n\tseto %%al"

// ---- one host instruction per immediate ----

struct ByImmediate {
  V (*run[256])(V a, V b);
};
template <class I, std::size_t... n>
constexpr ByImmediate immediates(std::index_sequence<n...>) {
  return {{&I::template one<n>...}};
}
template <class I>
inline constexpr ByImmediate by_immediate = immediates<I>(std::make_index_sequence<256>{});

// ---- instructions ----

/// An instruction whose name is the host's mnemonic, with a register or memory source.
#define LS_INTEGER(id_)                                            \
  struct id_ {                                                     \
    static constexpr bool floating = false;                        \
    static V run(V a, V b, const Op*) {                            \
      asm volatile(#id_ " %1, %0" : "+x"(a) : "x"(b));             \
      return a;                                                    \
    }                                                              \
  };
/// The same with exceptions.
#define LS_FLOAT(id_)                                              \
  struct id_ {                                                     \
    static constexpr bool floating = true;                         \
    static V run(V a, V b, const Op*) {                            \
      asm volatile(#id_ " %1, %0" : "+x"(a) : "x"(b));             \
      return a;                                                    \
    }                                                              \
  };
/// The same with an immediate byte.
#define LS_IMMEDIATE(id_, floating_)                                              \
  struct id_ {                                                                    \
    static constexpr bool floating = floating_;                                   \
    template <std::size_t n>                                                      \
    static V one(V a, V b) {                                                      \
      asm volatile(#id_ " %2, %1, %0" : "+x"(a) : "x"(b), "i"(n));                \
      return a;                                                                   \
    }                                                                             \
    static V run(V a, V b, const Op* op) { return by_immediate<id_>.run[op->imm & 255](a, b); } \
  };

// ---- rows ----

constexpr Row row(const char* name, Map map, std::uint8_t opcode, Prefix prefix, Bind bind, std::uint32_t attrs = attr::sse) {
  Row r{};
  r.name = name;
  r.map = map;
  r.opcode = opcode;
  r.attrs = attrs | attr::modrm;
  r.size = Size::d;
  r.bind = bind;
  r.prefix = prefix;
  r.r_field = r.m_field = Field::number;
  return r;
}
constexpr Row memory_only(Row r) {
  r.mod = Mod::memory;
  return r;
}
constexpr Row register_only(Row r) {
  r.mod = Mod::reg;
  return r;
}
constexpr Row immediate(Row r) {
  r.imm = Imm::ib;
  return r;
}
constexpr Row digit(Row r, int digit) {
  r.digit = static_cast<std::int8_t>(digit);
  return r;
}
/// ModRM.reg, ModRM.rm is a general register; with size `y` REX.W makes it a 64-bit one.
constexpr Row gpr_r(Row r, Size size = Size::d) {
  r.r_field = Field::gpr;
  r.size = size;
  return r;
}
constexpr Row gpr_m(Row r, Size size = Size::d) {
  r.m_field = Field::gpr;
  r.size = size;
  return r;
}

}  // namespace lockstitch::interp::sse

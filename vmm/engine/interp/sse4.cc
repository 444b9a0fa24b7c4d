// SSE4.1 and SSE4.2 instructions. Source: SDM 2A, 2B, 2C; SDM 1 chapter 12.
#include "vmm/engine/interp/sse.h"

namespace lockstitch::interp {
namespace {
using namespace sse;

// X(opcode, mnemonic) in map 0F 38 with 66.
#define LS_PACKED_FOUR(X)                                                                                       \
  X(0x28, pmuldq) X(0x29, pcmpeqq) X(0x2b, packusdw) X(0x37, pcmpgtq)                                           \
  X(0x38, pminsb) X(0x39, pminsd) X(0x3a, pminuw) X(0x3b, pminud)                                               \
  X(0x3c, pmaxsb) X(0x3d, pmaxsd) X(0x3e, pmaxuw) X(0x3f, pmaxud) X(0x40, pmulld) X(0x41, phminposuw)
// X(opcode, mnemonic, memory width)
#define LS_WIDEN(X)                                                                                             \
  X(0x20, pmovsxbw, q) X(0x21, pmovsxbd, d) X(0x22, pmovsxbq, w) X(0x23, pmovsxwd, q) X(0x24, pmovsxwq, d)      \
  X(0x25, pmovsxdq, q) X(0x30, pmovzxbw, q) X(0x31, pmovzxbd, d) X(0x32, pmovzxbq, w) X(0x33, pmovzxwd, q)      \
  X(0x34, pmovzxwq, d) X(0x35, pmovzxdq, q)
#define LS_DEFINE_TWO(opcode_, id_) LS_INTEGER(id_)
#define LS_DEFINE_THREE(opcode_, id_, mem_) LS_INTEGER(id_)
LS_PACKED_FOUR(LS_DEFINE_TWO)
LS_WIDEN(LS_DEFINE_THREE)
LS_IMMEDIATE(blendps, false)
LS_IMMEDIATE(blendpd, false)
LS_IMMEDIATE(pblendw, false)
LS_IMMEDIATE(mpsadbw, false)
LS_IMMEDIATE(insertps, false)
LS_IMMEDIATE(roundps, true)
LS_IMMEDIATE(roundpd, true)
LS_IMMEDIATE(roundss, true)
LS_IMMEDIATE(roundsd, true)
LS_IMMEDIATE(dpps, true)
LS_IMMEDIATE(dppd, true)
LS_FLOAT(mulps)
LS_FLOAT(mulpd)
LS_FLOAT(haddps)
LS_FLOAT(haddpd)

// In memory there is nothing to select from.
struct Insertps : insertps {
  static V run_memory(V a, V b, const Op* op) { return by_immediate<insertps>.run[op->imm & 0x3f](a, b); }
};

// The dot products report exceptions per multiplication and addition, so an earlier one hides a later one.
struct Dpps : dpps {
  static V run_staged(Cpu& cpu, const Op* op, V a, V b) {
    const auto lane = [op](unsigned i) { return op->imm >> (4 + i) & 1 ? -1 : 0; };
    const V chosen = _mm_set_epi32(lane(3), lane(2), lane(1), lane(0));
    const V product = run_checked(cpu, op, [=] { return mulps::run(_mm_and_si128(a, chosen), _mm_and_si128(b, chosen), op); });
    const V pairs = run_checked(cpu, op, [=] { return haddps::run(product, product, op); });
    (void)run_checked(cpu, op, [=] { return haddps::run(pairs, pairs, op); });
    return run_checked(cpu, op, [=] { return run(a, b, op); });
  }
};
struct Dppd : dppd {
  static V run_staged(Cpu& cpu, const Op* op, V a, V b) {
    const auto lane = [op](unsigned i) { return op->imm >> (4 + i) & 1 ? -1LL : 0LL; };
    const V chosen = _mm_set_epi64x(lane(1), lane(0));
    const V product = run_checked(cpu, op, [=] { return mulpd::run(_mm_and_si128(a, chosen), _mm_and_si128(b, chosen), op); });
    (void)run_checked(cpu, op, [=] { return haddpd::run(product, product, op); });
    return run_checked(cpu, op, [=] { return run(a, b, op); });
  }
};

// Blends by the signs in XMM0.
#define LS_BLEND(id_)                                                                                 \
  struct id_ {                                                                                        \
    static V run(V a, V b, V mask) {                                                                  \
      asm volatile(#id_ " %%xmm0, %1, %0" : "+x"(a) : "x"(b), "Yz"(mask));                            \
      return a;                                                                                       \
    }                                                                                                 \
  };
LS_BLEND(pblendvb)
LS_BLEND(blendvps)
LS_BLEND(blendvpd)
template <class I>
struct BlendForm {
  static void reg(Cpu& cpu, const Op* op) {
    set(cpu, op->r, I::run(get(cpu, op->r), get(cpu, op->m), get(cpu, 0)));
    LS_NEXT(cpu, op);
  }
  [[gnu::noinline]] static void slow(Cpu& cpu, const Op* op) {
    const V b = load_slow(cpu, op, Mem::x);
    set(cpu, op->r, I::run(get(cpu, op->r), b, get(cpu, 0)));
    LS_FINISH(cpu, op);
  }
  static void fast(Cpu& cpu, const Op* op) {
    const std::uint8_t* host = fast_source<Mem::x>(cpu, op);
    if (!host) [[unlikely]]
      LS_TAIL(slow, cpu, op);
    set(cpu, op->r, I::run(get(cpu, op->r), load_host<Mem::x>(host), get(cpu, 0)));
    LS_NEXT(cpu, op);
  }
  static Handler bind(const Decoded& d, Op&) { return !d.memory ? reg : d.fast ? fast : slow; }
};

struct Ptest {
  static constexpr bool floating = false;
  static std::uint16_t flags(V a, V b) {
    std::uint32_t ax;
    asm volatile(LS_FLAGS_ASM("ptest %2, %1") : "=a"(ax) : "x"(a), "x"(b) : "cc");
    return static_cast<std::uint16_t>(ax);
  }
};

// ---- elements ----

template <class T>
struct Element {
  static constexpr bool floating = false;
  static constexpr unsigned count = 16 / sizeof(T), bits = 8 * sizeof(T);
  static std::uint64_t number(V b, const Op* op) {
    const unsigned at = static_cast<unsigned>(op->imm) & (count - 1);
    const std::uint64_t half = at >= count / 2 ? high(b) : low(b);
    return static_cast<T>(half >> (bits * (at & (count / 2 - 1))));
  }
  static V run(V a, std::uint64_t b, const Op* op) {
    const unsigned at = static_cast<unsigned>(op->imm) & (count - 1);
    const unsigned shift = bits * (at & (count / 2 - 1));
    const std::uint64_t mask = std::uint64_t{static_cast<T>(~T{0})} << shift, value = std::uint64_t{static_cast<T>(b)} << shift;
    if (at >= count / 2) return _mm_unpacklo_epi64(a, from_u64((high(a) & ~mask) | value));
    return _mm_unpacklo_epi64(from_u64((low(a) & ~mask) | value), _mm_unpackhi_epi64(a, a));
  }
};

// ---- string comparisons: one host instruction per immediate, lengths clamped to what fits its 32-bit form ----

struct StringCompare {
  V a, b;
  std::uint32_t length_a, length_b;
  std::uint32_t index;
  V mask;
  std::uint16_t flags;
};
#define LS_STRING(id_, output_)                                                                                         \
  struct id_ {                                                                                                          \
    template <std::size_t n>                                                                                            \
    static void one(StringCompare& s) {                                                                                 \
      std::uint32_t ax = s.length_a;                                                                                    \
      asm volatile(LS_FLAGS_ASM(#id_ " %[n], %[b], %[a]")                                                               \
                   : "+a"(ax), output_                                                                                  \
                   : [a] "x"(s.a), [b] "x"(s.b), "d"(s.length_b), [n] "i"(n)                                            \
                   : "cc");                                                                                             \
      s.flags = static_cast<std::uint16_t>(ax);                                                                         \
    }                                                                                                                   \
  };
LS_STRING(pcmpestri, "=c"(s.index))
LS_STRING(pcmpistri, "=c"(s.index))
LS_STRING(pcmpestrm, "=Yz"(s.mask))
LS_STRING(pcmpistrm, "=Yz"(s.mask))

struct StringTable {
  void (*run[256])(StringCompare&);
};
template <class I, std::size_t... n>
constexpr StringTable string_table(std::index_sequence<n...>) {
  return {{&I::template one<n>...}};
}
template <class I>
inline constexpr StringTable strings = string_table<I>(std::make_index_sequence<256>{});

std::uint32_t string_length(std::uint64_t reg, const Op* op) {
  const std::int64_t length = operand_size(op) == 8 ? static_cast<std::int64_t>(reg) : static_cast<std::int32_t>(reg);
  return length < -16 || length > 16 ? 16 : static_cast<std::uint32_t>(length);
}

[[gnu::noinline]] void compare_strings(Cpu& cpu, const Op* op, V b, const StringTable& table, bool index) {
  StringCompare s{};
  s.a = get(cpu, op->r);
  s.b = b;
  s.length_a = string_length(cpu.gpr[unsigned(Gpr::rax)], op);
  s.length_b = string_length(cpu.gpr[unsigned(Gpr::rdx)], op);
  table.run[op->imm & 255](s);
  if (index)
    cpu.gpr[unsigned(Gpr::rcx)] = s.index;
  else
    set(cpu, 0, s.mask);
  cpu.flags = s.flags;
}
template <class I, bool index>
struct StringForm {
  static void reg(Cpu& cpu, const Op* op) {
    compare_strings(cpu, op, get(cpu, op->m), strings<I>, index);
    LS_NEXT(cpu, op);
  }
  [[gnu::noinline]] static void slow(Cpu& cpu, const Op* op) {
    compare_strings(cpu, op, load_slow(cpu, op, Mem::u), strings<I>, index);
    LS_FINISH(cpu, op);
  }
  static void fast(Cpu& cpu, const Op* op) {
    const std::uint8_t* host = fast_source<Mem::u>(cpu, op);
    if (!host) [[unlikely]]
      LS_TAIL(slow, cpu, op);
    compare_strings(cpu, op, load_host<Mem::u>(host), strings<I>, index);
    LS_NEXT(cpu, op);
  }
  static Handler bind(const Decoded& d, Op&) { return !d.memory ? reg : d.fast ? fast : slow; }
};

// ---- CRC32 ----

#define LS_CRC(name_, id_, T_)                                                                   \
  struct name_ {                                                                                 \
    using T = T_;                                                                                \
    static std::uint64_t run(std::uint64_t crc, std::uint64_t source) {                          \
      if constexpr (sizeof(T) == 8) {                                                            \
        asm(#id_ " %1, %0" : "+r"(crc) : "r"(source));                                           \
        return crc;                                                                              \
      } else {                                                                                   \
        auto narrow = static_cast<std::uint32_t>(crc);                                           \
        asm(#id_ " %1, %0" : "+r"(narrow) : "q"(static_cast<T>(source)));                        \
        return narrow;                                                                           \
      }                                                                                          \
    }                                                                                            \
  };
LS_CRC(Crc8, crc32b, std::uint8_t)
LS_CRC(Crc16, crc32w, std::uint16_t)
LS_CRC(Crc32, crc32l, std::uint32_t)
LS_CRC(Crc64, crc32q, std::uint64_t)
template <class I>
struct CrcForm {
  using T = typename I::T;
  static void apply(Cpu& cpu, const Op* op, std::uint64_t source) {
    std::uint64_t& crc = lockstitch::interp::reg<std::uint64_t>(cpu, op->r);
    crc = I::run(crc, source);
  }
  static void reg(Cpu& cpu, const Op* op) {
    apply(cpu, op, lockstitch::interp::reg<T>(cpu, op->m));
    LS_NEXT(cpu, op);
  }
  [[gnu::noinline]] static void slow(Cpu& cpu, const Op* op) {
    const std::uint64_t source = load_number(cpu, op, sizeof(T));
    apply(cpu, op, source);
    LS_FINISH(cpu, op);
  }
  static void fast(Cpu& cpu, const Op* op) {
    const std::uint8_t* host = fast_read<sizeof(T)>(cpu, fast_address(cpu, op));
    if (!host) [[unlikely]]
      LS_TAIL(slow, cpu, op);
    apply(cpu, op, peek<T>(host));
    LS_NEXT(cpu, op);
  }
  static Handler bind(const Decoded& d, Op&) { return !d.memory ? reg : d.fast ? fast : slow; }
};
Handler bind_crc(const Decoded& d, Op& op) {
  return d.size == 2 ? CrcForm<Crc16>::bind(d, op) : d.size == 4 ? CrcForm<Crc32>::bind(d, op) : CrcForm<Crc64>::bind(d, op);
}

constexpr Row row38(const char* name, std::uint8_t opcode, Bind bind) { return row(name, Map::three38, opcode, Prefix::p66, bind); }
constexpr Row row3a(const char* name, std::uint8_t opcode, Bind bind) {
  return immediate(row(name, Map::three3a, opcode, Prefix::p66, bind));
}
constexpr Row sized(Row r, Size size) {
  r.size = size;
  return r;
}
constexpr Row crc_row(const char* name, std::uint8_t opcode, Size size, Field source, Bind bind) {
  Row r = row(name, Map::three38, opcode, Prefix::pf2, bind, 0);
  r.size = size;
  r.r_field = Field::gpr;
  r.m_field = source;
  return r;
}

#define LS_FOUR_ROW(opcode_, id_) row38(#id_ " Vx,Wx", opcode_, Form<id_, Mem::x>::bind),
#define LS_WIDEN_ROW(opcode_, id_, mem_) row38(#id_ " Vx,W" #mem_, opcode_, Form<id_, Mem::mem_>::bind),

constexpr Row rows[] = {
    LS_PACKED_FOUR(LS_FOUR_ROW) LS_WIDEN(LS_WIDEN_ROW)
    row38("pblendvb Vx,Wx,XMM0", 0x10, BlendForm<pblendvb>::bind),
    row38("blendvps Vx,Wx,XMM0", 0x14, BlendForm<blendvps>::bind),
    row38("blendvpd Vx,Wx,XMM0", 0x15, BlendForm<blendvpd>::bind),
    row38("ptest Vx,Wx", 0x17, FlagsForm<Ptest, Mem::x>::bind),
    row3a("roundps Vps,Wps,Ib", 0x08, Form<roundps, Mem::x>::bind),
    row3a("roundpd Vpd,Wpd,Ib", 0x09, Form<roundpd, Mem::x>::bind),
    row3a("roundss Vss,Wss,Ib", 0x0a, Form<roundss, Mem::d>::bind),
    row3a("roundsd Vsd,Wsd,Ib", 0x0b, Form<roundsd, Mem::q>::bind),
    row3a("blendps Vps,Wps,Ib", 0x0c, Form<blendps, Mem::x>::bind),
    row3a("blendpd Vpd,Wpd,Ib", 0x0d, Form<blendpd, Mem::x>::bind),
    row3a("pblendw Vx,Wx,Ib", 0x0e, Form<pblendw, Mem::x>::bind),
    gpr_m(row3a("pextrb Rd/Mb,Vdq,Ib", 0x14, ToGprForm<Element<std::uint8_t>, 1>::bind)),
    gpr_m(row3a("pextrw Rd/Mw,Vdq,Ib", 0x15, ToGprForm<Element<std::uint16_t>, 2>::bind)),
    gpr_m(row3a("pextrd Ey,Vdq,Ib", 0x16, ToGprSized<Element<std::uint32_t>, Element<std::uint64_t>>::bind), Size::y),
    gpr_m(row3a("extractps Ed,Vdq,Ib", 0x17, ToGprForm<Element<std::uint32_t>, 4>::bind)),
    gpr_m(row3a("pinsrb Vdq,Rd/Mb,Ib", 0x20, FromGprForm<Element<std::uint8_t>, 1>::bind)),
    row3a("insertps Vps,Ups/Md,Ib", 0x21, Form<Insertps, Mem::d>::bind),
    gpr_m(row3a("pinsrd Vdq,Ey,Ib", 0x22, FromGprSized<Element<std::uint32_t>, Element<std::uint64_t>>::bind), Size::y),
    row3a("dpps Vps,Wps,Ib", 0x40, Form<Dpps, Mem::x>::bind),
    row3a("dppd Vpd,Wpd,Ib", 0x41, Form<Dppd, Mem::x>::bind),
    row3a("mpsadbw Vx,Wx,Ib", 0x42, Form<mpsadbw, Mem::x>::bind),
    sized(row3a("pcmpestrm Vdq,Wdq,Ib", 0x60, StringForm<pcmpestrm, false>::bind), Size::y),
    sized(row3a("pcmpestri Vdq,Wdq,Ib", 0x61, StringForm<pcmpestri, true>::bind), Size::y),
    row3a("pcmpistrm Vdq,Wdq,Ib", 0x62, StringForm<pcmpistrm, false>::bind),
    row3a("pcmpistri Vdq,Wdq,Ib", 0x63, StringForm<pcmpistri, true>::bind),
    crc_row("crc32 Gd,Eb", 0xf0, Size::b, Field::byte, CrcForm<Crc8>::bind),
    crc_row("crc32 Gd,Ev", 0xf1, Size::v, Field::gpr, bind_crc),
};

}  // namespace

std::span<const Row> rows_sse4() { return rows; }

}  // namespace lockstitch::interp

// SSE instructions that only move bits: loads, stores, merges and floating-point shuffles. Source: SDM 2A, 2B.
#include <pmmintrin.h>

#include "vmm/engine/interp/sse.h"

namespace lockstitch::interp {
namespace sse {

V load_slow(Cpu& cpu, const Op* op, Mem m) {
  switch (m) {
    case Mem::x: {
      const Xmm value = load_aligned(cpu, op);
      return _mm_load_si128(reinterpret_cast<const V*>(&value));
    }
    case Mem::u: {
      const auto value = load<Xmm>(cpu, op);
      return _mm_load_si128(reinterpret_cast<const V*>(&value));
    }
    case Mem::q: return from_u64(load<std::uint64_t>(cpu, op));
    case Mem::d: return from_u64(load<std::uint32_t>(cpu, op));
    case Mem::w: return from_u64(load<std::uint16_t>(cpu, op));
  }
  __builtin_unreachable();
}

std::uint64_t load_number(Cpu& cpu, const Op* op, unsigned size) {
  switch (size) {
    case 1: return load<std::uint8_t>(cpu, op);
    case 2: return load<std::uint16_t>(cpu, op);
    case 4: return load<std::uint32_t>(cpu, op);
    default: return load<std::uint64_t>(cpu, op);
  }
}

void store_slow(Cpu& cpu, const Op* op, V value, Mem m) {
  if (m != Mem::x && m != Mem::u) return store_number(cpu, op, low(value), mem_bytes(m));
  cpu.op = op;
  const std::uint64_t offset = operand_offset(cpu, op);
  if (m == Mem::x && ((cpu.seg_base[op->seg] + offset) & 15)) raise(cpu, Vector::gp, 0);
  const std::uint64_t linear = linear_for_write(cpu, op->seg, offset, 16);
  Xmm bits;
  _mm_store_si128(reinterpret_cast<V*>(&bits), value);
  write_linear(cpu, linear, &bits, 16);
}

void store_number(Cpu& cpu, const Op* op, std::uint64_t value, unsigned size) {
  switch (size) {
    case 1: return store(cpu, op, static_cast<std::uint8_t>(value));
    case 2: return store(cpu, op, static_cast<std::uint16_t>(value));
    case 4: return store(cpu, op, static_cast<std::uint32_t>(value));
    default: return store(cpu, op, value);
  }
}

}  // namespace sse

namespace {
using namespace sse;

struct Whole {
  static constexpr bool floating = false;
  static V run(V, V b, const Op*) { return b; }
  static V value(V b) { return b; }
};
// A register source leaves the rest of the destination alone, a memory source clears it.
struct Single : Whole {
  static V run(V a, V b, const Op*) { return _mm_castps_si128(_mm_move_ss(_mm_castsi128_ps(a), _mm_castsi128_ps(b))); }
  static V run_memory(V, V b, const Op*) { return b; }
};
struct Double : Whole {
  static V run(V a, V b, const Op*) { return _mm_castpd_si128(_mm_move_sd(_mm_castsi128_pd(a), _mm_castsi128_pd(b))); }
  static V run_memory(V, V b, const Op*) { return b; }
};
struct Quad : Whole {
  static V run(V, V b, const Op*) { return _mm_move_epi64(b); }
};
struct LowFromMemory : Whole {
  static V run(V a, V b, const Op* op) { return Double::run(a, b, op); }
};
struct LowToHigh : Whole {  // also the load of a high half
  static V run(V a, V b, const Op*) { return _mm_unpacklo_epi64(a, b); }
};
struct HighToLow : Whole {
  static V run(V a, V b, const Op*) { return _mm_unpackhi_epi64(b, a); }
};
struct High : Whole {
  static V value(V b) { return _mm_unpackhi_epi64(b, b); }
};
struct EvenSingles : Whole {
  static V run(V, V b, const Op*) { return _mm_shuffle_epi32(b, 0xa0); }
};
struct OddSingles : Whole {
  static V run(V, V b, const Op*) { return _mm_shuffle_epi32(b, 0xf5); }
};
struct TwiceLow : Whole {
  static V run(V, V b, const Op*) { return _mm_unpacklo_epi64(b, b); }
};
LS_INTEGER(unpcklps)
LS_INTEGER(unpckhps)
LS_INTEGER(unpcklpd)
LS_INTEGER(unpckhpd)
LS_IMMEDIATE(shufps, false)
LS_IMMEDIATE(shufpd, false)

struct Number32 {
  static constexpr bool floating = false;
  static V run(V, std::uint64_t b, const Op*) { return from_u64(static_cast<std::uint32_t>(b)); }
  static std::uint64_t number(V b, const Op*) { return static_cast<std::uint32_t>(low(b)); }
};
struct Number64 {
  static constexpr bool floating = false;
  static V run(V, std::uint64_t b, const Op*) { return from_u64(b); }
  static std::uint64_t number(V b, const Op*) { return low(b); }
};
struct SignsSingle {
  static constexpr bool floating = false;
  static std::uint64_t number(V b, const Op*) { return static_cast<unsigned>(_mm_movemask_ps(_mm_castsi128_ps(b))); }
};
struct SignsDouble {
  static constexpr bool floating = false;
  static std::uint64_t number(V b, const Op*) { return static_cast<unsigned>(_mm_movemask_pd(_mm_castsi128_pd(b))); }
};

// MOVNTI: an ordinary store of a general register.
template <class T>
struct Movnti {
  [[gnu::noinline]] static void slow(Cpu& cpu, const Op* op) {
    store_number(cpu, op, reg64(cpu, op->r), sizeof(T));
    LS_FINISH(cpu, op);
  }
  static void fast(Cpu& cpu, const Op* op) {
    std::uint8_t* host = fast_write<sizeof(T)>(cpu, fast_address(cpu, op));
    if (!host) [[unlikely]]
      LS_TAIL(slow, cpu, op);
    const std::uint64_t bits = reg64(cpu, op->r);
    std::memcpy(host, &bits, sizeof(T));
    LS_NEXT(cpu, op);
  }
};
Handler bind_movnti(const Decoded& d, Op&) {
  if (d.size == 8) return d.fast ? Movnti<std::uint64_t>::fast : Movnti<std::uint64_t>::slow;
  return d.fast ? Movnti<std::uint32_t>::fast : Movnti<std::uint32_t>::slow;
}

constexpr Map two = Map::two;
constexpr auto none = Prefix::none, p66 = Prefix::p66, pf3 = Prefix::pf3, pf2 = Prefix::pf2;

constexpr Row rows[] = {
    row("movups Vps,Wps", two, 0x10, none, Form<Whole, Mem::u>::bind),
    row("movupd Vpd,Wpd", two, 0x10, p66, Form<Whole, Mem::u>::bind),
    row("movss Vss,Wss", two, 0x10, pf3, Form<Single, Mem::d>::bind),
    row("movsd Vsd,Wsd", two, 0x10, pf2, Form<Double, Mem::q>::bind),
    row("movups Wps,Vps", two, 0x11, none, StoreForm<Whole, Mem::u>::bind),
    row("movupd Wpd,Vpd", two, 0x11, p66, StoreForm<Whole, Mem::u>::bind),
    row("movss Wss,Vss", two, 0x11, pf3, StoreForm<Single, Mem::d>::bind),
    row("movsd Wsd,Vsd", two, 0x11, pf2, StoreForm<Double, Mem::q>::bind),
    register_only(row("movhlps Vq,Uq", two, 0x12, none, Form<HighToLow, Mem::q>::bind)),
    memory_only(row("movlps Vq,Mq", two, 0x12, none, Form<LowFromMemory, Mem::q>::bind)),
    memory_only(row("movlpd Vq,Mq", two, 0x12, p66, Form<LowFromMemory, Mem::q>::bind)),
    row("movsldup Vps,Wps", two, 0x12, pf3, Form<EvenSingles, Mem::x>::bind),
    row("movddup Vpd,Wq", two, 0x12, pf2, Form<TwiceLow, Mem::q>::bind),
    memory_only(row("movlps Mq,Vq", two, 0x13, none, StoreForm<Whole, Mem::q>::bind)),
    memory_only(row("movlpd Mq,Vq", two, 0x13, p66, StoreForm<Whole, Mem::q>::bind)),
    row("unpcklps Vps,Wps", two, 0x14, none, Form<unpcklps, Mem::x>::bind),
    row("unpcklpd Vpd,Wpd", two, 0x14, p66, Form<unpcklpd, Mem::x>::bind),
    row("unpckhps Vps,Wps", two, 0x15, none, Form<unpckhps, Mem::x>::bind),
    row("unpckhpd Vpd,Wpd", two, 0x15, p66, Form<unpckhpd, Mem::x>::bind),
    register_only(row("movlhps Vq,Uq", two, 0x16, none, Form<LowToHigh, Mem::q>::bind)),
    memory_only(row("movhps Vq,Mq", two, 0x16, none, Form<LowToHigh, Mem::q>::bind)),
    memory_only(row("movhpd Vq,Mq", two, 0x16, p66, Form<LowToHigh, Mem::q>::bind)),
    row("movshdup Vps,Wps", two, 0x16, pf3, Form<OddSingles, Mem::x>::bind),
    memory_only(row("movhps Mq,Vq", two, 0x17, none, StoreForm<High, Mem::q>::bind)),
    memory_only(row("movhpd Mq,Vq", two, 0x17, p66, StoreForm<High, Mem::q>::bind)),
    row("movaps Vps,Wps", two, 0x28, none, Form<Whole, Mem::x>::bind),
    row("movapd Vpd,Wpd", two, 0x28, p66, Form<Whole, Mem::x>::bind),
    row("movaps Wps,Vps", two, 0x29, none, StoreForm<Whole, Mem::x>::bind),
    row("movapd Wpd,Vpd", two, 0x29, p66, StoreForm<Whole, Mem::x>::bind),
    memory_only(row("movntps Mps,Vps", two, 0x2b, none, StoreForm<Whole, Mem::x>::bind)),
    memory_only(row("movntpd Mpd,Vpd", two, 0x2b, p66, StoreForm<Whole, Mem::x>::bind)),
    register_only(gpr_r(row("movmskps Gy,Ups", two, 0x50, none, NumberForm<SignsSingle, Mem::x>::bind))),
    register_only(gpr_r(row("movmskpd Gy,Upd", two, 0x50, p66, NumberForm<SignsDouble, Mem::x>::bind))),
    gpr_m(row("movd Vy,Ey", two, 0x6e, p66, FromGprSized<Number32, Number64>::bind), Size::y),
    row("movdqa Vx,Wx", two, 0x6f, p66, Form<Whole, Mem::x>::bind),
    row("movdqu Vx,Wx", two, 0x6f, pf3, Form<Whole, Mem::u>::bind),
    gpr_m(row("movd Ey,Vy", two, 0x7e, p66, ToGprSized<Number32, Number64>::bind), Size::y),
    row("movq Vq,Wq", two, 0x7e, pf3, Form<Quad, Mem::q>::bind),
    row("movdqa Wx,Vx", two, 0x7f, p66, StoreForm<Whole, Mem::x>::bind),
    row("movdqu Wx,Vx", two, 0x7f, pf3, StoreForm<Whole, Mem::u>::bind),
    memory_only(gpr_r(row("movnti My,Gy", two, 0xc3, none, bind_movnti, 0), Size::y)),
    immediate(row("shufps Vps,Wps,Ib", two, 0xc6, none, Form<shufps, Mem::x>::bind)),
    immediate(row("shufpd Vpd,Wpd,Ib", two, 0xc6, p66, Form<shufpd, Mem::x>::bind)),
    row("movq Wq,Vq", two, 0xd6, p66, StoreForm<Quad, Mem::q>::bind),
    memory_only(row("movntdq Mx,Vx", two, 0xe7, p66, StoreForm<Whole, Mem::x>::bind)),
    memory_only(row("lddqu Vx,Mx", two, 0xf0, pf2, Form<Whole, Mem::u>::bind)),
    memory_only(row("movntdqa Vx,Mx", Map::three38, 0x2a, p66, Form<Whole, Mem::x>::bind)),
};

}  // namespace

std::span<const Row> rows_sse_move() { return rows; }

}  // namespace lockstitch::interp

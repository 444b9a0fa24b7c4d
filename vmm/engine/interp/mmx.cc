// MMX instructions, and the SSE instructions that connect MMX and XMM registers. An MMX register is the mantissa of a
// physical x87 register; operations run in the low half of a host XMM register.
// Source: SDM 1 chapters 9 and 11.6.8, SDM 2.
#include "vmm/engine/interp/sse_ops.h"

namespace lockstitch::interp {
namespace {
using sse::fast_source, sse::from_u64, sse::get, sse::load_host, sse::load_slow, sse::low, sse::Mem, sse::V;
using sse::digit, sse::gpr_m, sse::gpr_r, sse::immediate, sse::memory_only, sse::register_only, sse::row;

// False: the x87 state is in the host, or an x87 exception is pending.
bool ready(const Cpu& cpu) { return x87_owner != &cpu && !(cpu.fpu_status & fpu::status_es); }
// Makes it so or raises #MF, and tries again.
[[gnu::noinline]] void retry(Cpu& cpu, const Op* op) {
  x87_leave(cpu);
  if (cpu.fpu_status & fpu::status_es) x87_meet_pending(cpu, op);
  LS_TAIL(op->fn, cpu, op);
}

// Every MMX instruction makes all registers valid and the first one the top.
void touch(Cpu& cpu) {
  cpu.fpu_status &= static_cast<std::uint16_t>(~fpu::status_top);
  cpu.fpu_tag = 0xff;
}
V get_mm(const Cpu& cpu, unsigned n) { return from_u64(cpu.st[n & 7].mantissa); }
void set_mm(Cpu& cpu, unsigned n, V value) {
  touch(cpu);
  St& st = cpu.st[n & 7];
  st.mantissa = low(value);
  st.sign_exponent = 0xffff;
}

#define LS_MMX_READY(cpu_, op_)     \
  if (!ready(cpu_)) [[unlikely]]    \
  LS_TAIL(retry, cpu_, op_)

// mm <- run(mm, mm/mem), of which the low 64 bits count.
template <class I, Mem m>
struct Form {
  static void reg(Cpu& cpu, const Op* op) {
    LS_MMX_READY(cpu, op);
    set_mm(cpu, op->r, I::run(get_mm(cpu, op->r), get_mm(cpu, op->m), op));
    LS_NEXT(cpu, op);
  }
  [[gnu::noinline]] static void slow(Cpu& cpu, const Op* op) {
    LS_MMX_READY(cpu, op);
    const V b = load_slow(cpu, op, m);
    set_mm(cpu, op->r, I::run(get_mm(cpu, op->r), b, op));
    LS_FINISH(cpu, op);
  }
  static void fast(Cpu& cpu, const Op* op) {
    LS_MMX_READY(cpu, op);
    const std::uint8_t* host = fast_source<m>(cpu, op);
    if (!host) [[unlikely]]
      LS_TAIL(slow, cpu, op);
    set_mm(cpu, op->r, I::run(get_mm(cpu, op->r), load_host<m>(host), op));
    LS_NEXT(cpu, op);
  }
  static Handler bind(const Decoded& d, Op&) { return !d.memory ? reg : d.fast ? fast : slow; }
};

// ---- operations that differ from the low half of their XMM form ----

template <class I>
struct High {
  static V run(V a, V b, const Op* op) { return I::run(_mm_slli_si128(a, 4), _mm_slli_si128(b, 4), op); }
};
template <class I>
struct Pair {
  static V run(V a, V b, const Op* op) {
    const V both = _mm_unpacklo_epi64(a, b);
    return I::run(both, both, op);
  }
};
struct Shuffle {
  static V run(V a, V b, const Op* op) { return sse::pshufb::run(a, _mm_and_si128(b, _mm_set1_epi8(static_cast<char>(0x87))), op); }
};
struct Align {
  static V run(V a, V b, const Op* op) {
    const unsigned bits = 8 * static_cast<unsigned>(op->imm & 255);
    if (bits == 0) return b;
    if (bits < 64) return from_u64(low(b) >> bits | low(a) << (64 - bits));
    return from_u64(bits < 128 ? low(a) >> (bits - 64) : 0);
  }
};
struct ShuffleWords {
  static V run(V, V b, const Op* op) {
    const std::uint64_t source = low(b);
    std::uint64_t result = 0;
    for (unsigned i = 0; i < 4; ++i) result |= (source >> (16 * (op->imm >> (2 * i) & 3)) & 0xffff) << (16 * i);
    return from_u64(result);
  }
};
struct Move {
  static V run(V, V b, const Op*) { return b; }
};

template <class Shift>
void shift_immediate(Cpu& cpu, const Op* op) {
  LS_MMX_READY(cpu, op);
  set_mm(cpu, op->m, sse::ShiftImmediate<Shift>::run(get_mm(cpu, op->m), op));
  LS_NEXT(cpu, op);
}
template <class Shift>
Handler bind_shift(const Decoded&, Op&) {
  return shift_immediate<Shift>;
}

void emms(Cpu& cpu, const Op* op) {
  LS_MMX_READY(cpu, op);
  touch(cpu);
  cpu.fpu_tag = 0;
  LS_NEXT(cpu, op);
}
Handler bind_emms(const Decoded&, Op&) { return emms; }

// ---- between MMX registers and general registers or memory ----

/// mm <- run(mm, number): a general register, or `bytes` of memory.
template <class I, unsigned bytes>
struct FromGpr {
  static void reg(Cpu& cpu, const Op* op) {
    LS_MMX_READY(cpu, op);
    set_mm(cpu, op->r, I::run(get_mm(cpu, op->r), reg64(cpu, op->m), op));
    LS_NEXT(cpu, op);
  }
  static void memory(Cpu& cpu, const Op* op) {
    LS_MMX_READY(cpu, op);
    const std::uint64_t b = sse::load_number(cpu, op, bytes);
    set_mm(cpu, op->r, I::run(get_mm(cpu, op->r), b, op));
    LS_FINISH(cpu, op);
  }
  static Handler bind(const Decoded& d, Op&) { return d.memory ? memory : reg; }
};
/// r64 or `bytes` of memory <- low bytes of mm.
template <unsigned bytes>
struct ToGpr {
  static void reg(Cpu& cpu, const Op* op) {
    LS_MMX_READY(cpu, op);
    touch(cpu);
    const std::uint64_t value = cpu.st[op->r & 7].mantissa;
    lockstitch::interp::reg<std::uint64_t>(cpu, op->m) = bytes == 4 ? static_cast<std::uint32_t>(value) : value;
    LS_NEXT(cpu, op);
  }
  static void memory(Cpu& cpu, const Op* op) {
    LS_MMX_READY(cpu, op);
    sse::store_number(cpu, op, cpu.st[op->r & 7].mantissa, bytes);
    touch(cpu);
    LS_FINISH(cpu, op);
  }
};
struct Number {
  static V run(V, std::uint64_t b, const Op*) { return from_u64(b); }
};
struct Number32 {
  static V run(V, std::uint64_t b, const Op*) { return from_u64(static_cast<std::uint32_t>(b)); }
};
Handler bind_movd_load(const Decoded& d, Op& op) {
  return d.size == 8 ? FromGpr<Number, 8>::bind(d, op) : FromGpr<Number32, 4>::bind(d, op);
}
Handler bind_movd_store(const Decoded& d, Op&) {
  if (d.size == 8) return d.memory ? ToGpr<8>::memory : ToGpr<8>::reg;
  return d.memory ? ToGpr<4>::memory : ToGpr<4>::reg;
}
struct InsertWord {
  static V run(V a, std::uint64_t b, const Op* op) {
    const unsigned shift = 16 * (op->imm & 3);
    return from_u64((low(a) & ~(0xffffull << shift)) | (b & 0xffff) << shift);
  }
};

void store_register(Cpu& cpu, const Op* op) {
  LS_MMX_READY(cpu, op);
  set_mm(cpu, op->m, get_mm(cpu, op->r));
  LS_NEXT(cpu, op);
}
void store_fast(Cpu& cpu, const Op* op) {
  LS_MMX_READY(cpu, op);
  std::uint8_t* host = fast_write<8>(cpu, fast_address(cpu, op));
  if (!host) [[unlikely]]
    LS_TAIL(ToGpr<8>::memory, cpu, op);
  std::memcpy(host, &cpu.st[op->r & 7].mantissa, 8);
  touch(cpu);
  LS_NEXT(cpu, op);
}
Handler bind_store(const Decoded& d, Op&) { return !d.memory ? store_register : d.fast ? store_fast : ToGpr<8>::memory; }

/// r32 <- number from mm.
template <class I>
struct NumberForm {
  static void reg(Cpu& cpu, const Op* op) {
    LS_MMX_READY(cpu, op);
    touch(cpu);
    lockstitch::interp::reg<std::uint64_t>(cpu, op->r) = I::number(cpu.st[op->m & 7].mantissa, op);
    LS_NEXT(cpu, op);
  }
  static Handler bind(const Decoded&, Op&) { return reg; }
};
struct ExtractWord {
  static std::uint64_t number(std::uint64_t b, const Op* op) { return b >> (16 * (op->imm & 3)) & 0xffff; }
};
struct Signs {
  static std::uint64_t number(std::uint64_t b, const Op*) { return static_cast<unsigned>(_mm_movemask_epi8(from_u64(b))); }
};

// ---- between MMX and XMM registers ----

/// xmm <- run(xmm, mm/m64). The memory form leaves the x87 state alone.
template <class I>
struct XmmFromMmx {
  static void reg(Cpu& cpu, const Op* op) {
    LS_MMX_READY(cpu, op);
    touch(cpu);
    sse::set(cpu, op->r, I::run(get(cpu, op->r), get_mm(cpu, op->m), op));
    LS_NEXT(cpu, op);
  }
  static void checked(Cpu& cpu, const Op* op) {
    LS_MMX_READY(cpu, op);
    const V a = get(cpu, op->r), b = get_mm(cpu, op->m);
    touch(cpu);  // even if it raises
    sse::set(cpu, op->r, sse::run_checked(cpu, op, [=] { return I::run(a, b, op); }));
    LS_NEXT(cpu, op);
  }
  static Handler bind(const Decoded& d, Op& op) {
    if (d.memory) return sse::Form<I, Mem::q>::bind(d, op);
    return I::floating && (d.mode & mode_sse_unmasked) ? checked : reg;
  }
};
/// mm <- run(xmm/mem).
template <class I, Mem m>
struct MmxFromXmm {
  static void plain(Cpu& cpu, const Op* op) {
    LS_MMX_READY(cpu, op);
    const V b = op->extra & extra_mem ? sse::load_slow(cpu, op, m) : get(cpu, op->m);
    set_mm(cpu, op->r, I::run(b, b, op));
    LS_FINISH(cpu, op);
  }
  static void checked(Cpu& cpu, const Op* op) {
    LS_MMX_READY(cpu, op);
    const V b = op->extra & extra_mem ? sse::load_slow(cpu, op, m) : get(cpu, op->m);
    touch(cpu);  // even if it raises
    set_mm(cpu, op->r, sse::run_checked(cpu, op, [=] { return I::run(b, b, op); }));
    LS_FINISH(cpu, op);
  }
  static Handler bind(const Decoded& d, Op&) { return I::floating && (d.mode & mode_sse_unmasked) ? checked : plain; }
};

struct Movq2dq : Move {
  static constexpr bool floating = false;
};
// The conversions work on the low 64 bits alone: above them stand zeros, which raise nothing.
LS_FLOAT(cvtdq2ps)
LS_FLOAT(cvtdq2pd)
LS_FLOAT(cvtps2dq)
LS_FLOAT(cvttps2dq)
LS_FLOAT(cvtpd2dq)
LS_FLOAT(cvttpd2dq)
struct Cvtpi2ps {
  static constexpr bool floating = true;
  static V run(V a, V b, const Op* op) {
    return _mm_castpd_si128(_mm_move_sd(_mm_castsi128_pd(a), _mm_castsi128_pd(cvtdq2ps::run(a, b, op))));
  }
};
template <class I>
struct LowOnly {
  static constexpr bool floating = true;
  static V run(V a, V b, const Op* op) { return I::run(a, _mm_move_epi64(b), op); }
};

// ---- stores of chosen bytes at DS:rDI ----

[[gnu::noinline]] void store_masked(Cpu& cpu, const Op* op, V value, unsigned mask, unsigned size) {
  if (!mask) return;
  cpu.op = op;
  const std::uint64_t offset = cpu.gpr[unsigned(Gpr::rdi)] & (~0ull >> (64 - 8 * address_size(op)));
  const std::uint64_t linear = linear_for_write(cpu, op->seg, offset, size);
  const unsigned first = static_cast<unsigned>(__builtin_ctz(mask)), last = 31 - static_cast<unsigned>(__builtin_clz(mask));
  check_write_linear(cpu, linear + first, last - first + 1);
  Xmm bytes;
  _mm_store_si128(reinterpret_cast<V*>(&bytes), value);
  for (unsigned i = first; i <= last; ++i)
    if (mask >> i & 1) write_linear(cpu, linear + i, &bytes.u8[i], 1);
}
void maskmovq(Cpu& cpu, const Op* op) {
  LS_MMX_READY(cpu, op);
  store_masked(cpu, op, get_mm(cpu, op->r), static_cast<unsigned>(_mm_movemask_epi8(get_mm(cpu, op->m))), 8);
  touch(cpu);
  LS_FINISH(cpu, op);
}
void maskmovdqu(Cpu& cpu, const Op* op) {
  store_masked(cpu, op, get(cpu, op->r), static_cast<unsigned>(_mm_movemask_epi8(get(cpu, op->m))), 16);
  LS_FINISH(cpu, op);
}
Handler bind_maskmovq(const Decoded&, Op&) { return maskmovq; }
Handler bind_maskmovdqu(const Decoded&, Op&) { return maskmovdqu; }

constexpr Map two = Map::two;
constexpr auto none = Prefix::none, p66 = Prefix::p66, pf3 = Prefix::pf3, pf2 = Prefix::pf2;

constexpr Row mmx_row(const char* name, Map map, std::uint8_t opcode, Bind bind) {
  return sse::row(name, map, opcode, none, bind, attr::mmx);
}
constexpr Row without_modrm(Row r) {
  r.attrs &= ~attr::modrm;
  return r;
}

#define LS_SAME_ROW(map_, opcode_, id_) mmx_row(#id_ " Pq,Qq", Map::map_, opcode_, Form<sse::id_, Mem::q>::bind),
#define LS_LOW_ROW(map_, opcode_, id_) mmx_row(#id_ " Pq,Qd", Map::map_, opcode_, Form<sse::id_, Mem::d>::bind),
#define LS_HIGH_ROW(map_, opcode_, id_) mmx_row(#id_ " Pq,Qq", Map::map_, opcode_, Form<High<sse::id_>, Mem::q>::bind),
#define LS_PAIR_ROW(map_, opcode_, id_) mmx_row(#id_ " Pq,Qq", Map::map_, opcode_, Form<Pair<sse::id_>, Mem::q>::bind),
#define LS_SHIFT_ROW(opcode_, digit_, id_) \
  digit(immediate(register_only(mmx_row(#id_ " Nq,Ib", two, opcode_, bind_shift<sse::id_>))), digit_),

constexpr Row rows[] = {
    LS_PACKED_SAME(LS_SAME_ROW) LS_PACKED_LOW(LS_LOW_ROW) LS_PACKED_HIGH(LS_HIGH_ROW) LS_PACKED_PAIR(LS_PAIR_ROW)
    LS_PACKED_SHIFT(LS_SHIFT_ROW)
    mmx_row("pshufb Pq,Qq", Map::three38, 0x00, Form<Shuffle, Mem::q>::bind),
    immediate(mmx_row("palignr Pq,Qq,Ib", Map::three3a, 0x0f, Form<Align, Mem::q>::bind)),
    immediate(mmx_row("pshufw Pq,Qq,Ib", two, 0x70, Form<ShuffleWords, Mem::q>::bind)),
    gpr_m(mmx_row("movd Pd,Ey", two, 0x6e, bind_movd_load), Size::y),
    mmx_row("movq Pq,Qq", two, 0x6f, Form<Move, Mem::q>::bind),
    without_modrm(mmx_row("emms", two, 0x77, bind_emms)),
    gpr_m(mmx_row("movd Ey,Pd", two, 0x7e, bind_movd_store), Size::y),
    mmx_row("movq Qq,Pq", two, 0x7f, bind_store),
    immediate(gpr_m(mmx_row("pinsrw Pq,Ry/Mw,Ib", two, 0xc4, FromGpr<InsertWord, 2>::bind))),
    immediate(register_only(gpr_r(mmx_row("pextrw Gd,Nq,Ib", two, 0xc5, NumberForm<ExtractWord>::bind)))),
    register_only(gpr_r(mmx_row("pmovmskb Gd,Nq", two, 0xd7, NumberForm<Signs>::bind))),
    memory_only(mmx_row("movntq Mq,Pq", two, 0xe7, bind_store)),
    register_only(row("maskmovq Pq,Nq", two, 0xf7, none, bind_maskmovq, attr::mmx | attr::implicit_memory)),
    register_only(row("maskmovdqu Vdq,Udq", two, 0xf7, p66, bind_maskmovdqu, attr::sse | attr::implicit_memory)),
    register_only(row("movq2dq Vdq,Nq", two, 0xd6, pf3, XmmFromMmx<Movq2dq>::bind, attr::sse | attr::mmx)),
    register_only(row("movdq2q Pq,Uq", two, 0xd6, pf2, MmxFromXmm<Movq2dq, Mem::q>::bind, attr::sse | attr::mmx)),
    row("cvtpi2ps Vps,Qq", two, 0x2a, none, XmmFromMmx<Cvtpi2ps>::bind, attr::sse | attr::mmx),
    row("cvtpi2pd Vpd,Qq", two, 0x2a, p66, XmmFromMmx<cvtdq2pd>::bind, attr::sse | attr::mmx),
    row("cvttps2pi Pq,Wq", two, 0x2c, none, MmxFromXmm<LowOnly<cvttps2dq>, Mem::q>::bind, attr::sse | attr::mmx),
    row("cvttpd2pi Pq,Wpd", two, 0x2c, p66, MmxFromXmm<cvttpd2dq, Mem::x>::bind, attr::sse | attr::mmx),
    row("cvtps2pi Pq,Wq", two, 0x2d, none, MmxFromXmm<LowOnly<cvtps2dq>, Mem::q>::bind, attr::sse | attr::mmx),
    row("cvtpd2pi Pq,Wpd", two, 0x2d, p66, MmxFromXmm<cvtpd2dq, Mem::x>::bind, attr::sse | attr::mmx),
};

}  // namespace

std::span<const Row> rows_mmx() { return rows; }

}  // namespace lockstitch::interp

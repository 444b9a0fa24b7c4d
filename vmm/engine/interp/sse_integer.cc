// SSE2 and SSSE3 integer instructions on XMM registers. Source: SDM 2B, 2C.
#include "vmm/engine/interp/sse_ops.h"

namespace lockstitch::interp {
namespace {
using namespace sse;

LS_INTEGER(punpcklqdq)
LS_INTEGER(punpckhqdq)
LS_INTEGER(andps)
LS_INTEGER(andnps)
LS_INTEGER(orps)
LS_INTEGER(xorps)
LS_IMMEDIATE(pshufd, false)
LS_IMMEDIATE(pshufhw, false)
LS_IMMEDIATE(pshuflw, false)
LS_IMMEDIATE(palignr, false)

// Shifts by an immediate change the register in ModRM.rm.
template <class Shift>
void shift_immediate(Cpu& cpu, const Op* op) {
  set(cpu, op->m, ShiftImmediate<Shift>::run(get(cpu, op->m), op));
  LS_NEXT(cpu, op);
}
template <class Shift>
Handler bind_shift(const Decoded&, Op&) {
  return shift_immediate<Shift>;
}
#define LS_BYTE_SHIFT(id_)                                                     \
  struct id_ {                                                                 \
    template <std::size_t n>                                                   \
    static V one(V a, V) {                                                     \
      asm volatile(#id_ " %1, %0" : "+x"(a) : "i"(n));                         \
      return a;                                                                \
    }                                                                          \
    static void handler(Cpu& cpu, const Op* op) {                              \
      const V a = get(cpu, op->m);                                             \
      set(cpu, op->m, by_immediate<id_>.run[op->imm & 255](a, a));                 \
      LS_NEXT(cpu, op);                                                        \
    }                                                                          \
    static Handler bind(const Decoded&, Op&) { return handler; }               \
  };
LS_BYTE_SHIFT(psrldq)
LS_BYTE_SHIFT(pslldq)

struct Pinsrw {
  static constexpr bool floating = false;
  static V run(V a, std::uint64_t b, const Op* op) {
    alignas(16) std::uint16_t words[8];
    _mm_store_si128(reinterpret_cast<V*>(words), a);
    words[op->imm & 7] = static_cast<std::uint16_t>(b);
    return _mm_load_si128(reinterpret_cast<const V*>(words));
  }
};
struct Pextrw {
  static constexpr bool floating = false;
  static std::uint64_t number(V b, const Op* op) { return (op->imm & 4 ? high(b) : low(b)) >> (16 * (op->imm & 3)) & 0xffff; }
};
struct Pmovmskb {
  static constexpr bool floating = false;
  static std::uint64_t number(V b, const Op*) { return static_cast<unsigned>(_mm_movemask_epi8(b)); }
};

constexpr Map two = Map::two;
constexpr auto none = Prefix::none, p66 = Prefix::p66, pf3 = Prefix::pf3, pf2 = Prefix::pf2;

#define LS_ROW(map_, opcode_, id_) row(#id_ " Vx,Wx", Map::map_, opcode_, p66, Form<id_, Mem::x>::bind),
#define LS_SHIFT_ROW(opcode_, digit_, id_) \
  digit(immediate(register_only(row(#id_ " Ux,Ib", two, opcode_, p66, bind_shift<id_>))), digit_),

constexpr Row rows[] = {
    LS_PACKED_SAME(LS_ROW) LS_PACKED_LOW(LS_ROW) LS_PACKED_HIGH(LS_ROW) LS_PACKED_PAIR(LS_ROW) LS_ROW(three38, 0x00, pshufb)
    LS_PACKED_SHIFT(LS_SHIFT_ROW)
    row("punpcklqdq Vx,Wx", two, 0x6c, p66, Form<punpcklqdq, Mem::x>::bind),
    row("punpckhqdq Vx,Wx", two, 0x6d, p66, Form<punpckhqdq, Mem::x>::bind),
    digit(immediate(register_only(row("psrldq Ux,Ib", two, 0x73, p66, psrldq::bind))), 3),
    digit(immediate(register_only(row("pslldq Ux,Ib", two, 0x73, p66, pslldq::bind))), 7),
    row("andps Vps,Wps", two, 0x54, none, Form<andps, Mem::x>::bind),
    row("andpd Vpd,Wpd", two, 0x54, p66, Form<andps, Mem::x>::bind),
    row("andnps Vps,Wps", two, 0x55, none, Form<andnps, Mem::x>::bind),
    row("andnpd Vpd,Wpd", two, 0x55, p66, Form<andnps, Mem::x>::bind),
    row("orps Vps,Wps", two, 0x56, none, Form<orps, Mem::x>::bind),
    row("orpd Vpd,Wpd", two, 0x56, p66, Form<orps, Mem::x>::bind),
    row("xorps Vps,Wps", two, 0x57, none, Form<xorps, Mem::x>::bind),
    row("xorpd Vpd,Wpd", two, 0x57, p66, Form<xorps, Mem::x>::bind),
    immediate(row("pshufd Vx,Wx,Ib", two, 0x70, p66, Form<pshufd, Mem::x>::bind)),
    immediate(row("pshufhw Vx,Wx,Ib", two, 0x70, pf3, Form<pshufhw, Mem::x>::bind)),
    immediate(row("pshuflw Vx,Wx,Ib", two, 0x70, pf2, Form<pshuflw, Mem::x>::bind)),
    immediate(row("palignr Vx,Wx,Ib", Map::three3a, 0x0f, p66, Form<palignr, Mem::x>::bind)),
    immediate(gpr_m(row("pinsrw Vdq,Ry/Mw,Ib", two, 0xc4, p66, FromGprForm<Pinsrw, 2>::bind))),
    immediate(register_only(gpr_r(row("pextrw Gd,Udq,Ib", two, 0xc5, p66, NumberForm<Pextrw, Mem::x>::bind)))),
    register_only(gpr_r(row("pmovmskb Gd,Ux", two, 0xd7, p66, NumberForm<Pmovmskb, Mem::x>::bind))),
};

}  // namespace

std::span<const Row> rows_sse_integer() { return rows; }

}  // namespace lockstitch::interp

// SSE, SSE2 and SSE3 floating-point arithmetic, comparisons and conversions, and MXCSR. Source: SDM 2A, 2B; SDM 1 11.5.
#include "vmm/engine/interp/sse.h"

namespace lockstitch::interp {
namespace sse {

void settle_float(Cpu& cpu, const Op* op, std::uint32_t guest, std::uint32_t flags) {
  const std::uint32_t unmasked = ~(guest >> 7) & fpu::exceptions;
  constexpr std::uint32_t before = fpu::ie | fpu::de | fpu::ze;
  // Exceptions found before computing hide those of the result (SDM 1 11.5.3).
  if (flags & unmasked & before) flags &= before;
  cpu.mxcsr = guest | flags;
  enter_guest_float(cpu);
  if (!(flags & unmasked)) return;
  cpu.op = op;
  raise(cpu, cpu.cr4 & cr4::osxmmexcpt ? Vector::xm : Vector::ud);
}

}  // namespace sse

namespace {
using namespace sse;

// X(opcode, mnemonic): one source layout each.
#define LS_ARITHMETIC(X) X(0x51, sqrt) X(0x58, add) X(0x59, mul) X(0x5c, sub) X(0x5d, min) X(0x5e, div) X(0x5f, max)
#define LS_DEFINE_FOUR(opcode_, id_) LS_FLOAT(id_##ps) LS_FLOAT(id_##pd) LS_FLOAT(id_##ss) LS_FLOAT(id_##sd)
LS_ARITHMETIC(LS_DEFINE_FOUR)
LS_FLOAT(rcpps)
LS_FLOAT(rcpss)
LS_FLOAT(rsqrtps)
LS_FLOAT(rsqrtss)
LS_FLOAT(haddps)
LS_FLOAT(haddpd)
LS_FLOAT(hsubps)
LS_FLOAT(hsubpd)
LS_FLOAT(addsubps)
LS_FLOAT(addsubpd)
LS_FLOAT(cvtps2pd)
LS_FLOAT(cvtpd2ps)
LS_FLOAT(cvtss2sd)
LS_FLOAT(cvtsd2ss)
LS_FLOAT(cvtdq2ps)
LS_FLOAT(cvtdq2pd)
LS_FLOAT(cvtps2dq)
LS_FLOAT(cvttps2dq)
LS_FLOAT(cvtpd2dq)
LS_FLOAT(cvttpd2dq)
LS_IMMEDIATE(cmpps, true)
LS_IMMEDIATE(cmppd, true)
LS_IMMEDIATE(cmpss, true)
LS_IMMEDIATE(cmpsd, true)

#define LS_COMPARE(id_)                                                                              \
  struct id_ {                                                                                       \
    static constexpr bool floating = true;                                                           \
    static std::uint16_t flags(V a, V b) {                                                           \
      std::uint32_t ax;                                                                              \
      asm volatile(LS_FLAGS_ASM(#id_ " %2, %1") : "=a"(ax) : "x"(a), "x"(b) : "cc");                 \
      return static_cast<std::uint16_t>(ax);                                                         \
    }                                                                                                \
  };
LS_COMPARE(comiss)
LS_COMPARE(comisd)
LS_COMPARE(ucomiss)
LS_COMPARE(ucomisd)

// From and to a general register; the suffix is its size.
#define LS_FROM_INTEGER(name_, id_, T)                                                               \
  struct name_ {                                                                                     \
    static constexpr bool floating = true;                                                           \
    static V run(V a, std::uint64_t b, const Op*) {                                                  \
      asm volatile(#id_ " %1, %0" : "+x"(a) : "r"(static_cast<T>(b)));                               \
      return a;                                                                                      \
    }                                                                                                \
  };
LS_FROM_INTEGER(Cvtsi2ss32, cvtsi2ssl, std::uint32_t)
LS_FROM_INTEGER(Cvtsi2ss64, cvtsi2ssq, std::uint64_t)
LS_FROM_INTEGER(Cvtsi2sd32, cvtsi2sdl, std::uint32_t)
LS_FROM_INTEGER(Cvtsi2sd64, cvtsi2sdq, std::uint64_t)
#define LS_TO_INTEGER(name_, id_, T)                                                                 \
  struct name_ {                                                                                     \
    static constexpr bool floating = true;                                                           \
    static std::uint64_t number(V b, const Op*) {                                                    \
      T result;                                                                                      \
      asm volatile(#id_ " %1, %0" : "=r"(result) : "x"(b));                                          \
      return result;                                                                                 \
    }                                                                                                \
  };
LS_TO_INTEGER(Cvtss2si32, cvtss2si, std::uint32_t)
LS_TO_INTEGER(Cvtss2si64, cvtss2si, std::uint64_t)
LS_TO_INTEGER(Cvtsd2si32, cvtsd2si, std::uint32_t)
LS_TO_INTEGER(Cvtsd2si64, cvtsd2si, std::uint64_t)
LS_TO_INTEGER(Cvttss2si32, cvttss2si, std::uint32_t)
LS_TO_INTEGER(Cvttss2si64, cvttss2si, std::uint64_t)
LS_TO_INTEGER(Cvttsd2si32, cvttsd2si, std::uint32_t)
LS_TO_INTEGER(Cvttsd2si64, cvttsd2si, std::uint64_t)

Handler bind_ldmxcsr(const Decoded&, Op&) { return ldmxcsr; }
Handler bind_stmxcsr(const Decoded&, Op&) { return stmxcsr; }

constexpr Map two = Map::two;
constexpr auto none = Prefix::none, p66 = Prefix::p66, pf3 = Prefix::pf3, pf2 = Prefix::pf2;

#define LS_FOUR_ROWS(opcode_, id_)                                                  \
  row(#id_ "ps Vps,Wps", two, opcode_, none, Form<id_##ps, Mem::x>::bind),          \
      row(#id_ "pd Vpd,Wpd", two, opcode_, p66, Form<id_##pd, Mem::x>::bind),       \
      row(#id_ "ss Vss,Wss", two, opcode_, pf3, Form<id_##ss, Mem::d>::bind),       \
      row(#id_ "sd Vsd,Wsd", two, opcode_, pf2, Form<id_##sd, Mem::q>::bind),

constexpr Row rows[] = {
    LS_ARITHMETIC(LS_FOUR_ROWS)
    row("rsqrtps Vps,Wps", two, 0x52, none, Form<rsqrtps, Mem::x>::bind),
    row("rsqrtss Vss,Wss", two, 0x52, pf3, Form<rsqrtss, Mem::d>::bind),
    row("rcpps Vps,Wps", two, 0x53, none, Form<rcpps, Mem::x>::bind),
    row("rcpss Vss,Wss", two, 0x53, pf3, Form<rcpss, Mem::d>::bind),
    row("haddpd Vpd,Wpd", two, 0x7c, p66, Form<haddpd, Mem::x>::bind),
    row("haddps Vps,Wps", two, 0x7c, pf2, Form<haddps, Mem::x>::bind),
    row("hsubpd Vpd,Wpd", two, 0x7d, p66, Form<hsubpd, Mem::x>::bind),
    row("hsubps Vps,Wps", two, 0x7d, pf2, Form<hsubps, Mem::x>::bind),
    row("addsubpd Vpd,Wpd", two, 0xd0, p66, Form<addsubpd, Mem::x>::bind),
    row("addsubps Vps,Wps", two, 0xd0, pf2, Form<addsubps, Mem::x>::bind),
    row("ucomiss Vss,Wss", two, 0x2e, none, FlagsForm<ucomiss, Mem::d>::bind),
    row("ucomisd Vsd,Wsd", two, 0x2e, p66, FlagsForm<ucomisd, Mem::q>::bind),
    row("comiss Vss,Wss", two, 0x2f, none, FlagsForm<comiss, Mem::d>::bind),
    row("comisd Vsd,Wsd", two, 0x2f, p66, FlagsForm<comisd, Mem::q>::bind),
    immediate(row("cmpps Vps,Wps,Ib", two, 0xc2, none, Form<cmpps, Mem::x>::bind)),
    immediate(row("cmppd Vpd,Wpd,Ib", two, 0xc2, p66, Form<cmppd, Mem::x>::bind)),
    immediate(row("cmpss Vss,Wss,Ib", two, 0xc2, pf3, Form<cmpss, Mem::d>::bind)),
    immediate(row("cmpsd Vsd,Wsd,Ib", two, 0xc2, pf2, Form<cmpsd, Mem::q>::bind)),
    row("cvtps2pd Vpd,Wq", two, 0x5a, none, Form<cvtps2pd, Mem::q>::bind),
    row("cvtpd2ps Vps,Wpd", two, 0x5a, p66, Form<cvtpd2ps, Mem::x>::bind),
    row("cvtss2sd Vsd,Wss", two, 0x5a, pf3, Form<cvtss2sd, Mem::d>::bind),
    row("cvtsd2ss Vss,Wsd", two, 0x5a, pf2, Form<cvtsd2ss, Mem::q>::bind),
    row("cvtdq2ps Vps,Wdq", two, 0x5b, none, Form<cvtdq2ps, Mem::x>::bind),
    row("cvtps2dq Vdq,Wps", two, 0x5b, p66, Form<cvtps2dq, Mem::x>::bind),
    row("cvttps2dq Vdq,Wps", two, 0x5b, pf3, Form<cvttps2dq, Mem::x>::bind),
    row("cvttpd2dq Vdq,Wpd", two, 0xe6, p66, Form<cvttpd2dq, Mem::x>::bind),
    row("cvtdq2pd Vpd,Wq", two, 0xe6, pf3, Form<cvtdq2pd, Mem::q>::bind),
    row("cvtpd2dq Vdq,Wpd", two, 0xe6, pf2, Form<cvtpd2dq, Mem::x>::bind),
    gpr_m(row("cvtsi2ss Vss,Ey", two, 0x2a, pf3, FromGprSized<Cvtsi2ss32, Cvtsi2ss64>::bind), Size::y),
    gpr_m(row("cvtsi2sd Vsd,Ey", two, 0x2a, pf2, FromGprSized<Cvtsi2sd32, Cvtsi2sd64>::bind), Size::y),
    gpr_r(row("cvttss2si Gy,Wss", two, 0x2c, pf3, NumberSized<Cvttss2si32, Cvttss2si64, Mem::d>::bind), Size::y),
    gpr_r(row("cvttsd2si Gy,Wsd", two, 0x2c, pf2, NumberSized<Cvttsd2si32, Cvttsd2si64, Mem::q>::bind), Size::y),
    gpr_r(row("cvtss2si Gy,Wss", two, 0x2d, pf3, NumberSized<Cvtss2si32, Cvtss2si64, Mem::d>::bind), Size::y),
    gpr_r(row("cvtsd2si Gy,Wsd", two, 0x2d, pf2, NumberSized<Cvtsd2si32, Cvtsd2si64, Mem::q>::bind), Size::y),
    digit(memory_only(row("ldmxcsr Md", two, 0xae, none, bind_ldmxcsr, attr::sse | attr::system)), 2),
    digit(memory_only(row("stmxcsr Md", two, 0xae, none, bind_stmxcsr)), 3),
};

}  // namespace

std::span<const Row> rows_sse_float() { return rows; }

}  // namespace lockstitch::interp

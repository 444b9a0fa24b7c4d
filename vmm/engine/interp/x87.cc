// x87 instructions: each runs as itself on the host's x87 unit, which holds the guest's state (fpu_state.h), unmasked
// exceptions included: a pending one is noticed here before the next waiting instruction would make the host trap.
// Source: SDM 1 chapter 8, SDM 2A.
// Maturity: complete. Missing: FERR#/IGNNE# (CR0.NE clear: a pending exception is dropped by the next waiting instruction).
#include "vmm/engine/interp/access.h"
#include "vmm/engine/interp/fpu_state.h"
#include "vmm/engine/interp/row.h"

#include <utility>

namespace lockstitch::interp {
namespace {

// ---- before every instruction ----

template <bool waits>
bool ready(const Cpu& cpu) {
  return x87_owner == &cpu && !(waits && (host_x87_status() & fpu::status_es));
}
[[gnu::noinline]] void prepare(Cpu& cpu, const Op* op, bool waits) {
  if (x87_owner != &cpu) x87_enter(cpu);
  if (!waits || !(host_x87_status() & fpu::status_es)) return;
  x87_meet_pending(cpu, op);
  x87_enter(cpu);
}
// Prepares and tries again.
template <bool waits>
[[gnu::noinline]] void retry(Cpu& cpu, const Op* op) {
  prepare(cpu, op, waits);
  LS_TAIL(op->fn, cpu, op);
}
#define LS_X87_READY(cpu_, op_, waits_)        \
  if (!ready<waits_>(cpu_)) [[unlikely]]       \
  LS_TAIL(retry<waits_>, cpu_, op_)

// ---- register forms, by opcode and ModRM ----

template <unsigned opcode, unsigned modrm>
void on_registers(Cpu& cpu, const Op* op) {
  constexpr bool waits = !(opcode == 0xdb && (modrm & ~7u) == 0xe0);
  LS_X87_READY(cpu, op, waits);
  asm volatile(".byte %c0, %c1" : : "i"(opcode), "i"(modrm));
  LS_NEXT(cpu, op);
}

/// FCMOVcc reads the status flags, FCOMI writes them.
template <unsigned opcode, unsigned modrm>
void with_flags(Cpu& cpu, const Op* op) {
  LS_X87_READY(cpu, op, true);
  std::uint32_t ax = cpu.flags;
  asm volatile("addb $0x7f, %%al\n\tsahf\n\t.byte %c1, %c2\n\tlahf\n\tseto %%al" : "+a"(ax) : "i"(opcode), "i"(modrm) : "cc");
  cpu.flags = static_cast<std::uint16_t>(ax);
  LS_NEXT(cpu, op);
}

template <unsigned n>
constexpr Handler register_handler() {
  constexpr unsigned opcode = 0xd8 + n / 64, modrm = 0xc0 + n % 64;
  constexpr bool conditional_move = (opcode == 0xda || opcode == 0xdb) && modrm < 0xe0;
  constexpr bool compare = (opcode == 0xdb || opcode == 0xdf) && modrm >= 0xe8 && modrm < 0xf8;
  if constexpr (conditional_move || compare)
    return with_flags<opcode, modrm>;
  else
    return on_registers<opcode, modrm>;
}
struct RegisterHandlers {
  Handler fn[512];
};
template <std::size_t... n>
constexpr RegisterHandlers register_table(std::index_sequence<n...>) {
  return {{register_handler<n>()...}};
}
constexpr RegisterHandlers register_handlers = register_table(std::make_index_sequence<512>{});

Handler bind_registers(const Decoded& d, Op&) { return register_handlers.fn[(d.opcode & 7) * 64 + (d.modrm & 63)]; }

void fnstsw_ax(Cpu& cpu, const Op* op) {
  set_reg<std::uint16_t>(cpu, unsigned(Gpr::rax) * 8, x87_owner == &cpu ? host_x87_status() : cpu.fpu_status);
  LS_NEXT(cpu, op);
}
void nothing(Cpu& cpu, const Op* op) { LS_NEXT(cpu, op); }
void fwait(Cpu& cpu, const Op* op) {
  const std::uint16_t status = x87_owner == &cpu ? host_x87_status() : cpu.fpu_status;
  if (status & fpu::status_es) x87_meet_pending(cpu, op);
  LS_NEXT(cpu, op);
}

// ---- memory forms ----

template <unsigned opcode, unsigned digit>
void run_on(const std::uint8_t* host) {
  asm volatile(".byte %c1, %c2" : : "a"(host), "i"(opcode), "i"(digit << 3) : "memory");  // (%rax)
}

template <unsigned opcode, unsigned digit, unsigned size>
struct Load {
  [[gnu::noinline]] static void load_and_run(Cpu& cpu, const Op* op) {
    prepare(cpu, op, true);
    cpu.op = op;
    std::uint8_t operand[size];
    read_linear(cpu, linear_for_read(cpu, op->seg, operand_offset(cpu, op), size), operand, size);
    if (x87_owner != &cpu) x87_enter(cpu);  // the read went through the door
    run_on<opcode, digit>(operand);
  }
  static void slow(Cpu& cpu, const Op* op) {
    load_and_run(cpu, op);
    LS_FINISH(cpu, op);
  }
  static void fast(Cpu& cpu, const Op* op) {
    LS_X87_READY(cpu, op, true);
    const std::uint8_t* host = fast_read<size>(cpu, fast_address(cpu, op));
    if (!host) [[unlikely]]
      LS_TAIL(slow, cpu, op);
    run_on<opcode, digit>(host);
    LS_NEXT(cpu, op);
  }
  static Handler bind(const Decoded& d, Op&) { return d.fast ? fast : slow; }
};

template <unsigned opcode, unsigned digit, unsigned size, bool waits>
struct Store {
  /// An unmasked exception other than the inexact result suppressed the store.
  static bool stored() {
    if (!waits) return true;
    const std::uint16_t status = host_x87_status();
    if (!(status & fpu::status_es)) return true;
    std::uint16_t control;
    asm volatile("fnstcw %0" : "=m"(control));
    return !(status & ~control & (fpu::exceptions & ~fpu::pe));
  }
  [[gnu::noinline]] static void run_and_store(Cpu& cpu, const Op* op) {
    prepare(cpu, op, waits);
    cpu.op = op;
    const std::uint64_t linear = linear_for_write(cpu, op->seg, operand_offset(cpu, op), size);
    check_write_linear(cpu, linear, size);
    std::uint8_t result[size];
    run_on<opcode, digit>(result);
    if (stored()) write_linear(cpu, linear, result, size);
  }
  static void slow(Cpu& cpu, const Op* op) {
    run_and_store(cpu, op);
    LS_FINISH(cpu, op);
  }
  static void fast(Cpu& cpu, const Op* op) {
    LS_X87_READY(cpu, op, waits);
    std::uint8_t* host = fast_write<size>(cpu, fast_address(cpu, op));
    if (!host) [[unlikely]]
      LS_TAIL(slow, cpu, op);
    run_on<opcode, digit>(host);
    LS_NEXT(cpu, op);
  }
  static Handler bind(const Decoded& d, Op&) { return d.fast ? fast : slow; }
};

// ---- rows ----

constexpr std::uint32_t waiting = attr::x87 | attr::wait;

constexpr Row x87_row(const char* name, std::uint8_t opcode, int digit, Mod mod, Bind bind, std::uint32_t attrs) {
  Row r{};
  r.name = name;
  r.map = Map::one;
  r.opcode = opcode;
  r.attrs = attrs | attr::modrm;
  r.size = Size::d;
  r.bind = bind;
  r.digit = static_cast<std::int8_t>(digit);
  r.mod = mod;
  r.r_field = r.m_field = Field::number;
  return r;
}
template <unsigned opcode, unsigned digit, unsigned size>
constexpr Row in(const char* name, std::uint32_t attrs = waiting) {
  return x87_row(name, opcode, digit, Mod::memory, Load<opcode, digit, size>::bind, attrs);
}
template <unsigned opcode, unsigned digit, unsigned size>
constexpr Row out(const char* name) {
  return x87_row(name, opcode, digit, Mod::memory, Store<opcode, digit, size, true>::bind, waiting);
}
template <unsigned opcode, unsigned digit, unsigned size>
constexpr Row out_now(const char* name) {
  return x87_row(name, opcode, digit, Mod::memory, Store<opcode, digit, size, false>::bind, attr::x87);
}
/// All eight registers: opcode and ModRM.reg.
constexpr Row st(const char* name, std::uint8_t opcode, int digit) {
  return x87_row(name, opcode, digit, Mod::reg, bind_registers, waiting);
}
/// One encoding.
constexpr Row one(const char* name, std::uint8_t opcode, std::uint8_t modrm, std::uint32_t attrs = waiting, Bind bind = bind_registers) {
  Row r = x87_row(name, opcode, modrm >> 3 & 7, Mod::reg, bind, attrs);
  r.rm = modrm & 7;
  return r;
}
template <Handler handler>
Handler always(const Decoded&, Op&) {
  return handler;
}
template <Handler handler>
constexpr Row whole(const char* name, std::uint8_t opcode, int digit, std::uint32_t attrs) {
  Row r = x87_row(name, opcode, digit, Mod::memory, always<handler>, attrs | attr::system);
  r.size = Size::v;
  return r;
}
template <Handler handler>
constexpr Row fx(const char* name, int digit) {
  Row r = whole<handler>(name, 0xae, digit, attr::x87);
  r.map = Map::two;
  r.prefix = Prefix::none;
  return r;
}
constexpr Row wait_row() {
  Row r = x87_row("fwait", 0x9b, -1, Mod::any, always<fwait>, waiting);
  r.attrs &= ~attr::modrm;
  return r;
}

constexpr Row rows[] = {
    wait_row(),
    fx<fxsave>("fxsave M512", 0), fx<fxrstor>("fxrstor M512", 1),

    in<0xd8, 0, 4>("fadd Md"), in<0xd8, 1, 4>("fmul Md"), in<0xd8, 2, 4>("fcom Md"), in<0xd8, 3, 4>("fcomp Md"),
    in<0xd8, 4, 4>("fsub Md"), in<0xd8, 5, 4>("fsubr Md"), in<0xd8, 6, 4>("fdiv Md"), in<0xd8, 7, 4>("fdivr Md"),
    st("fadd ST0,STi", 0xd8, 0), st("fmul ST0,STi", 0xd8, 1), st("fcom STi", 0xd8, 2), st("fcomp STi", 0xd8, 3),
    st("fsub ST0,STi", 0xd8, 4), st("fsubr ST0,STi", 0xd8, 5), st("fdiv ST0,STi", 0xd8, 6), st("fdivr ST0,STi", 0xd8, 7),

    in<0xd9, 0, 4>("fld Md"), out<0xd9, 2, 4>("fst Md"), out<0xd9, 3, 4>("fstp Md"),
    whole<fldenv>("fldenv M", 0xd9, 4, waiting), in<0xd9, 5, 2>("fldcw Mw", waiting | attr::system),
    whole<fnstenv>("fnstenv M", 0xd9, 6, attr::x87), out_now<0xd9, 7, 2>("fnstcw Mw"),
    st("fld STi", 0xd9, 0), st("fxch STi", 0xd9, 1), one("fnop", 0xd9, 0xd0), st("fstp1 STi", 0xd9, 3),
    one("fchs", 0xd9, 0xe0), one("fabs", 0xd9, 0xe1), one("ftst", 0xd9, 0xe4), one("fxam", 0xd9, 0xe5),
    one("fld1", 0xd9, 0xe8), one("fldl2t", 0xd9, 0xe9), one("fldl2e", 0xd9, 0xea), one("fldpi", 0xd9, 0xeb),
    one("fldlg2", 0xd9, 0xec), one("fldln2", 0xd9, 0xed), one("fldz", 0xd9, 0xee),
    one("f2xm1", 0xd9, 0xf0), one("fyl2x", 0xd9, 0xf1), one("fptan", 0xd9, 0xf2), one("fpatan", 0xd9, 0xf3),
    one("fxtract", 0xd9, 0xf4), one("fprem1", 0xd9, 0xf5), one("fdecstp", 0xd9, 0xf6), one("fincstp", 0xd9, 0xf7),
    one("fprem", 0xd9, 0xf8), one("fyl2xp1", 0xd9, 0xf9), one("fsqrt", 0xd9, 0xfa), one("fsincos", 0xd9, 0xfb),
    one("frndint", 0xd9, 0xfc), one("fscale", 0xd9, 0xfd), one("fsin", 0xd9, 0xfe), one("fcos", 0xd9, 0xff),

    in<0xda, 0, 4>("fiadd Md"), in<0xda, 1, 4>("fimul Md"), in<0xda, 2, 4>("ficom Md"), in<0xda, 3, 4>("ficomp Md"),
    in<0xda, 4, 4>("fisub Md"), in<0xda, 5, 4>("fisubr Md"), in<0xda, 6, 4>("fidiv Md"), in<0xda, 7, 4>("fidivr Md"),
    st("fcmovb STi", 0xda, 0), st("fcmove STi", 0xda, 1), st("fcmovbe STi", 0xda, 2), st("fcmovu STi", 0xda, 3),
    one("fucompp", 0xda, 0xe9),

    in<0xdb, 0, 4>("fild Md"), out<0xdb, 1, 4>("fisttp Md"), out<0xdb, 2, 4>("fist Md"), out<0xdb, 3, 4>("fistp Md"),
    in<0xdb, 5, 10>("fld Mt"), out<0xdb, 7, 10>("fstp Mt"),
    st("fcmovnb STi", 0xdb, 0), st("fcmovne STi", 0xdb, 1), st("fcmovnbe STi", 0xdb, 2), st("fcmovnu STi", 0xdb, 3),
    one("feni", 0xdb, 0xe0, attr::x87, always<nothing>), one("fdisi", 0xdb, 0xe1, attr::x87, always<nothing>),
    one("fnclex", 0xdb, 0xe2, attr::x87), one("fninit", 0xdb, 0xe3, attr::x87),
    one("fsetpm", 0xdb, 0xe4, attr::x87, always<nothing>), st("fucomi STi", 0xdb, 5), st("fcomi STi", 0xdb, 6),

    in<0xdc, 0, 8>("fadd Mq"), in<0xdc, 1, 8>("fmul Mq"), in<0xdc, 2, 8>("fcom Mq"), in<0xdc, 3, 8>("fcomp Mq"),
    in<0xdc, 4, 8>("fsub Mq"), in<0xdc, 5, 8>("fsubr Mq"), in<0xdc, 6, 8>("fdiv Mq"), in<0xdc, 7, 8>("fdivr Mq"),
    st("fadd STi,ST0", 0xdc, 0), st("fmul STi,ST0", 0xdc, 1), st("fcom2 STi", 0xdc, 2), st("fcomp3 STi", 0xdc, 3),
    st("fsubr STi,ST0", 0xdc, 4), st("fsub STi,ST0", 0xdc, 5), st("fdivr STi,ST0", 0xdc, 6), st("fdiv STi,ST0", 0xdc, 7),

    in<0xdd, 0, 8>("fld Mq"), out<0xdd, 1, 8>("fisttp Mq"), out<0xdd, 2, 8>("fst Mq"), out<0xdd, 3, 8>("fstp Mq"),
    whole<frstor>("frstor M", 0xdd, 4, waiting), whole<fnsave>("fnsave M", 0xdd, 6, attr::x87), out_now<0xdd, 7, 2>("fnstsw Mw"),
    st("ffree STi", 0xdd, 0), st("fxch4 STi", 0xdd, 1), st("fst STi", 0xdd, 2), st("fstp STi", 0xdd, 3),
    st("fucom STi", 0xdd, 4), st("fucomp STi", 0xdd, 5),

    in<0xde, 0, 2>("fiadd Mw"), in<0xde, 1, 2>("fimul Mw"), in<0xde, 2, 2>("ficom Mw"), in<0xde, 3, 2>("ficomp Mw"),
    in<0xde, 4, 2>("fisub Mw"), in<0xde, 5, 2>("fisubr Mw"), in<0xde, 6, 2>("fidiv Mw"), in<0xde, 7, 2>("fidivr Mw"),
    st("faddp STi", 0xde, 0), st("fmulp STi", 0xde, 1), st("fcomp5 STi", 0xde, 2), one("fcompp", 0xde, 0xd9),
    st("fsubrp STi", 0xde, 4), st("fsubp STi", 0xde, 5), st("fdivrp STi", 0xde, 6), st("fdivp STi", 0xde, 7),

    in<0xdf, 0, 2>("fild Mw"), out<0xdf, 1, 2>("fisttp Mw"), out<0xdf, 2, 2>("fist Mw"), out<0xdf, 3, 2>("fistp Mw"),
    in<0xdf, 4, 10>("fbld Mt"), in<0xdf, 5, 8>("fild Mq"), out<0xdf, 6, 10>("fbstp Mt"), out<0xdf, 7, 8>("fistp Mq"),
    st("ffreep STi", 0xdf, 0), st("fxch7 STi", 0xdf, 1), st("fstp8 STi", 0xdf, 2), st("fstp9 STi", 0xdf, 3),
    one("fnstsw AX", 0xdf, 0xe0, attr::x87, always<fnstsw_ax>), st("fucomip STi", 0xdf, 5), st("fcomip STi", 0xdf, 6),
};

}  // namespace

std::span<const Row> rows_x87() { return rows; }

}  // namespace lockstitch::interp

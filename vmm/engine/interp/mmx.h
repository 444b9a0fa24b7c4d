// Operand forms of MMX instructions. An MMX register is the mantissa of a physical x87 register; operations run in the
// low half of a host XMM register. Not here: instructions (mmx.cc). Source: SDM 1 chapter 9.
#pragma once
#include "vmm/engine/interp/sse.h"

namespace lockstitch::interp::mmx {

using sse::from_u64;
using sse::load_host;
using sse::low;
using sse::Mem;
using sse::V;

/// False: the x87 state is in the host, or an x87 exception is pending.
inline bool ready(const Cpu& cpu) { return x87_owner != &cpu && !(cpu.fpu_status & fpu::status_es); }
/// Makes it so, or raises #MF.
void make_ready(Cpu& cpu, const Op* op);
/// The way on from a handler that found the state not ready.
void retry(Cpu& cpu, const Op* op);

/// Every MMX instruction makes all registers valid and the first one the top.
inline void touch(Cpu& cpu) {
  cpu.fpu_status &= static_cast<std::uint16_t>(~fpu::status_top);
  cpu.fpu_tag = 0xff;
}
inline V get(const Cpu& cpu, unsigned n) { return from_u64(cpu.st[n & 7].mantissa); }
inline void set(Cpu& cpu, unsigned n, V value) {
  touch(cpu);
  St& st = cpu.st[n & 7];
  st.mantissa = low(value);
  st.sign_exponent = 0xffff;
}

#define LS_MMX_READY(cpu_, op_)     \
  if (!ready(cpu_)) [[unlikely]]    \
  LS_TAIL(retry, cpu_, op_)

/// mm <- run(mm, mm/mem), of which the low 64 bits count.
template <class I, Mem m>
struct Form {
  static void reg(Cpu& cpu, const Op* op) {
    LS_MMX_READY(cpu, op);
    set(cpu, op->r, I::run(get(cpu, op->r), get(cpu, op->m), op));
    LS_NEXT(cpu, op);
  }
  [[gnu::noinline]] static void slow(Cpu& cpu, const Op* op) {
    LS_MMX_READY(cpu, op);
    const V b = sse::load_slow(cpu, op, m);
    set(cpu, op->r, I::run(get(cpu, op->r), b, op));
    LS_FINISH(cpu, op);
  }
  static void fast(Cpu& cpu, const Op* op) {
    LS_MMX_READY(cpu, op);
    const std::uint8_t* host = sse::fast_source<m>(cpu, op);
    if (!host) [[unlikely]]
      LS_TAIL(slow, cpu, op);
    set(cpu, op->r, I::run(get(cpu, op->r), load_host<m>(host), op));
    LS_NEXT(cpu, op);
  }
  static Handler bind(const Decoded& d, Op&) { return !d.memory ? reg : d.fast ? fast : slow; }
};

}  // namespace lockstitch::interp::mmx

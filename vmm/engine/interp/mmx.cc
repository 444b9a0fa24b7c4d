// MMX instructions, and the SSE instructions that connect MMX and XMM registers. Source: SDM 1 chapters 9 and 11.6.8, SDM 2.
#include "vmm/engine/interp/mmx.h"

#include "vmm/engine/interp/sse_ops.h"

namespace lockstitch::interp {
namespace mmx {

void make_ready(Cpu& cpu, const Op* op) {
  x87_leave(cpu);
  if (cpu.fpu_status & fpu::status_es) x87_meet_pending(cpu, op);
}

void retry(Cpu& cpu, const Op* op) {
  make_ready(cpu, op);
  LS_TAIL(op->fn, cpu, op);
}

}  // namespace mmx

namespace {
using mmx::Form;
using sse::from_u64;
using sse::get;
using sse::low;
using sse::Mem;
using sse::V;

// ---- operations that differ from the low half of their XMM form ----

template <class I>
struct HighHalves {
  static V run(V a, V b, const Op* op) { return I::run(_mm_slli_epi64(_mm_srli_epi64(a, 32), 0), _mm_srli_epi64(b, 32), op); }
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
    const unsigned __int128 both = static_cast<unsigned __int128>(low(a)) << 64 | low(b);
    return from_u64(bits < 128 ? static_cast<std::uint64_t>(both >> bits) : 0);
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
  LS_MMX_READY_HERE(cpu, op);
  mmx::set(cpu, op->m, sse::ShiftImmediate<Shift>::run(mmx::get(cpu, op->m), op));
  LS_NEXT(cpu, op);
}
template <class Shift>
Handler bind_shift(const Decoded&, Op&) {
  return shift_immediate<Shift>;
}

}  // namespace
}  // namespace lockstitch::interp

// The interpreter's working state: the architectural registers in the shape that handlers like, the position inside the
// current block, and the TLB pointers. Interp (interp.h) converts from and to CpuState.
#pragma once
#include <csetjmp>
#include <cstdint>
#include <cstring>

#include "lockstitch/assert.h"
#include "lockstitch/cpu_state.h"
#include "lockstitch/engine.h"
#include "lockstitch/guest_memory.h"
#include "vmm/engine/interp/cpuid.h"
#include "vmm/engine/interp/op.h"

namespace lockstitch::interp {

class Interp;
class Paging;
class BlockStore;

namespace flag {
inline constexpr std::uint64_t cf = 1, pf = 4, af = 0x10, zf = 0x40, sf = 0x80, tf = 0x100, if_ = 0x200, df = 0x400, of = 0x800,
                               iopl = 0x3000, nt = 0x4000, rf = 0x1'0000, vm = 0x2'0000, ac = 0x4'0000, vif = 0x8'0000,
                               vip = 0x10'0000, id = 0x20'0000;
inline constexpr std::uint64_t status = cf | pf | af | zf | sf | of;
}  // namespace flag

namespace cr0 {
inline constexpr std::uint64_t pe = 1, mp = 2, em = 4, ts = 8, et = 0x10, ne = 0x20, wp = 0x1'0000, am = 0x4'0000, nw = 0x2000'0000,
                               cd = 0x4000'0000, pg = 0x8000'0000;
}
namespace cr4 {
inline constexpr std::uint64_t vme = 1, pvi = 2, tsd = 4, de = 8, pse = 0x10, pae = 0x20, mce = 0x40, pge = 0x80, pce = 0x100,
                               osfxsr = 0x200, osxmmexcpt = 0x400;
inline constexpr std::uint64_t supported = vme | pvi | tsd | de | pse | pae | mce | pge | pce | osfxsr | osxmmexcpt;
}  // namespace cr4
namespace efer {
inline constexpr std::uint64_t sce = 1, lme = 0x100, lma = 0x400, nxe = 0x800;
}

enum class Vector : std::uint8_t {
  de = 0, db = 1, nmi = 2, bp = 3, of = 4, br = 5, ud = 6, nm = 7, df = 8, ts = 10, np = 11, ss = 12, gp = 13, pf = 14, mf = 16, ac = 17,
  mc = 18, xm = 19
};

/// Segment indices, in encoding order.
inline constexpr unsigned es = 0, cs = 1, ss = 2, ds = 3, fs = 4, gs = 5, ldtr = 6, tr = 7;

namespace attribute {
inline constexpr std::uint32_t type = 15, s = 0x10, dpl = 0x60, p = 0x80, avl = 0x1000, l = 0x2000, db = 0x4000, g = 0x8000,
                               unusable = 0x1'0000;
}

/// What the bytes of a block mean and which handlers serve them: part of a block's identity.
enum DecodeMode : std::uint32_t {
  mode_code16 = 0, mode_code32 = 1, mode_code64 = 2, mode_code_mask = 3,
  mode_stack32 = 4,       ///< SS.B outside 64-bit mode
  mode_ts = 8,            ///< CR0.TS: x87, MMX and SSE raise #NM
  mode_em = 16,           ///< CR0.EM: x87 and MMX raise #NM, SSE #UD
  mode_mp = 32,           ///< CR0.MP: WAIT obeys TS
  mode_no_sse = 64,       ///< CR4.OSFXSR clear: SSE raises #UD
  mode_sse_unmasked = 128,///< MXCSR unmasks an exception: check after each SSE instruction
  mode_careful = 256,     ///< no fast paths: a data breakpoint is armed
  mode_limited = 1024,    ///< CS ends below 4 GiB: every block must be held against its limit
  mode_user = 512,        ///< CPL 3 (alignment check and nothing else depends on it here)
};

inline constexpr unsigned tlb_entries = 1024;  ///< per set; a power of two
inline constexpr std::uint64_t tlb_empty = 1;  ///< a tag no page-aligned address equals

/// Where an indirect branch to this linear address went last time.
struct JumpEntry {
  std::uint64_t linear = 1;
  Block* block = nullptr;
  std::uint32_t epoch = 0;
};
inline constexpr unsigned jump_entries = 4096;
inline unsigned jump_slot(std::uint64_t linear) { return (linear ^ (linear >> 12)) & (jump_entries - 1); }

struct TlbEntry {
  std::uint64_t tag_read = tlb_empty;   ///< linear page that may be read at host address linear + addend
  std::uint64_t tag_write = tlb_empty;  ///< linear page that may be written there (D set, not code, not a page table)
  std::uint64_t addend = 0;
  std::uint64_t gpa = 0;  ///< physical page
};

/// SSE and MMX operands.
union alignas(16) Xmm {
  std::uint8_t u8[16];
  std::uint16_t u16[8];
  std::uint32_t u32[4];
  std::uint64_t u64[2];
  std::int8_t i8[16];
  std::int16_t i16[8];
  std::int32_t i32[4];
  std::int64_t i64[2];
};

/// x87 register in memory format; mmx is its low 64 bits.
struct alignas(16) St {
  std::uint64_t mantissa;
  std::uint16_t sign_exponent;
};

struct Cpu {
  // Touched by every instruction.
  std::uint64_t gpr[16] = {};
  std::uint64_t zero = 0;            ///< slot_zero
  std::uint64_t rip_base = 0;        ///< slot_rip
  std::uint16_t flags = 0x0200;      ///< status flags as LAHF/SETO give them: AH = SF ZF 0 AF 0 PF 1 CF, AL = OF
  std::int64_t ticks_left = 0;       ///< until the bound, with the current block already charged
  TlbEntry* tlb = nullptr;           ///< current set
  std::uint64_t seg_base[8] = {};    ///< bases that count in the current mode: zero for ES CS SS DS in 64-bit mode
  std::uint32_t fetch_epoch = 1;     ///< identity of (address space, privilege, mode, code mappings)
  Block* block = nullptr;            ///< running block
  const Op* op = nullptr;            ///< running op, set by everything that can fault or leave
  const Op* resume = nullptr;        ///< see LS_TAIL
  Handler resume_fn = nullptr;
  bool break_block = false;          ///< leave the block after this instruction
  Link* link_from = nullptr;         ///< a branch left through this unset link: the dispatcher fills it
  std::uint64_t left_linear = 0;     ///< linear address of the block it left from
  struct JumpEntry* jump_cache = nullptr;

  std::uint64_t rip = 0;             ///< valid between blocks only
  std::uint64_t other_flags = 2;     ///< RFLAGS without the status flags
  std::uint64_t end_tick = 0;        ///< tick at which ticks_left + hidden_ticks is 0: the run's bound
  std::int64_t hidden_ticks = 0;     ///< part of the budget that is set aside while single instructions run
  std::uint32_t mode = 0;            ///< DecodeMode
  unsigned cpl = 0;
  bool align_check = false;          ///< CR0.AM, RFLAGS.AC and CPL 3 together

  Segment segment[segment_count];
  TableRegister gdtr, idtr;
  std::uint64_t cr0 = 0, cr2 = 0, cr3 = 0, cr4 = 0, efer = 0;
  std::uint64_t dr[8] = {};

  Xmm xmm[16] = {};
  St st[8] = {};                     ///< physical registers R0..R7 (not stack order)
  std::uint16_t fpu_control = 0x37f, fpu_status = 0;  ///< TOP in bits 13:11 of the status
  std::uint8_t fpu_tag = 0;          ///< abridged: bit n set = physical register n in use
  std::uint32_t mxcsr = 0x1f80;      ///< what the guest sees, less the sticky flags still in the host's MXCSR

  CpuState rest;                     ///< MSRs and whatever is not held above

  bool shadow = false;               ///< interrupts wait for one instruction
  bool keep_rf = false;              ///< the instruction that just retired loaded RF (IRET)
  bool in_new_task = false;          ///< a task switch is past the point of no return
  std::uint64_t unfinished_tick = ~0ull;  ///< tick behind the last chunk that left a REP instruction unfinished
  bool no_step_trap = false;         ///< the instruction that just retired takes no single-step trap (INT n, MOV SS)
  Activity activity = Activity::running;

  ClockLine clock;
  bool want_window = false;
  ExitDoor* door = nullptr;

  // Pending exception, filled before the jump to the dispatcher.
  std::jmp_buf fault_exit;
  Vector fault_vector{};
  bool fault_has_code = false;
  std::uint32_t fault_code = 0;
  std::uint64_t debug_status = 0;    ///< DR6 bits to set by a pending #DB

  class Watch* watch = nullptr;
  Interp* interp = nullptr;
  Paging* paging = nullptr;
  BlockStore* blocks = nullptr;
  GuestMemory* memory = nullptr;
  CpuModel model;

  bool long_mode() const { return efer & interp::efer::lma; }
  bool code64() const { return (mode & mode_code_mask) == mode_code64; }
  bool protected_mode() const { return cr0 & interp::cr0::pe; }
  bool v86() const { return other_flags & flag::vm; }
  bool real_or_v86() const { return !protected_mode() || v86(); }
};

/// DR6.BT: a switch to a task whose TSS asks for a debug exception.
inline constexpr std::uint64_t debug_task_switch = 0x8000;

template <class T>
T& reg(Cpu& cpu, unsigned offset) {
  return *reinterpret_cast<T*>(reinterpret_cast<std::uint8_t*>(cpu.gpr) + offset);
}
inline std::uint64_t reg64(const Cpu& cpu, unsigned offset) {
  std::uint64_t value;
  std::memcpy(&value, reinterpret_cast<const std::uint8_t*>(cpu.gpr) + offset, 8);
  return value;
}
/// Writes a register operand: 32-bit writes clear the upper half, 8- and 16-bit ones keep it.
template <class T>
void set_reg(Cpu& cpu, unsigned offset, T value) {
  if constexpr (sizeof(T) == 4)
    reg<std::uint64_t>(cpu, offset) = value;
  else
    reg<T>(cpu, offset) = value;
}

// ---- position ----

/// Ticks of the running block that are charged but not retired, the running op included.
inline std::int64_t unretired(const Cpu& cpu) { return cpu.block ? cpu.block->count - (cpu.op - cpu.block->ops) : 0; }
/// The tick before the running op retires; between blocks simply the tick.
inline Tick tick_now(const Cpu& cpu) {
  return {cpu.end_tick - static_cast<std::uint64_t>(cpu.ticks_left + unretired(cpu) + cpu.hidden_ticks)};
}
inline std::uint64_t ip_mask(const Cpu& cpu) { return cpu.code64() ? ~0ull : 0xffff'ffffull; }
inline std::uint64_t op_rip(const Cpu& cpu, const Op* op) {
  return (cpu.rip_base + static_cast<std::int64_t>(op->off)) & ip_mask(cpu);
}
inline std::uint64_t next_rip(const Cpu& cpu, const Op* op) {
  return (cpu.rip_base + static_cast<std::int64_t>(op->off) + op->len) & ip_mask(cpu);
}

/// Ends the block after `op` retired, with the next instruction at `rip`. The handler returns to the dispatcher after it.
inline void leave_block(Cpu& cpu, const Op* op, std::uint64_t rip) {
  cpu.op = op;
  cpu.ticks_left += unretired(cpu) - 1;
  cpu.rip = rip;
  cpu.block = nullptr;
}

/// The end of every handler that might have changed what the block stands on.
#define LS_FINISH(cpu_, op_)                                  \
  do {                                                        \
    if ((cpu_).break_block) [[unlikely]] {                    \
      leave_block((cpu_), (op_), next_rip((cpu_), (op_)));    \
      return;                                                 \
    }                                                         \
    LS_NEXT(cpu_, op_);                                       \
  } while (0)

/// LS_FINISH for a handler that gave away the address of a local: the compiler keeps its frame, so a call in tail position
/// would nest. Returns to the dispatcher, which goes on with the next op.
#define LS_RETURN(cpu_, op_)                                  \
  do {                                                        \
    if ((cpu_).break_block) [[unlikely]] {                    \
      leave_block((cpu_), (op_), next_rip((cpu_), (op_)));    \
      return;                                                 \
    }                                                         \
    (cpu_).resume = (op_) + 1;                                \
    (cpu_).resume_fn = (op_)[1].fn;                           \
    return;                                                   \
  } while (0)

/// The end of a chunk of a REP instruction.
#define LS_LEAVE_CHUNK(cpu_, op_, finished_)                                  \
  do {                                                                        \
    if (finished_) LS_LEAVE(cpu_, op_, next_rip((cpu_), (op_)));              \
    (cpu_).unfinished_tick = tick_now(cpu_).value + 1;                        \
    LS_LEAVE(cpu_, op_, op_rip((cpu_), (op_)));                               \
  } while (0)

/// The end of a handler that changes modes, privilege, IF or mappings: always back to the dispatcher.
#define LS_LEAVE(cpu_, op_, rip_)      \
  do {                                 \
    leave_block((cpu_), (op_), (rip_)); \
    return;                            \
  } while (0)

// ---- exceptions ----

/// Abandons the running op and delivers an exception at it. The op must not have changed any register yet.
[[noreturn]] void raise(Cpu& cpu, Vector vector);
[[noreturn]] void raise(Cpu& cpu, Vector vector, std::uint32_t error_code);

// ---- status flags ----

inline std::uint64_t status_flags(const Cpu& cpu) {
  const unsigned ah = cpu.flags >> 8;
  return (ah & (flag::sf | flag::zf | flag::af | flag::pf | flag::cf)) | ((cpu.flags & 1u) << 11);
}
inline void set_status_flags(Cpu& cpu, std::uint64_t rflags) {
  cpu.flags = static_cast<std::uint16_t>(((rflags & 0xd5) | 2) << 8 | ((rflags >> 11) & 1));
}
inline std::uint64_t rflags(const Cpu& cpu) { return status_flags(cpu) | cpu.other_flags; }

}  // namespace lockstitch::interp

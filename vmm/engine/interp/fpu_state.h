// The floating-point state of the guest and where it lives: MXCSR control and sticky flags in the host's MXCSR while the
// engine runs, the x87 registers in the host's x87 unit from the first x87 instruction of a run to its end. Also who may
// use it at all (#NM, #UD). Not here: the instructions (x87.cc, mmx.cc, sse_*.cc).
// Source: SDM 1 chapters 8 to 10, SDM 3A 2.5 and 13.
#pragma once
#include <cstdint>

#include "vmm/engine/interp/row.h"

namespace lockstitch::interp {

namespace fpu {
inline constexpr std::uint16_t exceptions = 0x3f;  ///< IE DE ZE OE UE PE: in the status word, the control word and MXCSR
inline constexpr std::uint16_t ie = 1, de = 2, ze = 4, oe = 8, ue = 16, pe = 32;
inline constexpr std::uint16_t status_es = 0x80, status_top = 0x3800, status_busy = 0x8000;
inline constexpr std::uint32_t mxcsr_daz = 0x40, mxcsr_masks = 0x1f80, mxcsr_um = 0x800, mxcsr_rc = 0x6000, mxcsr_ftz = 0x8000;
inline constexpr std::uint32_t mxcsr_valid = 0xffff;  ///< MXCSR_MASK
}  // namespace fpu

/// The handler that refuses an x87, MMX or SSE instruction in this mode (#NM or #UD), or null when it may execute.
Handler fpu_gate(const Decoded& decoded);

/// Around everything that runs guest instructions, and reversed around leaving through the door.
void enter_guest_float(Cpu& cpu);
void leave_guest_float(Cpu& cpu);

inline std::uint32_t host_mxcsr() {
  std::uint32_t value;
  asm volatile("stmxcsr %0" : "=m"(value));
  return value;
}
inline void set_host_mxcsr(std::uint32_t value) { asm volatile("ldmxcsr %0" : : "m"(value)); }

/// Between enter_guest_float and leave_guest_float only.
std::uint32_t guest_mxcsr(Cpu& cpu);
/// Returns true if the mode changed: the handler then leaves its block.
bool set_guest_mxcsr(Cpu& cpu, std::uint32_t value);

// ---- x87 residence ----

/// Whose x87 state the host's x87 unit of this thread holds; Cpu::st, fpu_control, fpu_status and fpu_tag are stale then.
extern constinit thread_local Cpu* x87_owner;

void x87_enter(Cpu& cpu);
void x87_save(Cpu& cpu);
inline void x87_leave(Cpu& cpu) {
  if (x87_owner == &cpu) x87_save(cpu);
}

inline std::uint16_t host_x87_status() {
  std::uint16_t status;
  asm volatile("fnstsw %0" : "=a"(status));
  return status;
}

/// Control word as the processor keeps it: reserved bits fixed.
inline std::uint16_t x87_control(std::uint16_t value) { return (value & 0x1f3f) | 0x40; }
/// Status word with ES and B as flags and masks make them.
inline std::uint16_t x87_status(std::uint16_t status, std::uint16_t control) {
  const std::uint16_t summary = status & ~control & fpu::exceptions ? fpu::status_es | fpu::status_busy : 0;
  return static_cast<std::uint16_t>((status & ~(fpu::status_es | fpu::status_busy)) | summary);
}

/// A pending x87 exception met by a waiting instruction. With CR0.NE it raises #MF. Without it the flags are cleared:
/// the external error signal (FERR#) is not modelled.
void x87_meet_pending(Cpu& cpu, const Op* op);

// ---- instructions on the whole state ----

void fxsave(Cpu& cpu, const Op* op);
void fxrstor(Cpu& cpu, const Op* op);
void fnstenv(Cpu& cpu, const Op* op);
void fldenv(Cpu& cpu, const Op* op);
void fnsave(Cpu& cpu, const Op* op);
void frstor(Cpu& cpu, const Op* op);
void ldmxcsr(Cpu& cpu, const Op* op);
void stmxcsr(Cpu& cpu, const Op* op);

}  // namespace lockstitch::interp

// The complete architectural state of one x86-64 CPU, engine-neutral: what a checkpoint holds and what moves between
// engines. Caches (TLB, decoded code) are not state. Names follow the Intel SDM.
#pragma once
#include <array>
#include <cstdint>

#include "lockstitch/state.h"

namespace lockstitch {

enum class Gpr : std::uint8_t { rax, rcx, rdx, rbx, rsp, rbp, rsi, rdi, r8, r9, r10, r11, r12, r13, r14, r15 };
enum class SegmentName : std::uint8_t { es, cs, ss, ds, fs, gs, ldtr, tr };
inline constexpr unsigned segment_count = 8;

/// A segment register with its hidden part (SDM 3A 3.4.3).
struct Segment {
  std::uint16_t selector = 0;
  std::uint64_t base = 0;
  std::uint32_t limit = 0;  ///< Unit: bytes; expanded by G
  /// Descriptor bits 40..55: type 3:0, S 4, DPL 6:5, P 7, AVL 12, L 13, D/B 14, G 15; bit 16: unusable (null).
  std::uint32_t attributes = 0;
};

struct TableRegister {
  std::uint64_t base = 0;
  std::uint16_t limit = 0;
};

enum class Activity : std::uint8_t { running, halted, wait_for_startup, shutdown };

struct CpuState {
  std::array<std::uint64_t, 16> gpr{};
  std::uint64_t rip = 0;
  std::uint64_t rflags = 2;
  std::array<Segment, segment_count> segment{};
  TableRegister gdtr, idtr;
  std::uint64_t cr0 = 0, cr2 = 0, cr3 = 0, cr4 = 0;
  std::array<std::uint64_t, 8> dr{};  ///< 4 and 5 unused
  std::uint64_t efer = 0;

  std::uint64_t star = 0, lstar = 0, cstar = 0, fmask = 0, kernel_gs_base = 0, tsc_aux = 0;
  std::uint64_t sysenter_cs = 0, sysenter_esp = 0, sysenter_eip = 0;
  std::uint64_t pat = 0x0007'0406'0007'0406;
  std::uint64_t misc_enable = 0x1;
  std::uint64_t mtrr_default_type = 0;
  std::array<std::uint64_t, 11> mtrr_fixed{};
  std::array<std::uint64_t, 16> mtrr_variable{};  ///< base, mask pairs
  std::uint64_t tsc_offset = 0;                   ///< TSC = virtual ns + this (modulo 2^64)
  std::uint64_t microcode_revision = 0;
  std::uint64_t debug_control = 0;

  // x87/MMX: physical register order is by stack position (st[0] is the top); 80 bits in the low 10 bytes.
  std::array<std::array<std::uint8_t, 16>, 8> st{};
  std::uint16_t fpu_control = 0x37f, fpu_status = 0;
  std::uint8_t fpu_tag = 0;  ///< abridged: bit n set = physical register n is not empty (FXSAVE format)
  std::array<std::array<std::uint8_t, 16>, 16> xmm{};
  std::uint32_t mxcsr = 0x1f80;

  Activity activity = Activity::running;
  bool interrupt_shadow = false;  ///< one instruction after STI or a load of SS (SDM 3A 6.8.3)
  bool nmi_blocked = false;
  bool nmi_pending = false;
  bool debug_blocked = false;  ///< no debug exception at this boundary: behind MOV SS, POP SS, INT n (SDM 3A 6.8.3)
  std::uint64_t pending_debug = 0;  ///< DR6 bits of a debug exception that waits because of that

  void visit(StateVisitor& visitor);
};

/// Power-on state (SDM 3A 9.1.1): real mode at F000:FFF0.
inline CpuState cpu_at_reset() {
  CpuState cpu;
  cpu.rip = 0xfff0;
  cpu.cr0 = 0x6000'0010;
  cpu.gpr[2] = 0x0002'06c2;  // RDX: family, model and stepping, as CPUID.1 reports them
  for (auto& s : cpu.segment) s = {0, 0, 0xffff, 0x0093};
  cpu.segment[unsigned(SegmentName::cs)] = {0xf000, 0xffff'0000, 0xffff, 0x009b};
  cpu.segment[unsigned(SegmentName::ldtr)] = {0, 0, 0xffff, 0x0082};
  cpu.segment[unsigned(SegmentName::tr)] = {0, 0, 0xffff, 0x008b};
  cpu.gdtr = cpu.idtr = {0, 0xffff};
  cpu.dr[6] = 0xffff'0ff0;
  cpu.dr[7] = 0x400;
  cpu.fpu_control = 0x40;
  return cpu;
}

inline void CpuState::visit(StateVisitor& v) {
  v.field("gpr", gpr);
  v.field("rip", rip);
  v.field("rflags", rflags);
  static constexpr const char* segment_names[] = {"es", "cs", "ss", "ds", "fs", "gs", "ldtr", "tr"};
  for (unsigned i = 0; i < segment_count; ++i) {
    Section section(v, segment_names[i]);
    v.field("selector", segment[i].selector);
    v.field("base", segment[i].base);
    v.field("limit", segment[i].limit);
    v.field("attributes", segment[i].attributes);
  }
  v.field("gdtr_base", gdtr.base);
  v.field("gdtr_limit", gdtr.limit);
  v.field("idtr_base", idtr.base);
  v.field("idtr_limit", idtr.limit);
  v.field("cr0", cr0);
  v.field("cr2", cr2);
  v.field("cr3", cr3);
  v.field("cr4", cr4);
  v.field("dr", dr);
  v.field("efer", efer);
  v.field("star", star);
  v.field("lstar", lstar);
  v.field("cstar", cstar);
  v.field("fmask", fmask);
  v.field("kernel_gs_base", kernel_gs_base);
  v.field("tsc_aux", tsc_aux);
  v.field("sysenter_cs", sysenter_cs);
  v.field("sysenter_esp", sysenter_esp);
  v.field("sysenter_eip", sysenter_eip);
  v.field("pat", pat);
  v.field("misc_enable", misc_enable);
  v.field("mtrr_default_type", mtrr_default_type);
  v.field("mtrr_fixed", mtrr_fixed);
  v.field("mtrr_variable", mtrr_variable);
  v.field("tsc_offset", tsc_offset);
  v.field("microcode_revision", microcode_revision);
  v.field("debug_control", debug_control);
  for (unsigned i = 0; i < 8; ++i) v.field("st" + std::to_string(i), st[i]);
  v.field("fpu_control", fpu_control);
  v.field("fpu_status", fpu_status);
  v.field("fpu_tag", fpu_tag);
  for (unsigned i = 0; i < 16; ++i) v.field("xmm" + std::to_string(i), xmm[i]);
  v.field("mxcsr", mxcsr);
  v.field("activity", activity);
  v.field("interrupt_shadow", interrupt_shadow);
  v.field("nmi_blocked", nmi_blocked);
  v.field("nmi_pending", nmi_pending);
  v.field("debug_blocked", debug_blocked);
  v.field("pending_debug", pending_debug);
}

}  // namespace lockstitch

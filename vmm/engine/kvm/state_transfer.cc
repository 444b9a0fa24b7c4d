// See state_transfer.h.
#include "vmm/engine/kvm/state_transfer.h"

#include <cstring>

#include "vmm/engine/interp/null_segments.h"

namespace lockstitch::kvm {

namespace {

constexpr std::uint64_t apic_on = 0xfee0'0900;  // bootstrap processor, enabled
constexpr std::uint32_t unusable = 0x1'0000, default_size = 0x4000;
constexpr std::uint8_t busy_tss = 11;

/// The order of kvm_sregs' segments is not that of SegmentName.
template <class Sregs, class Visit>
void each_segment(Sregs& s, Visit visit) {
  visit(SegmentName::es, s.es);
  visit(SegmentName::cs, s.cs);
  visit(SegmentName::ss, s.ss);
  visit(SegmentName::ds, s.ds);
  visit(SegmentName::fs, s.fs);
  visit(SegmentName::gs, s.gs);
  visit(SegmentName::ldtr, s.ldt);
  visit(SegmentName::tr, s.tr);
}

kvm_segment to_kvm(const Segment& from) {
  kvm_segment to{};
  to.selector = from.selector;
  to.base = from.base;
  to.limit = from.limit;
  const std::uint32_t a = from.attributes;
  to.type = a & 15;
  to.s = a >> 4 & 1;
  to.dpl = a >> 5 & 3;
  to.present = a >> 7 & 1;
  to.avl = a >> 12 & 1;
  to.l = a >> 13 & 1;
  to.db = a >> 14 & 1;
  to.g = a >> 15 & 1;
  to.unusable = (a & unusable) != 0;
  return to;
}

Segment from_kvm(SegmentName name, const kvm_segment& from) {
  Segment to;
  to.selector = from.selector;
  // What processors keep of a null segment differs; only this counts: the bases of FS and GS, the privilege of SS.
  if (from.unusable || !from.present) {
    to.attributes = unusable;
    if (name == SegmentName::fs || name == SegmentName::gs) to.base = from.base;
    if (name == SegmentName::ss) to.attributes |= default_size | std::uint32_t{from.dpl} << 5;
    return to;
  }
  to.base = from.base;
  to.limit = from.limit;
  to.attributes = from.type | std::uint32_t{from.s} << 4 | std::uint32_t{from.dpl} << 5 |
                  std::uint32_t{from.present} << 7 | std::uint32_t{from.avl} << 12 | std::uint32_t{from.l} << 13 |
                  std::uint32_t{from.db} << 14 | std::uint32_t{from.g} << 15;
  return to;
}

std::uint64_t read64(const std::uint8_t* from) {
  std::uint64_t value;
  std::memcpy(&value, from, sizeof value);
  return value;
}

// Offsets in the XSAVE area (SDM 1 table 13-1).
constexpr std::size_t at_control = 0, at_status = 2, at_tag = 4, at_mxcsr = 24, at_st = 32, at_xmm = 160,
                      at_components = 512, register_bytes = 16, st_bytes = 10;
constexpr std::uint64_t x87_and_sse = 3;
constexpr std::uint32_t mxcsr_reset = 0x1f80;

}  // namespace

kvm_regs general_registers(const CpuState& cpu) {
  kvm_regs r{};
  r.rax = cpu.gpr[0];
  r.rcx = cpu.gpr[1];
  r.rdx = cpu.gpr[2];
  r.rbx = cpu.gpr[3];
  r.rsp = cpu.gpr[4];
  r.rbp = cpu.gpr[5];
  r.rsi = cpu.gpr[6];
  r.rdi = cpu.gpr[7];
  r.r8 = cpu.gpr[8];
  r.r9 = cpu.gpr[9];
  r.r10 = cpu.gpr[10];
  r.r11 = cpu.gpr[11];
  r.r12 = cpu.gpr[12];
  r.r13 = cpu.gpr[13];
  r.r14 = cpu.gpr[14];
  r.r15 = cpu.gpr[15];
  r.rip = cpu.rip;
  r.rflags = cpu.rflags;
  return r;
}

void take_general(const kvm_regs& r, CpuState& cpu) {
  cpu.gpr = {r.rax, r.rcx, r.rdx, r.rbx, r.rsp, r.rbp, r.rsi, r.rdi,
             r.r8,  r.r9,  r.r10, r.r11, r.r12, r.r13, r.r14, r.r15};
  cpu.rip = r.rip;
  cpu.rflags = r.rflags;
}

kvm_sregs special_registers(const CpuState& cpu) {
  kvm_sregs s{};
  each_segment(s, [&](SegmentName name, kvm_segment& segment) { segment = to_kvm(cpu.segment[unsigned(name)]); });
  // Hardware wants a task register that is usable and busy.
  if (s.tr.unusable || s.tr.type == 0) {
    s.tr.unusable = 0;
    s.tr.present = 1;
    s.tr.type = busy_tss;
  }
  s.gdt.base = cpu.gdtr.base;
  s.gdt.limit = cpu.gdtr.limit;
  s.idt.base = cpu.idtr.base;
  s.idt.limit = cpu.idtr.limit;
  s.cr0 = cpu.cr0;
  s.cr2 = cpu.cr2;
  s.cr3 = cpu.cr3;
  s.cr4 = cpu.cr4;
  s.efer = cpu.efer;
  s.apic_base = apic_on;
  return s;
}

void take_special(const kvm_sregs& s, CpuState& cpu) {
  each_segment(
      s, [&](SegmentName name, const kvm_segment& segment) { cpu.segment[unsigned(name)] = from_kvm(name, segment); });
  cpu.gdtr = {s.gdt.base, s.gdt.limit};
  cpu.idtr = {s.idt.base, s.idt.limit};
  cpu.cr0 = s.cr0;
  cpu.cr2 = s.cr2;
  cpu.cr3 = s.cr3;
  cpu.cr4 = s.cr4;
  cpu.efer = s.efer;
  interp::forget_null_segments(cpu);
}

kvm_vcpu_events events(const CpuState& cpu) {
  kvm_vcpu_events e{};
  e.interrupt.shadow = cpu.interrupt_shadow ? KVM_X86_SHADOW_INT_STI : 0;
  e.nmi.masked = cpu.nmi_blocked;
  e.flags = KVM_VCPUEVENT_VALID_NMI_PENDING | KVM_VCPUEVENT_VALID_SHADOW;
  return e;
}

void take_events(const kvm_vcpu_events& e, CpuState& cpu) {
  cpu.interrupt_shadow = e.interrupt.shadow != 0;
  cpu.nmi_blocked = e.nmi.masked;
}

kvm_debugregs debug_registers(const CpuState& cpu) {
  kvm_debugregs d{};
  for (unsigned i = 0; i < 4; ++i) d.db[i] = cpu.dr[i];
  d.dr6 = cpu.dr[6];
  d.dr7 = cpu.dr[7];
  return d;
}

void take_debug(const kvm_debugregs& d, CpuState& cpu) {
  for (unsigned i = 0; i < 4; ++i) cpu.dr[i] = d.db[i];
  cpu.dr[6] = d.dr6;
  cpu.dr[7] = d.dr7;
}

void put_float(const CpuState& cpu, kvm_xsave& to) {
  auto* const area = reinterpret_cast<std::uint8_t*>(to.region);
  std::memset(area, 0, sizeof to.region);
  std::memcpy(area + at_control, &cpu.fpu_control, 2);
  std::memcpy(area + at_status, &cpu.fpu_status, 2);
  area[at_tag] = cpu.fpu_tag;
  std::memcpy(area + at_mxcsr, &cpu.mxcsr, 4);
  for (unsigned i = 0; i < 8; ++i) std::memcpy(area + at_st + register_bytes * i, cpu.st[i].data(), st_bytes);
  for (unsigned i = 0; i < 16; ++i) std::memcpy(area + at_xmm + register_bytes * i, cpu.xmm[i].data(), register_bytes);
  std::memcpy(area + at_components, &x87_and_sse, 8);
}

void take_float(const kvm_xsave& from, CpuState& cpu) {
  const auto* const area = reinterpret_cast<const std::uint8_t*>(from.region);
  const std::uint64_t components = read64(area + at_components);
  // What is in its initial state need not be there.
  if (components & 1) {
    std::memcpy(&cpu.fpu_control, area + at_control, 2);
    std::memcpy(&cpu.fpu_status, area + at_status, 2);
    cpu.fpu_tag = area[at_tag];
    for (unsigned i = 0; i < 8; ++i) {
      cpu.st[i] = {};
      std::memcpy(cpu.st[i].data(), area + at_st + register_bytes * i, st_bytes);
    }
  } else {
    cpu.fpu_control = 0x37f;
    cpu.fpu_status = 0;
    cpu.fpu_tag = 0;
    cpu.st = {};
  }
  if (components & 2) {
    for (unsigned i = 0; i < 16; ++i)
      std::memcpy(cpu.xmm[i].data(), area + at_xmm + register_bytes * i, register_bytes);
  } else {
    cpu.xmm = {};
  }
  std::memcpy(&cpu.mxcsr, area + at_mxcsr, 4);
  if (components == 0 && cpu.mxcsr == 0) cpu.mxcsr = mxcsr_reset;
}

}  // namespace lockstitch::kvm

// Far control transfers: JMP, CALL, RET, IRET, INT n, SYSCALL, SYSRET, SYSENTER, SYSEXIT, through gates and task switches too.
// Source: SDM 2, SDM 3A 5.8, 6.12, 7.3. The vendor is Intel: SYSCALL outside 64-bit mode is #UD.
#include "vmm/engine/interp/delivery.h"
#include "vmm/engine/interp/families.h"
#include "vmm/engine/interp/interp.h"
#include "vmm/engine/interp/segments.h"
#include "vmm/engine/interp/stack.h"

namespace lockstitch::interp {
namespace {

FarPointer far_operand(Cpu& cpu, const Op* op) {
  if (op->extra & extra_mem) return load_far_pointer(cpu, op);
  return {static_cast<std::uint16_t>(op->imm >> 32), op->imm & 0xffff'ffff};
}

// Outside 64-bit code the offset's upper half does not count.
void check_target(Cpu& cpu, const Descriptor& code, std::uint64_t offset) {
  const bool to64 = cpu.long_mode() && code.long_code();
  if (to64 ? !canonical(offset) : (offset & 0xffff'ffff) > code.limit()) raise(cpu, Vector::gp, 0);
}

// Checks a code segment for a jump or call at the same privilege.
void check_code(Cpu& cpu, std::uint16_t selector, const Descriptor& d) {
  const std::uint32_t code = selector & 0xfffc;
  if (d.conforming() ? d.dpl() > cpu.cpl : (selector & 3u) > cpu.cpl || d.dpl() != cpu.cpl) raise(cpu, Vector::gp, code);
  if (!d.present()) raise(cpu, Vector::np, code);
  if (cpu.long_mode() && d.long_code() && d.big()) raise(cpu, Vector::gp, code);
}

void enter_code(Cpu& cpu, std::uint16_t selector, Descriptor& d, std::uint64_t offset) {
  set_accessed(cpu, d);
  cpu.segment[cs] = make_segment(static_cast<std::uint16_t>((selector & ~3) | cpu.cpl), d);
  cpu.rip = cpu.long_mode() && d.long_code() ? offset : offset & 0xffff'ffff;
  mode_changed(cpu);
}

// Ends the block after a transfer that set cpu.rip itself.
#define LS_LEAVE_SET(cpu_, op_)                       \
  do {                                                \
    const std::uint64_t new_rip = (cpu_).rip;         \
    LS_LEAVE(cpu_, op_, new_rip);                     \
  } while (0)

// After a task switch the block is already gone; the instruction retires all the same.
#define LS_LEAVE_TASK(cpu_)  \
  do {                       \
    mode_changed(cpu_);      \
    return;                  \
  } while (0)

struct Gate {
  std::uint16_t selector;
  std::uint64_t offset;
  unsigned parameters;
  unsigned width;
};
Gate read_gate(Cpu& cpu, std::uint16_t selector, const Descriptor& d) {
  Gate g;
  g.selector = static_cast<std::uint16_t>(d.raw >> 16);
  g.offset = (d.raw & 0xffff) | (d.type() & 8 ? d.raw >> 32 & 0xffff'0000 : 0);
  g.parameters = d.raw >> 32 & 31;
  g.width = d.type() & 8 ? 4 : 2;
  if (cpu.long_mode()) {
    g.offset |= read_descriptor_high(cpu, d, selector, Vector::gp) << 32;
    g.width = 8;
    g.parameters = 0;
  }
  return g;
}

Descriptor gate_target(Cpu& cpu, const Gate& gate) {
  if ((gate.selector & 0xfffc) == 0) raise(cpu, Vector::gp, 0);
  const Descriptor code = read_descriptor(cpu, gate.selector, Vector::gp);
  const std::uint32_t error = gate.selector & 0xfffc;
  if (!code.is_code() || code.dpl() > cpu.cpl) raise(cpu, Vector::gp, error);
  if (cpu.long_mode() && (!code.long_code() || code.big())) raise(cpu, Vector::gp, error);
  if (!code.present()) raise(cpu, Vector::np, error);
  return code;
}

void jmp_far(Cpu& cpu, const Op* op) {
  cpu.op = op;
  const FarPointer to = far_operand(cpu, op);
  if (cpu.real_or_v86()) {
    if (to.offset > cpu.segment[cs].limit) raise(cpu, Vector::gp, 0);
    cpu.segment[cs] = real_segment(to.selector, cpu.segment[cs], cpu.v86());
    cpu.rip = to.offset;
    mode_changed(cpu);
    LS_LEAVE_SET(cpu, op);
  }
  if ((to.selector & 0xfffc) == 0) raise(cpu, Vector::gp, 0);
  Descriptor d = read_descriptor(cpu, to.selector, Vector::gp);
  if (d.is_code()) {
    check_code(cpu, to.selector, d);
    check_target(cpu, d, to.offset);
    enter_code(cpu, to.selector, d, to.offset);
    LS_LEAVE_SET(cpu, op);
  }
  const std::uint32_t error = to.selector & 0xfffc;
  if (d.is_segment() || d.dpl() < cpu.cpl || d.dpl() < (to.selector & 3u)) raise(cpu, Vector::gp, error);
  const unsigned type = d.type();
  if (type == 12 || (type == 4 && !cpu.long_mode())) {
    if (!d.present()) raise(cpu, Vector::np, error);
    const Gate gate = read_gate(cpu, to.selector, d);
    Descriptor code = gate_target(cpu, gate);
    if (!code.conforming() && code.dpl() != cpu.cpl) raise(cpu, Vector::gp, gate.selector & 0xfffc);
    check_target(cpu, code, gate.offset);
    enter_code(cpu, gate.selector, code, gate.offset);
    LS_LEAVE_SET(cpu, op);
  }
  if (cpu.long_mode()) raise(cpu, Vector::gp, error);
  if (type == 5) {
    if (!d.present()) raise(cpu, Vector::np, error);
    switch_task(cpu, static_cast<std::uint16_t>(d.raw >> 16), TaskSwitch::jump, next_rip(cpu, op));
    LS_LEAVE_TASK(cpu);
  }
  if (type == 1 || type == 9) {
    switch_task(cpu, to.selector, TaskSwitch::jump, next_rip(cpu, op));
    LS_LEAVE_TASK(cpu);
  }
  raise(cpu, Vector::gp, error);
}

// Writes one value of a new frame on the current stack without moving RSP.
void put(Cpu& cpu, std::uint64_t& sp, std::uint64_t value, unsigned size) {
  sp = (sp - size) & stack_mask(cpu);
  write_linear(cpu, linear_for_write(cpu, ss, sp, size), &value, size);
}
void commit_sp(Cpu& cpu, std::uint64_t sp) {
  const std::uint64_t mask = stack_mask(cpu);
  cpu.gpr[4] = (cpu.gpr[4] & ~mask) | (sp & mask);
}

// A call gate to an inner level: new stack, parameters copied, old SS:RSP and CS:RIP on it.
void call_inner(Cpu& cpu, const Op* op, const Gate& gate, Descriptor& code) {
  const unsigned level = code.dpl();
  Segment stack;
  std::uint64_t rsp;
  if (cpu.long_mode()) {
    rsp = stack_from_tss64(cpu, level);
    stack = Segment{static_cast<std::uint16_t>(level), 0, 0, attribute::unusable | level << 5 | attribute::db};
  } else {
    const StackPointer inner = stack_from_tss(cpu, level);
    stack = checked_stack_segment(cpu, inner.selector, level, Vector::ts);
    rsp = inner.rsp;
  }
  check_target(cpu, code, gate.offset);
  std::uint64_t parameters[31];
  for (unsigned i = 0; i < gate.parameters; ++i) parameters[i] = peek(cpu, i * gate.width, gate.width);
  const std::uint64_t mask = cpu.long_mode() ? ~0ull : stack.attributes & attribute::db ? 0xffff'ffff : 0xffff;
  std::uint64_t sp = rsp & mask;
  const auto push_inner = [&](std::uint64_t value) {
    sp = (sp - gate.width) & mask;
    const std::uint64_t linear = cpu.long_mode() ? sp : (stack.base + sp) & 0xffff'ffff;
    write_stack_as(cpu, linear, &value, gate.width, level);
  };
  push_inner(cpu.segment[ss].selector);
  push_inner(cpu.gpr[4]);
  for (unsigned i = gate.parameters; i > 0; --i) push_inner(parameters[i - 1]);
  push_inner(cpu.segment[cs].selector);
  push_inner(next_rip(cpu, op));
  set_accessed(cpu, code);
  cpu.segment[ss] = stack;
  cpu.gpr[4] = (rsp & ~mask) | sp;
  cpu.cpl = level;
  cpu.segment[cs] = make_segment(static_cast<std::uint16_t>((gate.selector & ~3) | level), code);
  cpu.rip = gate.offset;
  mode_changed(cpu);
}

void call_far(Cpu& cpu, const Op* op) {
  cpu.op = op;
  const FarPointer to = far_operand(cpu, op);
  const unsigned size = operand_size(op);
  if (cpu.real_or_v86()) {
    if (to.offset > cpu.segment[cs].limit) raise(cpu, Vector::gp, 0);
    std::uint64_t sp = cpu.gpr[4];
    put(cpu, sp, cpu.segment[cs].selector, size);
    put(cpu, sp, next_rip(cpu, op), size);
    commit_sp(cpu, sp);
    cpu.segment[cs] = real_segment(to.selector, cpu.segment[cs], cpu.v86());
    cpu.rip = to.offset;
    mode_changed(cpu);
    LS_LEAVE_SET(cpu, op);
  }
  if ((to.selector & 0xfffc) == 0) raise(cpu, Vector::gp, 0);
  Descriptor d = read_descriptor(cpu, to.selector, Vector::gp);
  if (d.is_code()) {
    check_code(cpu, to.selector, d);
    check_target(cpu, d, to.offset);
    std::uint64_t sp = cpu.gpr[4];
    put(cpu, sp, cpu.segment[cs].selector, size);
    put(cpu, sp, next_rip(cpu, op), size);
    commit_sp(cpu, sp);
    enter_code(cpu, to.selector, d, to.offset);
    LS_LEAVE_SET(cpu, op);
  }
  const std::uint32_t error = to.selector & 0xfffc;
  if (d.is_segment() || d.dpl() < cpu.cpl || d.dpl() < (to.selector & 3u)) raise(cpu, Vector::gp, error);
  const unsigned type = d.type();
  if (type == 12 || (type == 4 && !cpu.long_mode())) {
    if (!d.present()) raise(cpu, Vector::np, error);
    const Gate gate = read_gate(cpu, to.selector, d);
    Descriptor code = gate_target(cpu, gate);
    if (!code.conforming() && code.dpl() < cpu.cpl) {
      call_inner(cpu, op, gate, code);
      LS_LEAVE_SET(cpu, op);
    }
    check_target(cpu, code, gate.offset);
    std::uint64_t sp = cpu.gpr[4];
    put(cpu, sp, cpu.segment[cs].selector, gate.width);
    put(cpu, sp, next_rip(cpu, op), gate.width);
    commit_sp(cpu, sp);
    enter_code(cpu, gate.selector, code, gate.offset);
    LS_LEAVE_SET(cpu, op);
  }
  if (cpu.long_mode()) raise(cpu, Vector::gp, error);
  if (type == 5) {
    if (!d.present()) raise(cpu, Vector::np, error);
    switch_task(cpu, static_cast<std::uint16_t>(d.raw >> 16), TaskSwitch::call, next_rip(cpu, op));
    LS_LEAVE_TASK(cpu);
  }
  if (type == 1 || type == 9) {
    switch_task(cpu, to.selector, TaskSwitch::call, next_rip(cpu, op));
    LS_LEAVE_TASK(cpu);
  }
  raise(cpu, Vector::gp, error);
}

// The part that far RET and IRET share in protected mode: CS checks, and for an outer level the new stack.
struct ReturnFrame {
  std::uint64_t rip = 0, rsp = 0;
  std::uint16_t code = 0, stack = 0;
  bool has_stack = false;
};
void return_to(Cpu& cpu, ReturnFrame frame, std::uint64_t released, std::uint64_t extra, unsigned size, unsigned stack_at) {
  const std::uint32_t error = frame.code & 0xfffc;
  if (error == 0) raise(cpu, Vector::gp, 0);
  Descriptor code = read_descriptor(cpu, frame.code, Vector::gp);
  const unsigned rpl = frame.code & 3;
  if (!code.is_code() || rpl < cpu.cpl || (code.conforming() ? code.dpl() > rpl : code.dpl() != rpl)) raise(cpu, Vector::gp, error);
  if (cpu.long_mode() && code.long_code() && code.big()) raise(cpu, Vector::gp, error);
  if (!code.present()) raise(cpu, Vector::np, error);
  const bool to64 = cpu.long_mode() && code.long_code();
  const bool outer = rpl > cpu.cpl;
  Segment stack = cpu.segment[ss];
  if (outer && !frame.has_stack) {
    frame.rsp = peek(cpu, stack_at, size);
    frame.stack = static_cast<std::uint16_t>(peek(cpu, stack_at + size, 2));
    frame.has_stack = true;
  }
  if (frame.has_stack) {
    if ((frame.stack & 0xfffc) == 0) {
      if (!to64 || rpl == 3 || (frame.stack & 3u) != rpl) raise(cpu, Vector::gp, 0);
      stack = Segment{frame.stack, 0, 0, attribute::unusable | rpl << 5 | attribute::db};
    } else {
      stack = checked_stack_segment(cpu, frame.stack, rpl, Vector::gp);
    }
  }
  if (to64 ? !canonical(frame.rip) : (frame.rip & 0xffff'ffff) > code.limit()) raise(cpu, Vector::gp, 0);
  set_accessed(cpu, code);
  if (frame.has_stack) {
    cpu.segment[ss] = stack;
    const std::uint64_t mask = to64 ? ~0ull : stack.attributes & attribute::db ? 0xffff'ffff : 0xffff;
    const std::uint64_t sp = frame.rsp + extra;
    cpu.gpr[4] = mask == 0xffff ? (cpu.gpr[4] & ~mask) | (sp & mask) : sp & mask;
  } else {
    release(cpu, released + extra);
  }
  cpu.cpl = rpl;
  cpu.segment[cs] = make_segment(frame.code, code);
  cpu.rip = to64 ? frame.rip : frame.rip & 0xffff'ffff;
  if (outer) drop_inner_segments(cpu);
  mode_changed(cpu);
}

void ret_far(Cpu& cpu, const Op* op) {
  cpu.op = op;
  const unsigned size = operand_size(op);
  const std::uint64_t extra = op->imm;
  ReturnFrame frame;
  frame.rip = peek(cpu, 0, size);
  frame.code = static_cast<std::uint16_t>(peek(cpu, size, 2));
  if (cpu.real_or_v86()) {
    if (frame.rip > cpu.segment[cs].limit) raise(cpu, Vector::gp, 0);
    release(cpu, 2 * size + extra);
    cpu.segment[cs] = real_segment(frame.code, cpu.segment[cs], cpu.v86());
    cpu.rip = frame.rip;
    mode_changed(cpu);
    LS_LEAVE_SET(cpu, op);
  }
  return_to(cpu, frame, 2 * size, extra, size, static_cast<unsigned>(2 * size + extra));
  LS_LEAVE_SET(cpu, op);
}

void set_flags(Cpu& cpu, std::uint64_t value, std::uint64_t changeable) {
  const std::uint64_t now = (rflags(cpu) & ~changeable) | (value & changeable);
  set_status_flags(cpu, now);
  cpu.other_flags = (now & ~flag::status) | 2;
  cpu.keep_rf = now & flag::rf;
}

void iret(Cpu& cpu, const Op* op) {
  cpu.op = op;
  const unsigned size = operand_size(op);
  constexpr std::uint64_t always = flag::status | flag::tf | flag::df | flag::nt;
  ReturnFrame frame;
  if (cpu.real_or_v86()) {
    if (cpu.v86() && (cpu.other_flags & flag::iopl) != flag::iopl) {
      if (!(cpu.cr4 & cr4::vme) || size != 2) raise(cpu, Vector::gp, 0);
      const std::uint64_t flags = peek(cpu, 4, 2);
      if (((flags & flag::if_) && (cpu.other_flags & flag::vip)) || (flags & flag::tf)) raise(cpu, Vector::gp, 0);
    }
    frame.rip = peek(cpu, 0, size);
    frame.code = static_cast<std::uint16_t>(peek(cpu, size, 2));
    const std::uint64_t flags = peek(cpu, 2 * size, size);
    if (frame.rip > cpu.segment[cs].limit) raise(cpu, Vector::gp, 0);
    release(cpu, 3 * size);
    cpu.segment[cs] = real_segment(frame.code, cpu.segment[cs], cpu.v86());
    std::uint64_t changeable = always | flag::if_ | (size == 4 ? flag::ac | flag::id | flag::rf : 0);
    if (!cpu.v86()) {
      changeable |= flag::iopl;
      set_flags(cpu, flags, changeable);
    } else if ((cpu.other_flags & flag::iopl) == flag::iopl) {
      set_flags(cpu, flags, changeable);
    } else {
      set_flags(cpu, (flags & ~flag::vif) | (flags & flag::if_ ? flag::vif : 0), (changeable & ~flag::if_) | flag::vif);
    }
    cpu.rip = frame.rip;
    mode_changed(cpu);
    LS_LEAVE_SET(cpu, op);
  }
  if (cpu.other_flags & flag::nt) {
    if (cpu.long_mode()) raise(cpu, Vector::gp, 0);
    std::uint16_t link = 0;
    read_system(cpu, cpu.segment[tr].base, &link, 2);
    switch_task(cpu, link, TaskSwitch::iret, next_rip(cpu, op));
    LS_LEAVE_TASK(cpu);
  }
  frame.rip = peek(cpu, 0, size);
  frame.code = static_cast<std::uint16_t>(peek(cpu, size, 2));
  const std::uint64_t flags = peek(cpu, 2 * size, size);
  const unsigned old_cpl = cpu.cpl;
  if (!cpu.long_mode() && size == 4 && (flags & flag::vm) && cpu.cpl == 0) {
    std::uint16_t selectors[5];
    const std::uint64_t esp = peek(cpu, 12, 4);
    for (unsigned i = 0; i < 5; ++i) selectors[i] = static_cast<std::uint16_t>(peek(cpu, 16 + 4 * i, 4));  // SS ES DS FS GS
    set_flags(cpu, flags, 0x3f'7fd7 & ~2ull);
    cpu.cpl = 3;
    cpu.gpr[4] = esp;
    static constexpr unsigned order[] = {ss, es, ds, fs, gs};
    for (unsigned i = 0; i < 5; ++i) cpu.segment[order[i]] = real_segment(selectors[i], {}, true);
    cpu.segment[cs] = real_segment(frame.code, {}, true);
    cpu.rip = frame.rip & 0xffff;
    mode_changed(cpu);
    LS_LEAVE_SET(cpu, op);
  }
  if (cpu.code64()) {
    frame.rsp = peek(cpu, 3 * size, size);
    frame.stack = static_cast<std::uint16_t>(peek(cpu, 4 * size, 2));
    frame.has_stack = true;
  }
  return_to(cpu, frame, 3 * size, 0, size, 3 * size);
  std::uint64_t changeable = always | flag::rf | flag::ac | flag::id;
  if (size == 2) changeable = always;
  const unsigned old_iopl = cpu.other_flags >> 12 & 3;
  if (old_cpl <= old_iopl) changeable |= flag::if_;
  if (old_cpl == 0) changeable |= flag::iopl | (size == 2 ? 0 : flag::vif | flag::vip);
  set_flags(cpu, flags, changeable);
  cpu.rest.nmi_blocked = false;
  mode_changed(cpu);
  LS_LEAVE_SET(cpu, op);
}

// ---- INT ----

// INT1 (ICEBP) counts as an exception: the gate's DPL does not matter.
void software_interrupt(Cpu& cpu, const Op* op, unsigned vector, bool checks_gate = true) {
  Delivery how;
  how.vector = static_cast<std::uint8_t>(vector);
  how.software = checks_gate;
  how.return_rip = next_rip(cpu, op);
  deliver(cpu, how);
  cpu.no_step_trap = true;
}

// INT n in V86 mode with VME: the redirection bitmap may keep it in the task (SDM 3B 20.3).
bool redirected_in_v86(Cpu& cpu, const Op* op, unsigned vector) {
  if (!(cpu.cr4 & cr4::vme)) return false;
  std::uint16_t map = 0;
  read_system(cpu, cpu.segment[tr].base + 0x66, &map, 2);
  const unsigned at = map - 32u + vector / 8;
  if (at > cpu.segment[tr].limit) return false;
  std::uint8_t bits = 0;
  read_system(cpu, cpu.segment[tr].base + at, &bits, 1);
  if (bits >> (vector & 7) & 1) return false;
  std::uint16_t entry[2];
  read_linear(cpu, vector * 4, entry, 4);
  std::uint64_t flags = rflags(cpu);
  const bool full = (cpu.other_flags & flag::iopl) == flag::iopl;
  if (!full) flags = (flags & ~flag::if_) | flag::iopl | (flags & flag::vif ? flag::if_ : 0);
  std::uint64_t sp = cpu.gpr[4];
  put(cpu, sp, flags, 2);
  put(cpu, sp, cpu.segment[cs].selector, 2);
  put(cpu, sp, next_rip(cpu, op), 2);
  commit_sp(cpu, sp);
  cpu.segment[cs] = real_segment(entry[1], cpu.segment[cs], true);
  cpu.rip = entry[0];
  cpu.other_flags &= ~(flag::tf | flag::nt | (full ? flag::if_ : flag::vif));
  mode_changed(cpu);
  return true;
}

void int_n(Cpu& cpu, const Op* op) {
  cpu.op = op;
  const unsigned vector = op->imm & 0xff;
  if (cpu.v86()) {
    if (redirected_in_v86(cpu, op, vector)) LS_LEAVE_SET(cpu, op);
    if ((cpu.other_flags & flag::iopl) != flag::iopl) raise(cpu, Vector::gp, 0);
  }
  software_interrupt(cpu, op, vector);
  if (!cpu.block) LS_LEAVE_TASK(cpu);
  LS_LEAVE_SET(cpu, op);
}
template <unsigned vector>
void int_fixed(Cpu& cpu, const Op* op) {
  cpu.op = op;
  if constexpr (vector == 4) {
    if (!(cpu.flags & flags_of)) LS_LEAVE(cpu, op, next_rip(cpu, op));
  }
  software_interrupt(cpu, op, vector, vector != 1);
  if (!cpu.block) LS_LEAVE_TASK(cpu);
  LS_LEAVE_SET(cpu, op);
}

// ---- SYSCALL and SYSENTER ----

Segment flat_code(unsigned selector, unsigned cpl, bool wide) {
  return {static_cast<std::uint16_t>(selector), 0, 0xffff'ffff, 0x809bu | cpl << 5 | (wide ? attribute::l : attribute::db)};
}
Segment flat_stack(unsigned selector, unsigned cpl) {
  return {static_cast<std::uint16_t>(selector), 0, 0xffff'ffff, 0x8093u | cpl << 5 | attribute::db};
}

void syscall(Cpu& cpu, const Op* op) {
  cpu.op = op;
  if (!(cpu.efer & efer::sce) || !cpu.code64()) raise(cpu, Vector::ud);
  cpu.gpr[1] = next_rip(cpu, op);
  cpu.gpr[11] = rflags(cpu) & ~flag::rf;
  const std::uint64_t now = rflags(cpu) & ~(cpu.rest.fmask | flag::rf);
  set_status_flags(cpu, now);
  cpu.other_flags = (now & ~flag::status) | 2;
  const unsigned selector = cpu.rest.star >> 32 & 0xfffc;
  cpu.cpl = 0;
  cpu.segment[cs] = flat_code(selector, 0, true);
  cpu.segment[ss] = flat_stack(selector + 8, 0);
  cpu.rip = cpu.rest.lstar;
  mode_changed(cpu);
  LS_LEAVE_SET(cpu, op);
}
void sysret(Cpu& cpu, const Op* op) {
  cpu.op = op;
  if (!(cpu.efer & efer::sce) || !cpu.code64()) raise(cpu, Vector::ud);
  if (cpu.cpl != 0) raise(cpu, Vector::gp, 0);
  const bool wide = operand_size(op) == 8;
  if (wide && !canonical(cpu.gpr[1])) raise(cpu, Vector::gp, 0);
  const unsigned selector = cpu.rest.star >> 48 & 0xffff;
  cpu.rip = wide ? cpu.gpr[1] : cpu.gpr[1] & 0xffff'ffff;
  const std::uint64_t now = (cpu.gpr[11] & 0x3c'7fd7) | 2;
  set_status_flags(cpu, now);
  cpu.other_flags = now & ~flag::status;
  cpu.cpl = 3;
  cpu.segment[cs] = flat_code((wide ? selector + 16 : selector) | 3, 3, wide);
  cpu.segment[ss] = flat_stack((selector + 8) | 3, 3);
  mode_changed(cpu);
  LS_LEAVE_SET(cpu, op);
}
void sysenter(Cpu& cpu, const Op* op) {
  cpu.op = op;
  const unsigned selector = cpu.rest.sysenter_cs & 0xfffc;
  if (!cpu.protected_mode() || selector == 0) raise(cpu, Vector::gp, 0);
  cpu.other_flags &= ~(flag::vm | flag::if_ | flag::rf);
  cpu.cpl = 0;
  const bool wide = cpu.long_mode();
  cpu.segment[cs] = flat_code(selector, 0, wide);
  cpu.segment[ss] = flat_stack(selector + 8, 0);
  cpu.gpr[4] = wide ? cpu.rest.sysenter_esp : cpu.rest.sysenter_esp & 0xffff'ffff;
  cpu.rip = wide ? cpu.rest.sysenter_eip : cpu.rest.sysenter_eip & 0xffff'ffff;
  mode_changed(cpu);
  LS_LEAVE_SET(cpu, op);
}
void sysexit(Cpu& cpu, const Op* op) {
  cpu.op = op;
  const unsigned selector = cpu.rest.sysenter_cs & 0xfffc;
  if (!cpu.protected_mode() || selector == 0 || cpu.cpl != 0) raise(cpu, Vector::gp, 0);
  const bool wide = operand_size(op) == 8;
  if (wide && (!canonical(cpu.gpr[2]) || !canonical(cpu.gpr[1]))) raise(cpu, Vector::gp, 0);
  cpu.rip = wide ? cpu.gpr[2] : cpu.gpr[2] & 0xffff'ffff;
  cpu.gpr[4] = wide ? cpu.gpr[1] : cpu.gpr[1] & 0xffff'ffff;
  cpu.cpl = 3;
  cpu.segment[cs] = flat_code((selector + (wide ? 32 : 16)) | 3, 3, wide);
  cpu.segment[ss] = flat_stack((selector + (wide ? 40 : 24)) | 3, 3);
  mode_changed(cpu);
  LS_LEAVE_SET(cpu, op);
}

template <Handler h>
Handler bind_fixed(const Decoded&, Op&) {
  return h;
}

constexpr std::uint32_t far = attr::ends | attr::system;

constexpr Row rows[] = {
    {"call far Ap", Map::one, 0x9a, far | attr::not64, Size::v, Imm::far, bind_fixed<call_far>},
    {"jmp far Ap", Map::one, 0xea, far | attr::not64, Size::v, Imm::far, bind_fixed<jmp_far>},
    {"call far Mp", Map::one, 0xff, far | attr::modrm, Size::v, Imm::none, bind_fixed<call_far>, 0, 3, Prefix::any, Mod::memory},
    {"jmp far Mp", Map::one, 0xff, far | attr::modrm, Size::v, Imm::none, bind_fixed<jmp_far>, 0, 5, Prefix::any, Mod::memory},
    {"retf", Map::one, 0xcb, far, Size::v, Imm::none, bind_fixed<ret_far>},
    {"retf Iw", Map::one, 0xca, far, Size::v, Imm::iw, bind_fixed<ret_far>},
    {"iret", Map::one, 0xcf, far, Size::v, Imm::none, bind_fixed<iret>},
    {"int Ib", Map::one, 0xcd, far, Size::v, Imm::ib, bind_fixed<int_n>},
    {"int3", Map::one, 0xcc, far, Size::v, Imm::none, bind_fixed<int_fixed<3>>},
    {"int1", Map::one, 0xf1, far, Size::v, Imm::none, bind_fixed<int_fixed<1>>},
    {"into", Map::one, 0xce, far | attr::not64, Size::v, Imm::none, bind_fixed<int_fixed<4>>},
    {"syscall", Map::two, 0x05, far, Size::v, Imm::none, bind_fixed<syscall>},
    {"sysret", Map::two, 0x07, far, Size::v, Imm::none, bind_fixed<sysret>},
    {"sysenter", Map::two, 0x34, far, Size::v, Imm::none, bind_fixed<sysenter>},
    {"sysexit", Map::two, 0x35, far, Size::v, Imm::none, bind_fixed<sysexit>},
};

}  // namespace

std::span<const Row> rows_far() { return rows; }

}  // namespace lockstitch::interp

// See segments.h.
#include "vmm/engine/interp/segments.h"

#include "vmm/engine/interp/access.h"
#include "vmm/engine/interp/interp.h"
#include "vmm/engine/interp/paging.h"

namespace lockstitch::interp {

bool find_descriptor(Cpu& cpu, std::uint16_t selector, Descriptor& out) {
  std::uint64_t base = cpu.gdtr.base;
  std::uint32_t limit = cpu.gdtr.limit;
  if (selector & 4) {
    const Segment& table = cpu.segment[ldtr];
    if (table.attributes & attribute::unusable) return false;
    base = table.base;
    limit = table.limit;
  }
  const std::uint32_t offset = selector & ~7u;
  if (offset + 7 > limit) return false;
  out.address = base + offset;
  if (!cpu.long_mode()) out.address &= 0xffff'ffff;
  read_system(cpu, out.address, &out.raw, 8);
  return true;
}

Descriptor read_descriptor(Cpu& cpu, std::uint16_t selector, Vector vector, unsigned external) {
  Descriptor d;
  if (!find_descriptor(cpu, selector, d)) raise(cpu, vector, (selector & 0xfffcu) | external);
  return d;
}

std::uint64_t read_descriptor_high(Cpu& cpu, const Descriptor& descriptor, std::uint16_t selector, Vector vector) {
  const std::uint32_t limit = selector & 4 ? cpu.segment[ldtr].limit : cpu.gdtr.limit;
  if ((selector & ~7u) + 15 > limit) raise(cpu, vector, selector & 0xfffc);
  std::uint64_t high = 0;
  read_system(cpu, descriptor.address + 8, &high, 8);
  if (high >> 40 & 0x1f) raise(cpu, vector, selector & 0xfffc);
  return high & 0xffff'ffff;
}

Segment make_segment(std::uint16_t selector, const Descriptor& d) { return {selector, d.base(), d.limit(), d.attributes()}; }

Segment real_segment(std::uint16_t selector, const Segment& old, bool v86) {
  Segment s = old;
  s.selector = selector;
  s.base = std::uint64_t{selector} << 4;
  if (v86) {
    s.limit = 0xffff;
    s.attributes = 0xf3;
  } else {
    s.attributes &= ~attribute::unusable;
  }
  return s;
}

void set_accessed(Cpu& cpu, Descriptor& d) {
  if (d.raw >> 40 & 1) return;
  d.raw |= 1ull << 40;
  const auto byte = static_cast<std::uint8_t>(d.raw >> 40);
  write_system(cpu, d.address + 5, &byte, 1);
}

Segment checked_stack_segment(Cpu& cpu, std::uint16_t selector, unsigned cpl, Vector vector, unsigned external) {
  const std::uint32_t code = (selector & 0xfffcu) | external;
  if ((selector & 0xfffc) == 0) raise(cpu, vector, external);
  Descriptor d = read_descriptor(cpu, selector, vector, external);
  if ((selector & 3) != cpl || !d.is_segment() || d.is_code() || !d.writable() || d.dpl() != cpl) raise(cpu, vector, code);
  if (!d.present()) raise(cpu, Vector::ss, code);
  set_accessed(cpu, d);
  return make_segment(selector, d);
}

void load_data_segment(Cpu& cpu, unsigned index, std::uint16_t selector, Vector bad) {
  if (cpu.real_or_v86()) {
    cpu.segment[index] = real_segment(selector, cpu.segment[index], cpu.v86());
    mode_changed(cpu);
    return;
  }
  const std::uint32_t code = selector & 0xfffc;
  if (code == 0) {
    if (index == ss && !(cpu.code64() && cpu.cpl < 3 && (selector & 3) == cpu.cpl)) raise(cpu, bad, 0);
    Segment& s = cpu.segment[index];
    s = Segment{selector, 0, 0, attribute::unusable};
    if (index == ss) s.attributes |= cpu.cpl << 5 | attribute::db;
    mode_changed(cpu);
    return;
  }
  if (index == ss) {
    const Segment s = checked_stack_segment(cpu, selector, cpu.cpl, bad);
    cpu.segment[ss] = s;
    mode_changed(cpu);
    return;
  }
  Descriptor d = read_descriptor(cpu, selector, bad);
  if (!d.is_segment() || (d.is_code() && !d.readable())) raise(cpu, bad, code);
  if (!(d.is_code() && d.conforming()) && (d.dpl() < cpu.cpl || d.dpl() < (selector & 3u))) raise(cpu, bad, code);
  if (!d.present()) raise(cpu, Vector::np, code);
  set_accessed(cpu, d);
  cpu.segment[index] = make_segment(selector, d);
  mode_changed(cpu);
}

StackPointer stack_from_tss(Cpu& cpu, unsigned level, unsigned external) {
  const Segment& task = cpu.segment[tr];
  const bool wide = task.attributes & 8;  // 32-bit TSS
  const unsigned at = wide ? 4 + level * 8 : 2 + level * 4;
  if (at + (wide ? 7 : 3) > task.limit) raise(cpu, Vector::ts, (task.selector & 0xfffcu) | external);
  StackPointer sp;
  if (wide) {
    std::uint32_t esp = 0;
    read_system(cpu, task.base + at, &esp, 4);
    read_system(cpu, task.base + at + 4, &sp.selector, 2);
    sp.rsp = esp;
  } else {
    std::uint16_t narrow = 0;
    read_system(cpu, task.base + at, &narrow, 2);
    read_system(cpu, task.base + at + 2, &sp.selector, 2);
    sp.rsp = narrow;
  }
  return sp;
}

std::uint64_t stack_from_tss64(Cpu& cpu, unsigned slot, unsigned external) {
  const Segment& task = cpu.segment[tr];
  const unsigned at = 4 + slot * 8;
  if (at + 7 > task.limit) raise(cpu, Vector::ts, (task.selector & 0xfffcu) | external);
  std::uint64_t rsp = 0;
  read_system(cpu, task.base + at, &rsp, 8);
  if (!canonical(rsp)) raise(cpu, Vector::ss, external);
  return rsp;
}

void drop_inner_segments(Cpu& cpu) {
  for (const unsigned i : {es, ds, fs, gs}) {
    Segment& s = cpu.segment[i];
    if (s.attributes & attribute::unusable) continue;
    const bool code = s.attributes & 8;
    if (code && (s.attributes & 4)) continue;
    if ((s.attributes >> 5 & 3) < cpu.cpl) s = Segment{0, cpu.long_mode() && i >= fs ? s.base : 0, 0, attribute::unusable};
  }
}

void load_ldt(Cpu& cpu, std::uint16_t selector) {
  if ((selector & 0xfffc) == 0) {
    cpu.segment[ldtr] = Segment{selector, 0, 0, attribute::unusable};
    return;
  }
  if (selector & 4) raise(cpu, Vector::gp, selector & 0xfffc);
  const Descriptor d = read_descriptor(cpu, selector, Vector::gp);
  if (d.is_segment() || d.type() != 2) raise(cpu, Vector::gp, selector & 0xfffc);
  if (!d.present()) raise(cpu, Vector::np, selector & 0xfffc);
  Segment s = make_segment(selector, d);
  if (cpu.long_mode()) {
    s.base |= read_descriptor_high(cpu, d, selector, Vector::gp) << 32;
    if (!canonical(s.base)) raise(cpu, Vector::gp, selector & 0xfffc);
  }
  cpu.segment[ldtr] = s;
}

void load_task_register(Cpu& cpu, std::uint16_t selector) {
  if ((selector & 0xfffc) == 0) raise(cpu, Vector::gp, 0);
  if (selector & 4) raise(cpu, Vector::gp, selector & 0xfffc);
  Descriptor d = read_descriptor(cpu, selector, Vector::gp);
  if (d.is_segment() || !(d.type() == 9 || (d.type() == 1 && !cpu.long_mode()))) raise(cpu, Vector::gp, selector & 0xfffc);
  if (!d.present()) raise(cpu, Vector::np, selector & 0xfffc);
  Segment s = make_segment(selector, d);
  if (cpu.long_mode()) {
    s.base |= read_descriptor_high(cpu, d, selector, Vector::gp) << 32;
    if (!canonical(s.base)) raise(cpu, Vector::gp, selector & 0xfffc);
  }
  const auto byte = static_cast<std::uint8_t>((d.raw >> 40 & 0xff) | 2);  // busy
  write_system(cpu, d.address + 5, &byte, 1);
  s.attributes |= 2;
  cpu.segment[tr] = s;
}

FarPointer load_far_pointer(Cpu& cpu, const Op* op) {
  cpu.op = op;
  const unsigned size = operand_size(op);
  const std::uint64_t at = operand_offset(cpu, op);
  FarPointer p;
  read_linear(cpu, linear_for_read(cpu, op->seg, at, size), &p.offset, size);
  read_linear(cpu, linear_for_read(cpu, op->seg, (at + size) & ones(address_size(op)), 2), &p.selector, 2);
  return p;
}

std::uint64_t stack_mask(const Cpu& cpu) {
  if (cpu.code64()) return ~0ull;
  return cpu.mode & mode_stack32 ? 0xffff'ffff : 0xffff;
}

// ---- hardware task switch ----

namespace {

struct TaskImage {
  std::uint32_t cr3 = 0, eip = 0, eflags = 0;
  std::uint32_t gpr[8] = {};
  std::uint16_t segment[6] = {};
  std::uint16_t ldt = 0;
  bool trap = false;
};

void save_task(Cpu& cpu, std::uint64_t rip, std::uint64_t flags) {
  const Segment& task = cpu.segment[tr];
  if (task.attributes & 8) {
    const std::uint32_t head[2] = {static_cast<std::uint32_t>(rip), static_cast<std::uint32_t>(flags)};
    write_system(cpu, task.base + 0x20, head, 8);
    for (unsigned i = 0; i < 8; ++i) write_system(cpu, task.base + 0x28 + 4 * i, &cpu.gpr[i], 4);
    for (unsigned i = 0; i < 6; ++i) write_system(cpu, task.base + 0x48 + 4 * i, &cpu.segment[i].selector, 2);
  } else {
    const std::uint16_t head[2] = {static_cast<std::uint16_t>(rip), static_cast<std::uint16_t>(flags)};
    write_system(cpu, task.base + 0x0e, head, 4);
    for (unsigned i = 0; i < 8; ++i) write_system(cpu, task.base + 0x12 + 2 * i, &cpu.gpr[i], 2);
    for (unsigned i = 0; i < 4; ++i) write_system(cpu, task.base + 0x22 + 2 * i, &cpu.segment[i].selector, 2);
  }
}

TaskImage read_task(Cpu& cpu, const Segment& task) {
  TaskImage t;
  if (task.attributes & 8) {
    read_system(cpu, task.base + 0x1c, &t.cr3, 4);
    read_system(cpu, task.base + 0x20, &t.eip, 4);
    read_system(cpu, task.base + 0x24, &t.eflags, 4);
    for (unsigned i = 0; i < 8; ++i) read_system(cpu, task.base + 0x28 + 4 * i, &t.gpr[i], 4);
    for (unsigned i = 0; i < 6; ++i) read_system(cpu, task.base + 0x48 + 4 * i, &t.segment[i], 2);
    read_system(cpu, task.base + 0x60, &t.ldt, 2);
    std::uint16_t trap = 0;
    read_system(cpu, task.base + 0x64, &trap, 2);
    t.trap = trap & 1;
  } else {
    read_system(cpu, task.base + 0x0e, &t.eip, 2);
    read_system(cpu, task.base + 0x10, &t.eflags, 2);
    for (unsigned i = 0; i < 8; ++i) read_system(cpu, task.base + 0x12 + 2 * i, &t.gpr[i], 2);
    for (unsigned i = 0; i < 4; ++i) read_system(cpu, task.base + 0x22 + 2 * i, &t.segment[i], 2);
    read_system(cpu, task.base + 0x2a, &t.ldt, 2);
    for (auto& g : t.gpr) g |= 0xffff'0000;
  }
  return t;
}

void set_busy(Cpu& cpu, std::uint16_t selector, bool busy) {
  const std::uint64_t at = cpu.gdtr.base + (selector & ~7u) + 5;
  std::uint8_t type = 0;
  read_system(cpu, at, &type, 1);
  type = static_cast<std::uint8_t>(busy ? type | 2 : type & ~2);
  write_system(cpu, at, &type, 1);
}

}  // namespace

void switch_task(Cpu& cpu, std::uint16_t selector, TaskSwitch how, std::uint64_t return_rip, bool has_error, std::uint32_t error,
                 unsigned external) {
  const Vector bad = how == TaskSwitch::iret ? Vector::ts : Vector::gp;
  const std::uint32_t code = (selector & 0xfffcu) | external;
  if (selector & 4) raise(cpu, bad, code);
  const Descriptor d = read_descriptor(cpu, selector, bad, external);
  const unsigned wanted = how == TaskSwitch::iret ? 3 : 1;  // busy or available; bit 3 tells 32 from 16 bits
  if (d.is_segment() || (d.type() & 7) != wanted) raise(cpu, bad, code);
  if (!d.present()) raise(cpu, Vector::np, code);
  const bool wide = d.type() & 8;
  if (d.limit() < (wide ? 0x67u : 0x2bu)) raise(cpu, Vector::ts, code);

  Segment next = make_segment(selector, d);
  const std::uint16_t old_selector = cpu.segment[tr].selector;
  std::uint64_t old_flags = rflags(cpu);
  if (how == TaskSwitch::iret) old_flags &= ~flag::nt;
  const TaskImage image = read_task(cpu, next);
  save_task(cpu, return_rip, old_flags);
  if (how == TaskSwitch::jump || how == TaskSwitch::iret) set_busy(cpu, old_selector, false);
  if (how != TaskSwitch::iret) set_busy(cpu, selector, true);
  std::uint64_t flags = image.eflags;
  if (how == TaskSwitch::call || how == TaskSwitch::gate) {
    write_system(cpu, next.base, &old_selector, 2);
    flags |= flag::nt;
  }
  next.attributes |= 2;
  cpu.segment[tr] = next;
  cpu.cr0 |= cr0::ts;
  if (wide && (cpu.cr0 & cr0::pg)) cpu.cr3 = image.cr3;
  for (unsigned i = 0; i < 8; ++i) cpu.gpr[i] = image.gpr[i];
  set_status_flags(cpu, flags);
  cpu.other_flags = (flags & 0x3f'7fd5 & ~flag::status) | 2;
  cpu.rip = image.eip;
  cpu.dr[7] &= ~0x155ull;
  // From here on faults belong to the new task, with its EIP: the block is over.
  cpu.block = nullptr;
  cpu.in_new_task = true;
  for (unsigned i = 0; i < 6; ++i) cpu.segment[i] = Segment{image.segment[i], 0, 0, attribute::unusable};
  cpu.segment[ldtr] = Segment{image.ldt, 0, 0, attribute::unusable};
  if (flags & flag::vm) {
    cpu.cpl = 3;
    for (unsigned i = 0; i < 6; ++i) cpu.segment[i] = real_segment(image.segment[i], cpu.segment[i], true);
    mode_changed(cpu);
  } else {
    cpu.cpl = image.segment[cs] & 3;
    cpu.paging->select();
    if ((image.ldt & 0xfffc) != 0) {
      if (image.ldt & 4) raise(cpu, Vector::ts, image.ldt & 0xfffc);
      const Descriptor ldt = read_descriptor(cpu, image.ldt, Vector::ts);
      if (ldt.is_segment() || ldt.type() != 2 || !ldt.present()) raise(cpu, Vector::ts, image.ldt & 0xfffc);
      cpu.segment[ldtr] = make_segment(image.ldt, ldt);
    }
    const std::uint16_t code_selector = image.segment[cs];
    Descriptor code_d = read_descriptor(cpu, code_selector, Vector::ts);
    if (!code_d.is_code() || (!code_d.conforming() && code_d.dpl() != cpu.cpl)) raise(cpu, Vector::ts, code_selector & 0xfffc);
    if (!code_d.present()) raise(cpu, Vector::np, code_selector & 0xfffc);
    set_accessed(cpu, code_d);
    const Segment stack = checked_stack_segment(cpu, image.segment[ss], cpu.cpl, Vector::ts);
    cpu.segment[cs] = make_segment(code_selector, code_d);
    cpu.segment[ss] = stack;
    mode_changed(cpu);
    for (const unsigned i : {es, ds, fs, gs})
      if ((image.segment[i] & 0xfffc) != 0) load_data_segment(cpu, i, image.segment[i], Vector::ts);
  }
  if (has_error) {
    const unsigned bytes = wide ? 4 : 2;
    const std::uint64_t mask = stack_mask(cpu);
    const std::uint64_t sp = (cpu.gpr[4] - bytes) & mask;
    write_linear(cpu, linear_for_write(cpu, ss, sp, bytes), &error, bytes);
    cpu.gpr[4] = (cpu.gpr[4] & ~mask) | sp;
  }
  cpu.in_new_task = false;
  if (image.trap) cpu.debug_status |= debug_task_switch;
}

}  // namespace lockstitch::interp

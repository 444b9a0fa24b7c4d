// See delivery.h.
#include "vmm/engine/interp/delivery.h"

#include "vmm/engine/interp/access.h"
#include "vmm/engine/interp/interp.h"
#include "vmm/engine/interp/segments.h"

namespace lockstitch::interp {
namespace {

// A stack that is being built: pushes go to memory at once, RSP is committed by the caller.
class Frame {
 public:
  Frame(Cpu& cpu, const Segment& stack, std::uint64_t rsp, std::uint64_t mask, unsigned width, unsigned cpl)
      : cpu_(cpu), stack_(stack), rsp_(rsp), mask_(mask), width_(width), cpl_(cpl) {}

  void push(std::uint64_t value) {
    const std::uint64_t sp = (rsp_ - width_) & mask_;
    if (width_ != 8 && sp + width_ - 1 > stack_.limit && !(stack_.attributes & 4)) raise(cpu_, Vector::ss, 0);
    const std::uint64_t linear = width_ == 8 ? sp : (stack_.base + sp) & 0xffff'ffff;
    write_stack_as(cpu_, linear, &value, width_, cpl_);
    rsp_ = (rsp_ & ~mask_) | sp;
  }
  std::uint64_t rsp() const { return rsp_; }

 private:
  Cpu& cpu_;
  const Segment& stack_;
  std::uint64_t rsp_, mask_;
  unsigned width_, cpl_;
};

constexpr std::uint64_t cleared_on_entry = flag::tf | flag::nt | flag::rf | flag::vm;

void deliver_real(Cpu& cpu, const Delivery& how) {
  if (how.vector * 4u + 3 > cpu.idtr.limit) raise(cpu, Vector::gp, 0);
  std::uint16_t entry[2];
  read_system(cpu, cpu.idtr.base + how.vector * 4u, entry, 4);
  Frame frame(cpu, cpu.segment[ss], cpu.gpr[4], 0xffff, 2, 0);
  frame.push(rflags(cpu) & 0xffff);
  frame.push(cpu.segment[cs].selector);
  frame.push(how.return_rip & 0xffff);
  cpu.gpr[4] = frame.rsp();
  cpu.segment[cs] = real_segment(entry[1], cpu.segment[cs], false);
  cpu.rip = entry[0];
  cpu.other_flags &= ~(flag::tf | flag::if_ | flag::ac | flag::rf);
  mode_changed(cpu);
}

void deliver_long(Cpu& cpu, const Delivery& how) {
  const unsigned ext = how.software ? 0 : 1;
  const std::uint32_t idt_code = how.vector * 8u + 2 + ext;
  if (how.vector * 16u + 15 > cpu.idtr.limit) raise(cpu, Vector::gp, idt_code);
  std::uint64_t gate[2];
  read_system(cpu, cpu.idtr.base + how.vector * 16u, gate, 8);
  read_system(cpu, cpu.idtr.base + how.vector * 16u + 8, gate + 1, 8);
  const unsigned type = gate[0] >> 40 & 0x1f;
  if (type != 14 && type != 15) raise(cpu, Vector::gp, idt_code);
  if (how.software && (gate[0] >> 45 & 3) < cpu.cpl) raise(cpu, Vector::gp, idt_code);
  if (!(gate[0] >> 47 & 1)) raise(cpu, Vector::np, idt_code);
  const auto selector = static_cast<std::uint16_t>(gate[0] >> 16);
  const std::uint64_t target = (gate[0] & 0xffff) | (gate[0] >> 32 & 0xffff'0000) | gate[1] << 32;
  if ((selector & 0xfffc) == 0) raise(cpu, Vector::gp, ext);
  Descriptor code = read_descriptor(cpu, selector, Vector::gp, ext);
  const std::uint32_t selector_code = (selector & 0xfffcu) | ext;
  if (!code.is_code() || code.dpl() > cpu.cpl || !code.long_code() || code.big()) raise(cpu, Vector::gp, selector_code);
  if (!code.present()) raise(cpu, Vector::np, selector_code);
  const unsigned cpl = code.conforming() ? cpu.cpl : code.dpl();
  const unsigned ist = gate[0] >> 32 & 7;
  std::uint64_t rsp = cpu.gpr[4];
  if (ist)
    rsp = stack_from_tss64(cpu, ist + 3, ext);
  else if (cpl != cpu.cpl)
    rsp = stack_from_tss64(cpu, cpl, ext);
  if (!canonical(target)) raise(cpu, Vector::gp, ext);
  rsp &= ~15ull;
  if (!canonical(rsp) || !canonical(rsp - 48)) raise(cpu, Vector::ss, ext);
  set_accessed(cpu, code);
  Frame frame(cpu, cpu.segment[ss], rsp, ~0ull, 8, cpl);
  frame.push(cpu.segment[ss].selector);
  frame.push(cpu.gpr[4]);
  frame.push(rflags(cpu) | (how.fault ? flag::rf : 0));
  frame.push(cpu.segment[cs].selector);
  frame.push(how.return_rip);
  if (how.has_code) frame.push(how.code);
  cpu.gpr[4] = frame.rsp();
  if (cpl != cpu.cpl) cpu.segment[ss] = Segment{static_cast<std::uint16_t>(cpl), 0, 0, attribute::unusable | cpl << 5 | attribute::db};
  cpu.segment[cs] = make_segment(static_cast<std::uint16_t>((selector & ~3) | cpl), code);
  cpu.cpl = cpl;
  cpu.rip = target;
  cpu.other_flags &= ~cleared_on_entry;
  if (type == 14) cpu.other_flags &= ~flag::if_;
  mode_changed(cpu);
}

void deliver_protected(Cpu& cpu, const Delivery& how) {
  const unsigned ext = how.software ? 0 : 1;
  const std::uint32_t idt_code = how.vector * 8u + 2 + ext;
  if (how.vector * 8u + 7 > cpu.idtr.limit) raise(cpu, Vector::gp, idt_code);
  std::uint64_t gate = 0;
  read_system(cpu, cpu.idtr.base + how.vector * 8u, &gate, 8);
  const unsigned type = gate >> 40 & 0x1f;
  if (type != 5 && type != 6 && type != 7 && type != 14 && type != 15) raise(cpu, Vector::gp, idt_code);
  if (how.software && (gate >> 45 & 3) < cpu.cpl) raise(cpu, Vector::gp, idt_code);
  if (!(gate >> 47 & 1)) raise(cpu, Vector::np, idt_code);
  const auto selector = static_cast<std::uint16_t>(gate >> 16);
  if (type == 5) {
    switch_task(cpu, selector, TaskSwitch::gate, how.return_rip, how.has_code, how.code, ext);
    return;
  }
  const unsigned width = type & 8 ? 4 : 2;
  const std::uint64_t target = (gate & 0xffff) | (width == 4 ? gate >> 32 & 0xffff'0000 : 0);
  if ((selector & 0xfffc) == 0) raise(cpu, Vector::gp, ext);
  Descriptor code = read_descriptor(cpu, selector, Vector::gp, ext);
  const std::uint32_t selector_code = (selector & 0xfffcu) | ext;
  if (!code.is_code() || code.dpl() > cpu.cpl) raise(cpu, Vector::gp, selector_code);
  if (!code.present()) raise(cpu, Vector::np, selector_code);
  const bool from_v86 = cpu.v86();
  const unsigned cpl = code.conforming() ? cpu.cpl : code.dpl();
  if (from_v86 && cpl != 0) raise(cpu, Vector::gp, selector_code);
  const std::uint64_t flags = rflags(cpu) | (how.fault ? flag::rf : 0);

  Segment stack = cpu.segment[ss];
  std::uint64_t rsp = cpu.gpr[4];
  if (cpl != cpu.cpl) {
    const StackPointer inner = stack_from_tss(cpu, cpl, ext);
    stack = checked_stack_segment(cpu, inner.selector, cpl, Vector::ts, ext);
    rsp = inner.rsp;
  }
  const std::uint64_t mask = stack.attributes & attribute::db ? 0xffff'ffff : 0xffff;
  if (target > code.limit()) raise(cpu, Vector::gp, ext);
  set_accessed(cpu, code);
  Frame frame(cpu, stack, rsp, mask, width, cpl);
  if (from_v86)
    for (const unsigned i : {gs, fs, ds, es}) frame.push(cpu.segment[i].selector);
  if (cpl != cpu.cpl) {
    frame.push(cpu.segment[ss].selector);
    frame.push(cpu.gpr[4]);
  }
  frame.push(flags);
  frame.push(cpu.segment[cs].selector);
  frame.push(how.return_rip);
  if (how.has_code) frame.push(how.code);
  cpu.gpr[4] = frame.rsp();
  if (from_v86)
    for (const unsigned i : {gs, fs, ds, es}) cpu.segment[i] = Segment{0, 0, 0, attribute::unusable};
  cpu.segment[ss] = stack;
  cpu.segment[cs] = make_segment(static_cast<std::uint16_t>((selector & ~3) | cpl), code);
  cpu.cpl = cpl;
  cpu.rip = target;
  cpu.other_flags &= ~cleared_on_entry;
  if (type == 6 || type == 14) cpu.other_flags &= ~flag::if_;
  mode_changed(cpu);
}

}  // namespace

void deliver(Cpu& cpu, const Delivery& how) {
  if (!cpu.protected_mode())
    deliver_real(cpu, how);
  else if (cpu.long_mode())
    deliver_long(cpu, how);
  else
    deliver_protected(cpu, how);
}

}  // namespace lockstitch::interp

// A CPU for tests of the loop: an Engine that executes a list of ops, one tick each, with interrupts, NMIs, HLT,
// shadows, faults that retire nothing, and instructions with several accesses. All its state is in CpuState.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "lockstitch/engine.h"

namespace lockstitch::toy {

enum class OpKind : std::uint8_t {
  nop,
  in,       ///< acc = port a (width 4)
  out,      ///< port a = b
  out_acc,  ///< port a = acc
  load,     ///< acc = memory-mapped a (width 4)
  store,    ///< memory-mapped a = b
  copy,     ///< port b = memory-mapped a, in one instruction
  clock,    ///< acc += virtual ns
  sti,      ///< with a shadow of one instruction
  cli,
  hlt,
  jump,         ///< pc = a
  jump_odd,     ///< pc = a if acc is odd
  fault,        ///< retires nothing: pc = a, interrupts on, as through a trap gate; the next time it is a nop
  touch_fault,  ///< port b = 1 and then as fault
  triple_fault,
  read_msr,      ///< acc = MSR a; a fault makes acc = bad
  write_msr,     ///< MSR a = b
  set_priority,  ///< CR8 = a
  iret,
  iret_nmi,
};

struct Op {
  OpKind kind = OpKind::nop;
  std::uint64_t a = 0;
  std::uint64_t b = 0;
};

inline constexpr std::uint64_t bad = 0xbad;

struct Program {
  std::vector<Op> ops;
  std::uint64_t interrupt_handler = 0;
  std::uint64_t nmi_handler = 0;
};

/// What the engine was told, for exact expectations.
struct Delivery {
  std::uint64_t tick = 0;
  bool nmi = false;
  std::uint8_t vector = 0;
  friend bool operator==(const Delivery&, const Delivery&) = default;
};

class ToyEngine final : public Engine {
 public:
  explicit ToyEngine(Program program) : program_(std::move(program)) {}

  EngineTraits traits() const override { return {"toy", TickUnit::instruction, true, true, true, true, true}; }

  Exit run(const RunRequest& request, ExitDoor& door) override {
    ++runs;
    tick_ = request.start;
    bound_ = request.bound;
    if (request.nmi) deliver(true, 2);
    if (request.interrupt) deliver(false, *request.interrupt);
    for (;;) {
      if (request.want_window && accepts_interrupt()) return end(ExitKind::interrupt_window);
      if (tick_ >= bound_) return end(ExitKind::bound);
      const Activity before = cpu_.activity;
      execute(request, door);
      if (cpu_.activity == Activity::shutdown) return end(ExitKind::shutdown);
      if (cpu_.activity == Activity::halted && before == Activity::running) return end(ExitKind::halted);
    }
  }

  bool accepts_interrupt() const override { return (cpu_.rflags & interrupt_flag) != 0 && !cpu_.interrupt_shadow; }
  bool accepts_nmi() const override { return !cpu_.nmi_blocked && !cpu_.interrupt_shadow; }
  Activity activity() const override { return cpu_.activity; }
  void wake() override { cpu_.activity = Activity::running; }
  void set_state(const CpuState& state) override { cpu_ = state; }
  CpuState state() const override { return cpu_; }
  void drop_caches() override { ++drops; }
  void memory_written(Gpa, std::uint64_t) override { ++writes_told; }
  void memory_remapped() override { ++remaps_told; }
  void dirty_cleared() override { ++clears_told; }

  std::vector<Delivery> deliveries;
  unsigned runs = 0;
  unsigned drops = 0;
  unsigned writes_told = 0;
  unsigned remaps_told = 0;
  unsigned clears_told = 0;

  static CpuState start_state() {
    CpuState cpu;
    cpu.rip = 0;
    return cpu;
  }

 private:
  static constexpr std::uint64_t interrupt_flag = 0x200;
  // Register use.
  enum : unsigned { acc = 0, irq_pc = 1, irq_flags = 2, nmi_pc = 3, nmi_flags = 6, fault_taken = 7 };

  Exit end(ExitKind kind) const { return {kind, 0, 0, 0, tick_}; }

  void deliver(bool nmi, std::uint8_t vector) {
    deliveries.push_back({tick_.value, nmi, vector});
    cpu_.gpr[nmi ? nmi_pc : irq_pc] = cpu_.rip;
    cpu_.gpr[nmi ? nmi_flags : irq_flags] = cpu_.rflags;
    cpu_.rflags &= ~interrupt_flag;
    cpu_.rip = nmi ? program_.nmi_handler : program_.interrupt_handler;
    if (nmi) cpu_.nmi_blocked = true;
  }

  std::uint64_t ask(ExitDoor& door, ExitKind kind, std::uint64_t address, std::uint64_t value, bool* fault = nullptr) {
    const ExitReply reply = door.leave({kind, 4, address, value, tick_});
    bound_ = reply.bound;
    if (fault != nullptr) *fault = reply.fault;
    return reply.value;
  }

  void execute(const RunRequest& request, ExitDoor& door) {
    const Op op = program_.ops.at(cpu_.rip);
    std::uint64_t next = cpu_.rip + 1;
    bool shadow = false;
    bool fault = false;
    switch (op.kind) {
      case OpKind::nop:
        break;
      case OpKind::in:
        cpu_.gpr[acc] = ask(door, ExitKind::port_read, op.a, 0);
        break;
      case OpKind::out:
        ask(door, ExitKind::port_write, op.a, op.b);
        break;
      case OpKind::out_acc:
        ask(door, ExitKind::port_write, op.a, cpu_.gpr[acc] & 0xffff'ffff);
        break;
      case OpKind::load:
        cpu_.gpr[acc] = ask(door, ExitKind::memory_read, op.a, 0);
        break;
      case OpKind::store:
        ask(door, ExitKind::memory_write, op.a, op.b);
        break;
      case OpKind::copy:
        cpu_.gpr[acc] = ask(door, ExitKind::memory_read, op.a, 0);
        ask(door, ExitKind::port_write, op.b, cpu_.gpr[acc]);
        break;
      case OpKind::clock:
        cpu_.gpr[acc] += request.clock.at(tick_).value;
        break;
      case OpKind::sti:
        shadow = (cpu_.rflags & interrupt_flag) == 0;
        cpu_.rflags |= interrupt_flag;
        break;
      case OpKind::cli:
        cpu_.rflags &= ~interrupt_flag;
        break;
      case OpKind::hlt:
        cpu_.activity = Activity::halted;
        break;
      case OpKind::jump:
        next = op.a;
        break;
      case OpKind::jump_odd:
        if ((cpu_.gpr[acc] & 1) != 0) next = op.a;
        break;
      case OpKind::touch_fault:
      case OpKind::fault:
        cpu_.gpr[fault_taken] ^= 1;
        if ((cpu_.gpr[fault_taken] & 1) == 0) break;
        if (op.kind == OpKind::touch_fault) ask(door, ExitKind::port_write, op.b, 1);
        cpu_.rip = op.a;
        cpu_.rflags |= interrupt_flag;
        cpu_.interrupt_shadow = false;
        return;
      case OpKind::triple_fault:
        cpu_.activity = Activity::shutdown;
        return;
      case OpKind::read_msr:
        cpu_.gpr[acc] = ask(door, ExitKind::msr_read, op.a, 0, &fault);
        if (fault) cpu_.gpr[acc] = bad;
        break;
      case OpKind::write_msr:
        ask(door, ExitKind::msr_write, op.a, op.b);
        break;
      case OpKind::set_priority:
        ask(door, ExitKind::priority_write, 0, op.a);
        break;
      case OpKind::iret:
        next = cpu_.gpr[irq_pc];
        cpu_.rflags = cpu_.gpr[irq_flags];
        break;
      case OpKind::iret_nmi:
        next = cpu_.gpr[nmi_pc];
        cpu_.rflags = cpu_.gpr[nmi_flags];
        cpu_.nmi_blocked = false;
        break;
    }
    cpu_.rip = next;
    cpu_.interrupt_shadow = shadow;
    tick_ = tick_ + 1;
  }

  Program program_;
  CpuState cpu_ = start_state();
  Tick tick_;
  Tick bound_;
};

}  // namespace lockstitch::toy

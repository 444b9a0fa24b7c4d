// See vcpu.h.
#include "vmm/machine/vcpu.h"

#include "lockstitch/assert.h"

namespace lockstitch {

// The messages through the fiber: RunRequest or ExitReply inwards, Exit outwards. Each is copied by its receiver, for
// its sender may leave the scope with the next switch.
Vcpu::Vcpu(std::unique_ptr<Engine> engine)
    : engine_(std::move(engine)), fiber_([this](Fiber& self, void* message) {
        for (;;) {
          const RunRequest request = *static_cast<const RunRequest*>(message);  // outlives the first exit
          Exit exit = engine_->run(request, *this);
          message = self.suspend(&exit);
        }
      }) {
  LS_ASSERT(engine_ != nullptr);
}

Exit Vcpu::resume(const RunRequest& request) {
  LS_ASSERT(!mid_instruction_);
  LS_ASSERT_CMP(request.start.value, <, request.bound.value);
  return *static_cast<const Exit*>(fiber_.resume(const_cast<RunRequest*>(&request)));
}

Exit Vcpu::reply(const ExitReply& reply) {
  LS_ASSERT(mid_instruction_);
  return *static_cast<const Exit*>(fiber_.resume(const_cast<ExitReply*>(&reply)));
}

ExitReply Vcpu::leave(const Exit& exit) {
  mid_instruction_ = true;
  const ExitReply reply = *static_cast<const ExitReply*>(fiber_.suspend(const_cast<Exit*>(&exit)));
  mid_instruction_ = false;
  return reply;
}

CpuState Vcpu::state() const {
  LS_ASSERT(!mid_instruction_);
  return engine_->state();
}

void Vcpu::set_state(const CpuState& state) {
  LS_ASSERT(!mid_instruction_);
  engine_->set_state(state);
}

void Vcpu::set_watched(const WatchSet& set) {
  LS_ASSERT(!mid_instruction_);
  engine_->set_watched(set);
}

void Vcpu::init() {
  constexpr std::uint64_t cache_control = 0x6000'0000;  // CD and NW
  const CpuState old = state();
  const CpuState fresh = cpu_at_reset();
  CpuState cpu = old;
  cpu.gpr = fresh.gpr;
  cpu.rip = fresh.rip;
  cpu.rflags = fresh.rflags;
  cpu.segment = fresh.segment;
  cpu.gdtr = fresh.gdtr;
  cpu.idtr = fresh.idtr;
  cpu.cr0 = (fresh.cr0 & ~cache_control) | (old.cr0 & cache_control);
  cpu.cr2 = cpu.cr3 = cpu.cr4 = 0;
  cpu.dr = fresh.dr;
  cpu.efer = 0;
  cpu.debug_control = 0;
  cpu.activity = Activity::running;
  cpu.interrupt_shadow = cpu.nmi_blocked = cpu.nmi_pending = false;
  set_state(cpu);
}

void Vcpu::startup(std::uint8_t vector) {
  if (activity() != Activity::wait_for_startup) return;
  CpuState cpu = state();
  Segment& code = cpu.segment[unsigned(SegmentName::cs)];
  code.selector = static_cast<std::uint16_t>(vector << 8);
  code.base = std::uint64_t{vector} << 12;
  cpu.rip = 0;
  cpu.activity = Activity::running;
  set_state(cpu);
}

void Vcpu::visit(StateVisitor& visitor) {
  CpuState cpu = state();
  cpu.visit(visitor);
  if (!visitor.loading()) return;
  if (cpu.activity > Activity::shutdown) {
    visitor.fail("no such CPU activity");
    return;
  }
  set_state(cpu);
}

}  // namespace lockstitch

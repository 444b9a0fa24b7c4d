// Claims about the CPU on its fiber.
#include "vmm/machine/vcpu.h"

#include <doctest/doctest.h>

#include "tests/unit/machine/toy_engine.h"
#include "vmm/machine/state_reader.h"
#include "vmm/machine/state_writer.h"

using namespace lockstitch;
using toy::OpKind;

namespace {

RunRequest run_to(std::uint64_t start, std::uint64_t bound) {
  RunRequest request;
  request.start = {start};
  request.bound = {bound};
  return request;
}

std::unique_ptr<toy::ToyEngine> engine_with(std::vector<toy::Op> ops) {
  return std::make_unique<toy::ToyEngine>(toy::Program{std::move(ops), 0, 0});
}

}  // namespace

TEST_CASE("an instruction stops at each access and goes on with the answer and the new bound") {
  Vcpu cpu(engine_with({{OpKind::nop}, {OpKind::copy, 0x1000, 0x80}, {OpKind::nop}, {OpKind::jump, 2}}));
  Exit exit = cpu.resume(run_to(0, 100));
  CHECK(cpu.mid_instruction());
  CHECK(exit.kind == ExitKind::memory_read);
  CHECK(exit.address == 0x1000);
  CHECK(exit.tick == Tick{1});
  exit = cpu.reply({0x1234, false, {100}});
  CHECK(cpu.mid_instruction());
  CHECK(exit.kind == ExitKind::port_write);
  CHECK(exit.value == 0x1234);
  CHECK(exit.tick == Tick{1});
  exit = cpu.reply({0, false, {3}});
  CHECK(!cpu.mid_instruction());
  CHECK(exit.kind == ExitKind::bound);
  CHECK(exit.tick == Tick{3});
}

TEST_CASE("a CPU may be destroyed in mid-instruction") {
  Vcpu cpu(engine_with({{OpKind::in, 0x60}}));
  cpu.resume(run_to(0, 10));
  CHECK(cpu.mid_instruction());
}

TEST_CASE("CPU state survives save and load, and an impossible activity is refused") {
  Vcpu cpu(engine_with({{OpKind::sti}, {OpKind::jump, 0}}));
  cpu.resume(run_to(0, 1));
  CpuState state = cpu.state();
  CHECK(state.interrupt_shadow);
  state.activity = Activity::halted;
  cpu.set_state(state);
  const auto saved = save_state(cpu);
  Vcpu other(engine_with({{OpKind::nop}}));
  REQUIRE(load_state(other, saved).ok());
  CHECK(save_state(other) == saved);
  CHECK(other.activity() == Activity::halted);

  state.activity = static_cast<Activity>(9);
  cpu.set_state(state);
  CHECK(!load_state(other, save_state(cpu)).ok());
}

TEST_CASE("INIT resets what INIT resets") {
  Vcpu cpu(engine_with({{OpKind::nop}}));
  CpuState state = cpu_at_reset();
  state.cr0 = 0xe000'0011;
  state.efer = 0x500;
  state.gpr[3] = 7;
  state.tsc_offset = 99;
  state.xmm[1][0] = 5;
  state.activity = Activity::halted;
  cpu.set_state(state);
  cpu.init();
  state = cpu.state();
  CHECK(state.cr0 == 0x6000'0010);
  CHECK(state.efer == 0);
  CHECK(state.gpr[3] == 0);
  CHECK(state.rip == 0xfff0);
  CHECK(state.tsc_offset == 99);
  CHECK(state.xmm[1][0] == 5);
  CHECK(state.activity == Activity::running);
}

TEST_CASE("a startup IPI counts only for a CPU that waits for it") {
  Vcpu cpu(engine_with({{OpKind::nop}}));
  CpuState state = cpu_at_reset();
  cpu.set_state(state);
  cpu.startup(0x9f);
  CHECK(cpu.state().rip == 0xfff0);
  state.activity = Activity::wait_for_startup;
  cpu.set_state(state);
  cpu.startup(0x9f);
  state = cpu.state();
  CHECK(state.activity == Activity::running);
  CHECK(state.rip == 0);
  CHECK(state.segment[unsigned(SegmentName::cs)].selector == 0x9f00);
  CHECK(state.segment[unsigned(SegmentName::cs)].base == 0x9'f000);
}

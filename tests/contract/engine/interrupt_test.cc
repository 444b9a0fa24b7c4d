// When interrupts and NMIs are accepted, how they are delivered, and the window that a run may wait for.
#include "tests/contract/engine/long_mode_rig.h"

namespace lockstitch::test {
namespace {

using enum Gpr;

constexpr std::uint8_t vector = 0x41;

RunRequest with_interrupt() {
  RunRequest request;
  request.interrupt = vector;
  return request;
}
RunRequest with_nmi() {
  RunRequest request;
  request.nmi = true;
  return request;
}
RunRequest with_window() {
  RunRequest request;
  request.want_window = true;
  return request;
}

void set_interrupts(LongModeRig& rig, bool on) {
  rig.change([on](CpuState& s) { s.rflags = on ? 0x202 : 0x2; });
}

// Copies the frame to place::results, reports to a port and returns. Loses RCX, RSI, RDI.
GuestCode reporting_handler(std::uint8_t port) {
  return GuestCode()
      .raw({0x48, 0x89, 0xe6})  // mov rsi, rsp
      .raw({0xbf})
      .number(place::results, 4)  // mov edi, results
      .raw({0xb9})
      .number(5, 4)                   // mov ecx, 5
      .raw({0xfc, 0xf3, 0x48, 0xa5})  // cld; rep movsq
      .out(port)
      .iretq();
}

Frame reported_frame(const LongModeRig& rig) {
  Frame frame;
  frame.rip = rig.memory.number(place::results);
  frame.cs = rig.memory.number(place::results + 8);
  frame.rflags = rig.memory.number(place::results + 16);
  frame.rsp = rig.memory.number(place::results + 24);
  frame.ss = rig.memory.number(place::results + 32);
  return frame;
}

}  // namespace

TEST_CASE("interrupts are accepted with IF set and not without") {
  for_each_engine([](const EngineUnderTest& kind) {
    LongModeRig rig(kind);
    CHECK_FALSE(rig.engine->accepts_interrupt());
    CHECK(rig.engine->accepts_nmi());
    set_interrupts(rig, true);
    CHECK(rig.engine->accepts_interrupt());
    set_interrupts(rig, false);
    CHECK_FALSE(rig.engine->accepts_interrupt());

    rig.put_code(GuestCode().raw({0xfb, 0x90}).hlt().raw({0xfa}).hlt());  // sti; nop; hlt; cli; hlt
    rig.run_until(ExitKind::halted);
    CHECK(rig.engine->accepts_interrupt());
    CHECK(rig.engine->accepts_nmi());
    rig.go_to(place::code + 3);
    rig.run_until(ExitKind::halted);
    CHECK_FALSE(rig.engine->accepts_interrupt());
    CHECK(rig.engine->accepts_nmi());
  });
}

TEST_CASE("the shadow of STI holds interrupts off for one instruction") {
  for_each_engine([](const EngineUnderTest& kind) {
    if (kind.ticks != TickUnit::instruction) return;
    LongModeRig rig(kind);
    rig.put_code(GuestCode().raw({0xfb, 0x90, 0x90}).hlt());  // sti; nop; nop; hlt
    rig.run(1);
    CHECK(rig.engine->state().interrupt_shadow);
    CHECK_FALSE(rig.engine->accepts_interrupt());
    // It is state: a CPU that is loaded there stands in it.
    const CpuState s = rig.engine->state();
    rig.engine->set_state(s);
    CHECK_FALSE(rig.engine->accepts_interrupt());
    rig.run(1);
    CHECK(rig.engine->accepts_interrupt());
    CHECK_FALSE(rig.engine->state().interrupt_shadow);
  });
}

TEST_CASE("an interrupt ends HLT, is delivered through the IDT, and IRET returns") {
  for_each_engine([](const EngineUnderTest& kind) {
    LongModeRig rig(kind);
    const GuestCode code = GuestCode().raw({0xfb}).hlt().out(0x10).raw({0xfa}).hlt();  // sti; hlt; out; cli; hlt
    rig.put_code(code);
    rig.put_handler(vector, reporting_handler(0x41));
    rig.run_until(ExitKind::halted);
    CHECK(rig.engine->state().rip == place::code + 2);
    REQUIRE(rig.engine->accepts_interrupt());
    rig.engine->wake();
    CHECK(rig.engine->activity() == Activity::running);
    rig.run_until(ExitKind::halted, with_interrupt());
    CHECK(rig.door.text() == "port_write 41/1 = 0\nport_write 10/1 = 0\n");
    const Frame frame = reported_frame(rig);
    CHECK(frame.rip == place::code + 2);
    CHECK(frame.cs == kernel_code);
    CHECK(frame.rflags == 0x202);
    CHECK(frame.rsp == place::stack_top);
    CHECK(frame.ss == kernel_data);
    const CpuState s = rig.engine->state();
    CHECK(s.rip == place::code + code.size());
    CHECK(s.rflags == 0x2);
    CHECK(s.gpr[unsigned(rsp)] == place::stack_top);
    CHECK(s.segment[unsigned(SegmentName::cs)].selector == kernel_code);
    CHECK(s.segment[unsigned(SegmentName::ss)].selector == kernel_data);
  });
}

TEST_CASE("an interrupt between two instructions returns to the second") {
  for_each_engine([](const EngineUnderTest& kind) {
    LongModeRig rig(kind);
    rig.put_code(GuestCode().out(0x10).hlt());
    rig.put_handler(vector, reporting_handler(0x41));
    rig.change([](CpuState& s) { s.rflags = 0x2 | 0x200 | 0x8d5; });
    rig.run_until(ExitKind::halted, with_interrupt());
    CHECK(rig.door.text() == "port_write 41/1 = 0\nport_write 10/1 = 0\n");
    CHECK(reported_frame(rig).rip == place::code);
    CHECK(reported_frame(rig).rflags == (0x2 | 0x200 | 0x8d5));
    CHECK(rig.engine->state().rflags == (0x2 | 0x200 | 0x8d5));
  });
}

TEST_CASE("a run delivers its interrupt however short it is") {
  for_each_engine([](const EngineUnderTest& kind) {
    LongModeRig rig(kind);
    rig.put_code(GuestCode().out(0x10).hlt());
    rig.put_handler(vector, GuestCode().out(0x41).hlt());
    set_interrupts(rig, true);
    rig.run(1, with_interrupt());
    const CpuState s = rig.engine->state();
    CHECK(s.rip >= LongModeRig::handler(vector));
    CHECK(s.rip <= LongModeRig::handler(vector) + 3);
    CHECK(s.gpr[unsigned(rsp)] == place::stack_top - 40);
    CHECK(rig.frame(false).rip == place::code);
    CHECK_FALSE(rig.engine->accepts_interrupt());  // through an interrupt gate
  });
}

TEST_CASE("an interrupt in ring 3 comes in on the stack of ring 0 and returns to ring 3") {
  for_each_engine([](const EngineUnderTest& kind) {
    LongModeRig rig(kind);
    const GuestCode code = GuestCode().set(rbx, 5).raw({0x0f, 0x0b});  // ud2: ring 3 cannot halt
    rig.put_code(code);
    rig.put_handler(vector, reporting_handler(0x41));
    rig.engine->set_state(rig.initial(3));
    set_interrupts(rig, true);
    rig.run_until(ExitKind::halted, with_interrupt());
    const Frame first = reported_frame(rig);
    CHECK(first.rip == place::code);
    CHECK(first.cs == user_code);
    CHECK(first.rsp == place::stack_top);
    CHECK(first.ss == user_data);
    CHECK(rig.gpr(rbx) == 5);
    CHECK(rig.engine->state().rip == LongModeRig::halted_in(6));
    const Frame last = rig.frame(false);
    CHECK(last.rip == place::code + 10);
    CHECK(last.cs == user_code);
    CHECK(last.rsp == place::stack_top);
  });
}

TEST_CASE("a run that wants the window ends at the first boundary with IF set and outside of STI's shadow") {
  for_each_engine([](const EngineUnderTest& kind) {
    LongModeRig rig(kind);
    rig.put_code(GuestCode().raw({0x90, 0xfb, 0x90, 0x90}).out(0x10).hlt());  // nop; sti; nop; nop; out; hlt
    rig.put_handler(vector, reporting_handler(0x41));
    rig.run_until(ExitKind::interrupt_window, with_window());
    CHECK(rig.engine->state().rip == place::code + 3);
    CHECK(rig.door.text() == "");
    rig.run_until(ExitKind::halted, with_interrupt());
    CHECK(rig.door.text() == "port_write 41/1 = 0\nport_write 10/1 = 0\n");
    CHECK(reported_frame(rig).rip == place::code + 3);
  });
}

TEST_CASE("POPF and IRET open the window behind themselves") {
  for_each_engine([](const EngineUnderTest& kind) {
    LongModeRig rig(kind);
    rig.put_code(GuestCode().raw({0x68}).number(0x202, 4).raw({0x9d}).out(0x10).hlt());  // push 202h; popfq; out; hlt
    rig.run_until(ExitKind::interrupt_window, with_window());
    CHECK(rig.engine->state().rip == place::code + 6);
    CHECK(rig.door.text() == "");

    LongModeRig other(kind);
    const GuestCode to = GuestCode()
                             .raw({0x6a, 0x18})  // push 18h
                             .raw({0x68})
                             .number(place::stack_top, 4)  // push stack_top
                             .raw({0x68})
                             .number(0x202, 4)   // push 202h
                             .raw({0x6a, 0x10})  // push 10h
                             .raw({0x68})
                             .number(place::code + 0x100, 4)
                             .iretq();
    other.put_code(to);
    other.put_code(GuestCode().out(0x10).hlt(), place::code + 0x100);
    other.run_until(ExitKind::interrupt_window, with_window());
    CHECK(other.engine->state().rip == place::code + 0x100);
    CHECK(other.door.text() == "");
  });
}

TEST_CASE("a window that is open already ends the run where it begins") {
  for_each_engine([](const EngineUnderTest& kind) {
    LongModeRig rig(kind);
    rig.put_code(GuestCode().out(0x10).hlt());
    set_interrupts(rig, true);
    const Tick start = rig.tick;
    const Exit exit = rig.run_until(ExitKind::interrupt_window, with_window());
    CHECK(rig.engine->state().rip == place::code);
    if (kind.ticks != TickUnit::host_ns) CHECK(exit.tick == start);
  });
}

TEST_CASE("a window that never opens does not keep the guest from halting") {
  for_each_engine([](const EngineUnderTest& kind) {
    LongModeRig rig(kind);
    rig.put_code(GuestCode().raw({0x90}).out(0x10).raw({0x90}).hlt());
    rig.run_until(ExitKind::halted, with_window());
    CHECK(rig.door.text() == "port_write 10/1 = 0\n");
  });
}

TEST_CASE("an NMI is delivered in spite of IF, and no other is accepted until IRET") {
  for_each_engine([](const EngineUnderTest& kind) {
    LongModeRig rig(kind);
    const GuestCode code = GuestCode().raw({0x90}).hlt();
    rig.put_code(code);
    rig.put_handler(2, GuestCode().hlt().iretq());
    REQUIRE(rig.engine->accepts_nmi());
    rig.run_until(ExitKind::halted, with_nmi());
    CHECK(rig.engine->state().rip == LongModeRig::halted_in(2));
    CHECK_FALSE(rig.engine->accepts_nmi());
    CHECK(rig.engine->state().nmi_blocked);
    const Frame frame = rig.frame(false);
    CHECK(frame.rip == place::code);
    CHECK(frame.cs == kernel_code);
    CHECK(frame.rflags == 0x2);
    CHECK(frame.rsp == place::stack_top);

    rig.go_to(LongModeRig::halted_in(2));
    CHECK_FALSE(rig.engine->accepts_nmi());
    rig.run_until(ExitKind::halted);
    CHECK(rig.engine->state().rip == place::code + code.size());
    CHECK(rig.engine->accepts_nmi());
    CHECK_FALSE(rig.engine->state().nmi_blocked);
  });
}

TEST_CASE("an NMI ends HLT") {
  for_each_engine([](const EngineUnderTest& kind) {
    LongModeRig rig(kind);
    rig.put_code(GuestCode().raw({0xfa}).hlt().out(0x10).hlt());  // cli; hlt; out; hlt
    rig.put_handler(2, reporting_handler(2));
    rig.run_until(ExitKind::halted);
    REQUIRE(rig.engine->accepts_nmi());
    rig.engine->wake();
    rig.run_until(ExitKind::halted, with_nmi());
    CHECK(rig.door.text() == "port_write 2/1 = 0\nport_write 10/1 = 0\n");
    CHECK(reported_frame(rig).rip == place::code + 2);
  });
}

TEST_CASE("CR8 is the machine's task priority: read when a run begins, told before the next exit") {
  for_each_engine([](const EngineUnderTest& kind) {
    LongModeRig rig(kind);
    rig.put_code(GuestCode()
                     .raw({0x44, 0x0f, 0x20, 0xc3})  // mov rbx, cr8
                     .set(rax, 5)
                     .raw({0x44, 0x0f, 0x22, 0xc0})  // mov cr8, rax
                     .raw({0x44, 0x0f, 0x20, 0xc1})  // mov rcx, cr8
                     .out(0x10)
                     .raw({0x31, 0xc0, 0x44, 0x0f, 0x22, 0xc0})  // xor eax, eax; mov cr8, rax
                     .hlt());
    rig.door.priority = 9;
    std::uint64_t told = 0;
    rig.door.answer = [&](const Exit&, ExitReply&) { told = rig.door.priority; };
    rig.run_until(ExitKind::halted);
    CHECK(rig.gpr(rbx) == 9);
    CHECK(rig.gpr(rcx) == 5);
    CHECK(told == 5);
    CHECK(rig.door.priority == 0);
    CHECK(rig.door.seen.size() == 1);
  });
}

TEST_CASE("an interrupt whose delivery faults goes to the fault's handler") {
  for_each_engine([](const EngineUnderTest& kind) {
    LongModeRig rig(kind);
    rig.put_code(GuestCode().out(0x10).hlt());
    rig.memory.put_number(place::idt + vector * 16, 0);  // no gate
    set_interrupts(rig, true);
    rig.run_until(ExitKind::halted, with_interrupt());
    CHECK(rig.engine->state().rip == LongModeRig::halted_in(13));
    const Frame frame = rig.frame(true);
    CHECK(frame.code == (vector * 8 | 3));  // in the IDT, by an external event
    CHECK(frame.rip == place::code);
    CHECK(rig.door.text() == "");
  });
}

}  // namespace lockstitch::test

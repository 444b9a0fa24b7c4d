// Where runs end: at their bound, by HLT, and where a reply says. Each unit of ticks has claims of its own.
#include "tests/contract/engine/long_mode_rig.h"

namespace lockstitch::test {

using enum Gpr;

TEST_CASE("HLT ends the run as halted, with RIP behind it") {
  for_each_engine([](const EngineUnderTest& kind) {
    LongModeRig rig(kind);
    rig.put_code(GuestCode().raw({0x90}).hlt().raw({0x90}).hlt());  // nop; hlt; nop; hlt
    const Tick start = rig.tick;
    CHECK(rig.engine->activity() == Activity::running);
    const Exit exit = rig.run_until(ExitKind::halted);
    CHECK(rig.engine->activity() == Activity::halted);
    const CpuState s = rig.engine->state();
    CHECK(s.activity == Activity::halted);
    CHECK(s.rip == place::code + 2);
    if (kind.ticks == TickUnit::instruction) CHECK(exit.tick == start + 2);
    if (kind.ticks == TickUnit::exit) CHECK(exit.tick == start + 1);
  });
}

TEST_CASE("an engine that counts instructions stops at any of them") {
  for_each_engine([](const EngineUnderTest& kind) {
    if (kind.ticks != TickUnit::instruction) return;
    for (std::uint64_t ticks = 1; ticks <= 6; ++ticks) {
      CAPTURE(ticks);
      LongModeRig rig(kind);
      rig.put_code(GuestCode().raw({0x90, 0x90, 0x90}).out(0x80).raw({0x90, 0x90}).hlt());  // nop x3; out; nop x2
      const Exit exit = rig.run(ticks);
      CHECK(exit.kind == ExitKind::bound);
      CHECK(rig.engine->state().rip == place::code + ticks + (ticks >= 4 ? 1 : 0));
      if (ticks >= 4) {
        REQUIRE(rig.door.seen.size() == 1);
        CHECK(rig.door.seen[0].tick == Tick{1003});  // it has not retired
      }
    }
  });
}

TEST_CASE("an engine that counts exits stops behind the access that reaches the bound") {
  for_each_engine([](const EngineUnderTest& kind) {
    if (kind.ticks != TickUnit::exit) return;
    LongModeRig rig(kind);
    rig.put_code(GuestCode()
                     .raw({0x90})
                     .out(0x80)  // behind it: code + 3
                     .raw({0x90})
                     .memory({0x83}, 0, place::mapped)
                     .number(1, 1)  // add dword [mapped], 1: code + 12
                     .out(0x81)     // code + 14
                     .hlt());
    CHECK(rig.run(1).kind == ExitKind::bound);
    CHECK(rig.engine->state().rip == place::code + 3);
    CHECK(rig.tick == Tick{1001});
    // Its second access is behind the bound.
    CHECK(rig.run(1).kind == ExitKind::bound);
    CHECK(rig.engine->state().rip == place::code + 12);
    CHECK(rig.tick == Tick{1003});
    CHECK(rig.run(2).kind == ExitKind::halted);
    CHECK(rig.tick == Tick{1005});
  });
}

TEST_CASE("an endless loop without an exit ends at the bound of an engine that counts instructions or time") {
  for_each_engine([](const EngineUnderTest& kind) {
    if (kind.ticks == TickUnit::exit) return;
    LongModeRig rig(kind);
    rig.put_code({0xeb, 0xfe});  // here: jmp here
    for (const std::uint64_t length : {1, 7, 1000, 50'000}) {
      const Tick start = rig.tick;
      const Exit exit = rig.run(length);
      CHECK(exit.kind == ExitKind::bound);
      CHECK(exit.tick == start + length);
      CHECK(rig.engine->state().rip == place::code);
    }
  });
}

TEST_CASE("a reply may end the run behind its instruction") {
  for_each_engine([](const EngineUnderTest& kind) {
    LongModeRig rig(kind);
    rig.put_code(GuestCode().out(0x80).raw({0xeb, 0xfe}));  // out 80h, al; here: jmp here
    rig.door.answer = [](const Exit& exit, ExitReply& reply) { reply.bound = exit.tick + 1; };
    rig.next_length = [&] { return endless_length(kind.ticks); };
    rig.run_until_seen(1);
    CHECK(rig.engine->state().rip == place::code + 2);
    REQUIRE(rig.door.seen.size() == 1);
    if (kind.ticks != TickUnit::host_ns) CHECK(rig.tick == rig.door.seen[0].tick + 1);
  });
}

TEST_CASE("a reply in the middle of an instruction ends the run behind it and not inside") {
  for_each_engine([](const EngineUnderTest& kind) {
    LongModeRig rig(kind);
    // add dword [mapped], 1; here: jmp here
    rig.put_code(GuestCode().memory({0x83}, 0, place::mapped).number(1, 1).raw({0xeb, 0xfe}));
    rig.door.answer = [](const Exit& exit, ExitReply& reply) { reply.bound = exit.tick + 1; };
    rig.next_length = [&] { return endless_length(kind.ticks); };
    rig.run_until_seen(1);
    CHECK(rig.door.seen.size() == 2);
    CHECK(rig.engine->state().rip == place::code + 8);
  });
}

TEST_CASE("a reply may move the bound away") {
  for_each_engine([](const EngineUnderTest& kind) {
    LongModeRig rig(kind);
    const std::uint64_t more = kind.ticks == TickUnit::host_ns ? 2'000'000 : 50;
    rig.put_code(GuestCode().out(0x80).raw({0xeb, 0xfc}));  // here: out 80h, al; jmp here
    Tick last;
    rig.door.answer = [&](const Exit& exit, ExitReply& reply) {
      if (last == Tick{}) last = exit.tick + more;
      reply.bound = last;
    };
    while (rig.door.seen.empty())
      REQUIRE(rig.run(kind.ticks == TickUnit::host_ns ? 1'000'000 : 2).kind == ExitKind::bound);
    CHECK(rig.tick.value == last.value);
  });
}

TEST_CASE("runs of the shortest length get to the end") {
  for_each_engine([](const EngineUnderTest& kind) {
    LongModeRig rig(kind);
    // mov ecx, 20; again: out 80h, al; dec ecx; jnz again; hlt
    rig.put_code({0xb9, 20, 0, 0, 0, 0xe6, 0x80, 0xff, 0xc9, 0x75, 0xfa, 0xf4});
    // Time alone may go by in the shortest of all.
    unsigned runs = 0;
    rig.next_length = [&] { return kind.ticks == TickUnit::host_ns && ++runs % 8 == 0 ? 300'000 : 1; };
    rig.run_until(ExitKind::halted);
    CHECK(rig.door.seen.size() == 20);
  });
}

TEST_CASE("a fault with nowhere to go ends the run as shutdown") {
  for_each_engine([](const EngineUnderTest& kind) {
    LongModeRig rig(kind);
    rig.put_code({0x90, 0x0f, 0x0b});  // nop; ud2
    rig.change([](CpuState& s) { s.idtr.limit = 0; });
    rig.run_until(ExitKind::shutdown);
    CHECK(rig.engine->activity() == Activity::shutdown);
    CHECK(rig.engine->state().activity == Activity::shutdown);
    CHECK_FALSE(rig.engine->accepts_interrupt());
    CHECK_FALSE(rig.engine->accepts_nmi());
  });
}

TEST_CASE("a CPU that has shut down runs again after a reset") {
  for_each_engine([](const EngineUnderTest& kind) {
    LongModeRig rig(kind);
    rig.put_code({0x0f, 0x0b});  // ud2
    rig.change([](CpuState& s) { s.idtr.limit = 0; });
    rig.run_until(ExitKind::shutdown);
    rig.put_code(GuestCode().set(rax, 7).hlt());
    rig.engine->set_state(rig.initial());
    rig.run_until(ExitKind::halted);
    CHECK(rig.gpr(rax) == 7);
  });
}

}  // namespace lockstitch::test

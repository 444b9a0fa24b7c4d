// What the loop relies on: where a run stops, what a tick is, what goes through the door, when interrupts are taken.
#include <doctest/doctest.h>

#include "tests/unit/interp/rig.h"

namespace lockstitch::test {

using enum Gpr;

TEST_CASE("a run stops exactly at its bound, wherever that is in a block") {
  for (std::uint64_t ticks = 1; ticks <= 4; ++ticks) {
    Rig rig;
    rig.put(place::code, {0x90, 0x90, 0x90, 0x90, 0xf4});  // nop x4; hlt
    const Exit exit = rig.run(ticks);
    CHECK(exit.kind == ExitKind::bound);
    CHECK(exit.tick == Tick{1000 + ticks});
    CHECK(rig.engine->state().rip == place::code + ticks);
  }
}

TEST_CASE("HLT is a tick, stops the run and says so; an interrupt wakes it") {
  Rig rig;
  rig.put(place::code, {0x90, 0xf4, 0x90});  // nop; hlt; nop
  rig.change([](CpuState& s) { s.rflags |= 0x200; });
  const Exit exit = rig.run(100);
  CHECK(exit.kind == ExitKind::halted);
  CHECK(exit.tick == Tick{1002});
  CHECK(rig.engine->activity() == Activity::halted);
  REQUIRE(rig.engine->accepts_interrupt());
  RunRequest request;
  request.interrupt = 0x40;
  const Exit woken = rig.run(100, request);
  CHECK(woken.kind == ExitKind::halted);  // the handler's HLT: delivery itself takes no tick
  CHECK(woken.tick == Tick{1003});
  CHECK(rig.engine->state().rip == place::handlers + 0x40 * 16 + 1);
  CHECK(rig.get64(rig.gpr(rsp)) == place::code + 2);
}

TEST_CASE("an instruction that faults takes no tick") {
  Rig rig;
  rig.put(place::code, {0x48, 0xff, 0xc0, 0x0f, 0x0b});             // inc rax; ud2
  rig.put(place::handlers + 6 * 16, {0x48, 0x83, 0x04, 0x24, 0x02,  // add qword [rsp], 2
                                     0x48, 0xcf});                  // iretq
  rig.put(place::code + 5, {0xf4});
  const Exit exit = rig.run(100);
  CHECK(exit.kind == ExitKind::halted);
  CHECK(exit.tick == Tick{1000 + 1 + 2 + 1});
}

TEST_CASE("an endless storm of faults lets time pass, the same however runs are cut") {
  std::vector<std::string> whole;
  for (const std::uint64_t cut : {12, 1, 5}) {
    Rig rig;
    rig.put(place::code, {0x90, 0x0f, 0x0b});  // nop; ud2
    rig.put(place::handlers + 6 * 16, {0x0f, 0x0b});
    rig.put64(place::idt + 6 * 16, rig.get64(place::idt + 6 * 16) | 1ull << 32);  // on a stack of its own: the pushes never run out of it
    rig.put64(place::tss + 0x24, place::stack_top);
    while (rig.tick < Tick{1012}) {
      REQUIRE(rig.run(std::min<std::uint64_t>(cut, 1012 - rig.tick.value)).kind == ExitKind::bound);
      rig.engine->drop_caches();
      rig.engine->set_state(rig.engine->state());
    }
    if (whole.empty()) whole = StateText::of(rig.engine->state());
    CHECK(StateText::of(rig.engine->state()) == whole);
  }
}

TEST_CASE("a fault with nowhere to go is a shutdown") {
  Rig rig;
  rig.put(place::code, {0x90, 0x0f, 0x0b});  // nop; ud2
  rig.change([](CpuState& s) { s.idtr.limit = 0; });
  const Exit exit = rig.run(100);
  CHECK(exit.kind == ExitKind::shutdown);
  CHECK(exit.tick == Tick{1001});
  CHECK(rig.engine->activity() == Activity::shutdown);
}

TEST_CASE("STI holds interrupts off for one instruction") {
  Rig rig;
  rig.put(place::code, {0xfb, 0x90, 0x90, 0xf4});  // sti; nop; nop; hlt
  CHECK_FALSE(rig.engine->accepts_interrupt());
  rig.run(1);
  CHECK(rig.engine->state().interrupt_shadow);
  CHECK_FALSE(rig.engine->accepts_interrupt());
  CHECK_FALSE(rig.engine->accepts_nmi());
  rig.run(1);
  CHECK(rig.engine->accepts_interrupt());
  CHECK_FALSE(rig.engine->state().interrupt_shadow);
}

TEST_CASE("STI with interrupts already on opens no shadow") {
  Rig rig;
  rig.put(place::code, {0xfb, 0x90});
  rig.change([](CpuState& s) { s.rflags |= 0x200; });
  rig.run(1);
  CHECK(rig.engine->accepts_interrupt());
}

TEST_CASE("a load of SS holds interrupts off for one instruction") {
  Rig rig;
  rig.put(place::code, {0x8e, 0xd0, 0x90, 0x90, 0xf4});  // mov ss, eax; nop; nop; hlt
  rig.change([](CpuState& s) {
    s.rflags |= 0x200;
    s.gpr[0] = 0x18;
  });
  rig.run(1);
  CHECK_FALSE(rig.engine->accepts_interrupt());
  rig.run(1);
  CHECK(rig.engine->accepts_interrupt());
}

TEST_CASE("a run that wants the window ends at the first boundary where an interrupt can be taken") {
  Rig rig;
  rig.put(place::code, {0x90, 0xfb, 0x90, 0x90, 0xf4});  // nop; sti; nop; nop; hlt
  RunRequest request;
  request.want_window = true;
  const Exit exit = rig.run(100, request);
  CHECK(exit.kind == ExitKind::interrupt_window);
  CHECK(exit.tick == Tick{1003});
  CHECK(rig.engine->accepts_interrupt());
}

TEST_CASE("NMIs are blocked from delivery to IRET") {
  Rig rig;
  rig.put(place::code, {0x90, 0x90, 0xf4});
  rig.put(place::handlers + 2 * 16, {0x90, 0x48, 0xcf});  // nop; iretq
  RunRequest request;
  request.nmi = true;
  rig.run(1, request);
  CHECK_FALSE(rig.engine->accepts_nmi());
  rig.run(1);
  CHECK(rig.engine->accepts_nmi());
  CHECK(rig.engine->state().rip == place::code);
}

TEST_CASE("TF traps after every instruction") {
  Rig rig;
  rig.put(place::code, {0x9c, 0x81, 0x0c, 0x24, 0x00, 0x01, 0x00, 0x00, 0x9d,  // pushfq; or dword [rsp], 100h; popfq
                        0x48, 0xff, 0xc0, 0x48, 0xff, 0xc0, 0xf4});            // inc rax; inc rax; hlt
  rig.put(place::handlers + 16, {0x48, 0xff, 0xc3, 0x48, 0xcf});               // #DB: inc rbx; iretq
  rig.run(3 + 1 + 2 + 1 + 2);  // three to set TF, then each INC with its handler; no trap after the POPF itself
  CHECK(rig.engine->state().rip == place::code + 15);
  CHECK(rig.gpr(rax) == 2);
  CHECK(rig.gpr(rbx) == 2);
  rig.run(1);  // the trap of HLT ends the halt
  CHECK(rig.engine->activity() == Activity::running);
  CHECK(rig.engine->state().rip == place::handlers + 16);
}

TEST_CASE("REP MOVS takes one tick for each page boundary that source or destination reaches, and one to complete") {
  struct {
    std::uint64_t source, destination, count, ticks;
  } const cases[] = {{0x20000, 0x30000, 100, 1},      {0x20000, 0x30000, 4096, 1},     {0x20000, 0x30000, 4097, 2},
                     {0x20800, 0x30000, 4096, 2},     {0x20800, 0x30400, 4096, 3},     {0x20800, 0x30400, 3 * 4096, 7},
                     {0x20fff, 0x30fff, 2, 2},        {0x20000, 0x30000, 0, 1}};
  for (const auto& c : cases) {
    CAPTURE(c.source);
    CAPTURE(c.destination);
    CAPTURE(c.count);
    Rig rig;
    rig.put(place::code, {0xf3, 0xa4, 0xf4});  // rep movsb; hlt
    for (unsigned i = 0; i < c.count; ++i) rig.put(c.source + i, {static_cast<std::uint8_t>(i * 7 + i / 256)});
    rig.change([&](CpuState& s) {
      s.gpr[1] = c.count;
      s.gpr[6] = c.source;
      s.gpr[7] = c.destination;
    });
    const Exit exit = rig.run(100);
    CHECK(exit.kind == ExitKind::halted);
    CHECK(exit.tick - Tick{1000} == c.ticks + 1);
    CHECK(rig.gpr(rcx) == 0);
    CHECK(std::memcmp(rig.memory.bytes().data() + c.source, rig.memory.bytes().data() + c.destination, c.count) == 0);
  }
}

TEST_CASE("the ticks of a REP instruction do not depend on what lies in the TLB or on where runs are cut") {
  for (const std::uint64_t cut : {1, 2, 3, 100}) {
    Rig rig;
    rig.put(place::code, {0xf3, 0xa4, 0xf4});
    rig.change([&](CpuState& s) {
      s.gpr[1] = 3 * 4096;
      s.gpr[6] = 0x20800;
      s.gpr[7] = 0x30400;
    });
    Exit exit;
    do {
      exit = rig.run(cut);
      rig.engine->drop_caches();
    } while (exit.kind == ExitKind::bound);
    CHECK(exit.tick == Tick{1008});
  }
}

TEST_CASE("a store into the instructions ahead in the same block takes effect at once") {
  Rig rig;
  rig.put(place::code, {0xc6, 0x05, 0x01, 0x00, 0x00, 0x00, 0x42,  // mov byte [rip+1], 42h: the immediate below
                        0xb0, 0x11, 0xf4});                        // mov al, 11h; hlt
  const Exit exit = rig.run(100);
  CHECK(exit.tick == Tick{1003});
  CHECK((rig.gpr(rax) & 0xff) == 0x42);
}

TEST_CASE("a store into the second page of an instruction that crosses pages takes effect at once") {
  Rig rig;
  rig.put(place::code, {0xc6, 0x04, 0x25, 0x00, 0x30, 0x01, 0x00, 0x42,  // mov byte [13000h], 42h
                        0xe9, 0xf2, 0x2f, 0x00, 0x00});                  // jmp 12fffh
  rig.put(0x12fff, {0xb0, 0x11, 0xf4});                                  // mov al, 11h; hlt
  for (unsigned round = 0; round < 3; ++round) {
    rig.change([](CpuState& s) {
      s.rip = 0x12fff;
      s.gpr[0] = 0;
      s.activity = Activity::running;
    });
    rig.run(100);
    CHECK((rig.gpr(rax) & 0xff) == (round == 0 ? 0x11 : 0x42));
    rig.change([](CpuState& s) {
      s.rip = place::code;
      s.gpr[0] = 0;
      s.activity = Activity::running;
    });
    rig.run(100);
    CHECK((rig.gpr(rax) & 0xff) == 0x42);
  }
}

TEST_CASE("code written by a device takes effect at the next instruction") {
  Rig rig;
  rig.put(place::code, {0xe6, 0x80, 0xb0, 0x11, 0xf4});  // out 80h, al; mov al, 11h; hlt
  rig.door.answer = [&](const Exit&, ExitReply&) { rig.put(place::code + 3, {0x42}); };
  rig.run(100);
  CHECK((rig.gpr(rax) & 0xff) == 0x42);
  rig.put(place::code, {0xb3, 0x77, 0xf4});
  rig.change([](CpuState& s) {
    s.rip = place::code;
    s.activity = Activity::running;
  });
  rig.run(100);
  CHECK((rig.gpr(rbx) & 0xff) == 0x77);
}

TEST_CASE("a store to a page table entry takes effect at the next instruction, without INVLPG") {
  Rig rig;
  rig.put(place::code, {0x48, 0x8b, 0x1c, 0x25, 0x00, 0x00, 0x02, 0x00,                          // mov rbx, [20000h]
                        0x48, 0xc7, 0x04, 0x25, 0x00, 0x41, 0x00, 0x00, 0x07, 0x10, 0x02, 0x00,  // mov qword [entry of 20000h], 21007h
                        0x48, 0x8b, 0x0c, 0x25, 0x00, 0x00, 0x02, 0x00, 0xf4});                  // mov rcx, [20000h]; hlt
  rig.put64(0x20000, 0x1111);
  rig.put64(0x21000, 0x2222);
  rig.run(100);
  CHECK(rig.gpr(rbx) == 0x1111);
  CHECK(rig.gpr(rcx) == 0x2222);
}

TEST_CASE("a store to the entry of the page that is running takes effect at the next instruction") {
  Rig rig;
  rig.put(place::code, {0x48, 0xc7, 0x04, 0x25, 0x80, 0x40, 0x00, 0x00, 0x07, 0x10, 0x03, 0x00, 0xb0, 0x11, 0xf4});
  // mov qword [entry of 10000h], 31007h; mov al, 11h; hlt
  rig.put(0x31000 + 12, {0xb0, 0x42, 0xf4});
  const Exit exit = rig.run(100);
  CHECK(exit.tick == Tick{1003});
  CHECK((rig.gpr(rax) & 0xff) == 0x42);
}

TEST_CASE("a page table entry written by a device takes effect at the next instruction") {
  Rig rig;
  rig.put(place::code, {0x48, 0x8b, 0x1c, 0x25, 0x00, 0x00, 0x02, 0x00, 0xe6, 0x80,             // mov rbx, [20000h]; out 80h, al
                        0x48, 0x8b, 0x0c, 0x25, 0x00, 0x00, 0x02, 0x00, 0xf4});                 // mov rcx, [20000h]; hlt
  rig.put64(0x20000, 0x1111);
  rig.put64(0x21000, 0x2222);
  rig.door.answer = [&](const Exit&, ExitReply&) { rig.put64(Rig::pte(0x20000), 0x21007); };
  rig.run(100);
  CHECK(rig.gpr(rbx) == 0x1111);
  CHECK(rig.gpr(rcx) == 0x2222);
}

TEST_CASE("a direct branch whose target was known from an indirect one follows the page tables") {
  Rig rig;
  rig.put(place::code, {0x48, 0xc7, 0xc0, 0x00, 0x10, 0x01, 0x00,  // mov rax, code + 1000h
                        0xff, 0xe0});                              // jmp rax
  rig.put(place::code + 0x20, {0xe9, 0xdb, 0x0f, 0x00, 0x00});     // jmp code + 1000h
  rig.put(place::code + 0x1000, {0x48, 0xff, 0xc3,                 // inc rbx
                                 0xe9, 0x18, 0xf0, 0xff, 0xff});   // jmp code + 20h
  rig.put(place::code + 0x2000, {0x48, 0xc7, 0xc3, 0x63, 0x00, 0x00, 0x00, 0xf4});  // mov rbx, 63h; hlt
  rig.run(7);
  REQUIRE(rig.gpr(rbx) == 2);
  rig.put64(Rig::pte(place::code + 0x1000), (place::code + 0x2000) | 7);
  CHECK(rig.run(10).kind == ExitKind::halted);
  CHECK(rig.gpr(rbx) == 0x63);
}

TEST_CASE("accessed and dirty bits are set by the access that needs them and by no other") {
  constexpr std::uint64_t a = 0x20, d = 0x40;
  Rig rig;
  rig.put(place::code, {0x8a, 0x04, 0x25, 0x00, 0x00, 0x02, 0x00,          // mov al, [20000h]
                        0x88, 0x04, 0x25, 0x00, 0x10, 0x02, 0x00, 0xf4});  // mov [21000h], al; hlt
  const auto bits = [&](std::uint64_t linear) { return rig.get64(Rig::pte(linear)) & (a | d); };
  rig.run(1);
  CHECK(bits(0x20000) == a);
  CHECK(bits(0x21000) == 0);
  CHECK(bits(place::code) == a);
  CHECK((rig.get64(place::pd) & (a | d)) == a);
  rig.run(1);
  CHECK(bits(0x20000) == a);
  CHECK(bits(0x21000) == (a | d));
  CHECK(bits(place::code + 0x1000) == 0);
}

TEST_CASE("an accessed bit cleared by the guest comes back with the next access") {
  constexpr std::uint64_t a = 0x20;
  Rig rig;
  rig.put(place::code, {0x8a, 0x04, 0x25, 0x00, 0x00, 0x02, 0x00,                                // mov al, [20000h]
                        0x48, 0xc7, 0x04, 0x25, 0x00, 0x41, 0x00, 0x00, 0x07, 0x00, 0x02, 0x00,  // mov qword [entry], 20007h
                        0x8a, 0x04, 0x25, 0x00, 0x00, 0x02, 0x00, 0xf4});                        // mov al, [20000h]; hlt
  rig.run(2);
  CHECK((rig.get64(Rig::pte(0x20000)) & a) == 0);
  rig.run(1);
  CHECK((rig.get64(Rig::pte(0x20000)) & a) == a);
}

TEST_CASE("a faulting store sets no dirty bit") {
  Rig rig;
  rig.put64(Rig::pte(0x20000), 0x20005);  // user, read-only
  rig.put(place::code, {0x88, 0x04, 0x25, 0x00, 0x00, 0x02, 0x00});
  const Exit exit = rig.run(100);
  CHECK(exit.kind == ExitKind::halted);
  CHECK(rig.engine->state().cr2 == 0x20000);
  CHECK((rig.get64(Rig::pte(0x20000)) & 0x40) == 0);
}

TEST_CASE("a page is marked dirty before the guest writes to it, and again after the bits were cleared") {
  Rig rig;
  rig.put(place::code, {0x88, 0x04, 0x25, 0x00, 0x00, 0x02, 0x00, 0xeb, 0xf7});  // again: mov [20000h], al; jmp again
  rig.run(10);
  CHECK(rig.memory.dirty.count(0x20000) == 1);
  rig.memory.dirty.clear();
  rig.engine->dirty_cleared();
  rig.run(10);
  CHECK(rig.memory.dirty.count(0x20000) == 1);
}

TEST_CASE("port accesses leave through the door with the tick before the instruction retires") {
  Rig rig;
  rig.put(place::code, {0x90, 0xe4, 0x71, 0xf4});  // nop; in al, 71h; hlt
  rig.door.answer = [](const Exit& exit, ExitReply& reply) {
    CHECK(exit.kind == ExitKind::port_read);
    CHECK(exit.address == 0x71);
    CHECK(exit.width == 1);
    CHECK(exit.tick == Tick{1001});
    reply.value = 0xabcd;
  };
  rig.run(100);
  CHECK(rig.door.seen.size() == 1);
  CHECK(rig.gpr(rax) == 0xcd);
}

TEST_CASE("a reply through the door may move the bound to the end of the instruction, or further away") {
  Rig rig;
  rig.put(place::code, {0xe6, 0x80, 0x48, 0xff, 0xc3, 0xeb, 0xf9});  // again: out 80h, al; inc rbx; jmp again
  rig.door.answer = [](const Exit& exit, ExitReply& reply) { reply.bound = exit.tick + 1; };
  Exit exit = rig.run(100);
  CHECK(exit.kind == ExitKind::bound);
  CHECK(exit.tick == Tick{1001});
  rig.door.seen.clear();
  rig.door.answer = [&](const Exit& e, ExitReply& reply) {
    if (rig.door.seen.size() == 1) rig.door.bound = e.tick + 50;
    reply.bound = rig.door.bound;
  };
  exit = rig.run(3);  // inc, jmp, out
  CHECK(exit.kind == ExitKind::bound);
  CHECK(exit.tick == Tick{1001 + 2 + 50});
}

TEST_CASE("a bound moved while single instructions run is kept") {
  Rig rig;
  rig.put(place::code, {0xe6, 0x80, 0x90, 0x90, 0x90, 0xf4});  // out 80h, al; nop; nop; nop; hlt
  rig.change([](CpuState& s) { s.interrupt_shadow = true; });
  rig.door.answer = [](const Exit& exit, ExitReply& reply) { reply.bound = exit.tick + 3; };
  const Exit exit = rig.run(100);
  CHECK(exit.kind == ExitKind::bound);
  CHECK(exit.tick == Tick{1003});
  CHECK(rig.engine->state().rip == place::code + 4);
}

TEST_CASE("MSRs of the interrupt controller leave through the door; a refused one is #GP") {
  Rig rig;
  rig.put(place::code, {0x0f, 0x32, 0x0f, 0x30, 0xf4});  // rdmsr; wrmsr; hlt
  rig.change([](CpuState& s) { s.gpr[1] = 0x80b; });
  rig.door.answer = [](const Exit& exit, ExitReply& reply) {
    if (exit.kind == ExitKind::msr_read) reply.value = 0x1234'5678'9abc'def0;
    if (exit.kind == ExitKind::msr_write) reply.fault = true;
  };
  const Exit exit = rig.run(100);
  REQUIRE(rig.door.seen.size() == 2);
  CHECK(rig.door.seen[0].address == 0x80b);
  CHECK(rig.door.seen[1].kind == ExitKind::msr_write);
  CHECK(rig.door.seen[1].value == 0x1234'5678'9abc'def0);
  CHECK(rig.gpr(rdx) == 0x1234'5678);
  CHECK(exit.kind == ExitKind::halted);
  CHECK(rig.engine->state().rip == place::handlers + 13 * 16 + 1);
  CHECK(exit.tick == Tick{1002});  // rdmsr and the handler's HLT
}

TEST_CASE("CR8 leaves through the door") {
  Rig rig;
  rig.put(place::code, {0xb8, 0x07, 0x00, 0x00, 0x00, 0x44, 0x0f, 0x22, 0xc0, 0x44, 0x0f, 0x20, 0xc3, 0xf4});  // mov cr8, 7; mov rbx, cr8
  rig.door.answer = [](const Exit& exit, ExitReply& reply) {
    if (exit.kind == ExitKind::priority_read) reply.value = 9;
  };
  rig.run(100);
  REQUIRE(rig.door.seen.size() == 2);
  CHECK(rig.door.seen[0].kind == ExitKind::priority_write);
  CHECK(rig.door.seen[0].value == 7);
  CHECK(rig.door.seen[1].kind == ExitKind::priority_read);
  CHECK(rig.gpr(rbx) == 9);
}

TEST_CASE("a read-modify-write of a device register is one read, one write and one tick") {
  Rig rig;
  rig.put(place::code, {0x83, 0x04, 0x25, 0x10, 0xf0, 0x1f, 0x00, 0x05, 0xf4});  // add dword [1ff010h], 5; hlt
  rig.door.answer = [](const Exit&, ExitReply& reply) { reply.value = 37; };
  const Exit exit = rig.run(100);
  REQUIRE(rig.door.seen.size() == 2);
  CHECK(rig.door.seen[0].kind == ExitKind::memory_read);
  CHECK(rig.door.seen[0].address == 0x4000'0010);
  CHECK(rig.door.seen[0].width == 4);
  CHECK(rig.door.seen[1].kind == ExitKind::memory_write);
  CHECK(rig.door.seen[1].value == 42);
  CHECK(rig.door.seen[0].tick == rig.door.seen[1].tick);
  CHECK(exit.tick == Tick{1002});
}

TEST_CASE("the time stamp counter is the virtual clock at the tick, whatever the bounds of runs") {
  for (const std::uint64_t cut : {1, 2, 100}) {
    Rig rig;
    rig.clock = {3, 17};
    rig.put(place::code, {0x90, 0x0f, 0x31, 0xf4});  // nop; rdtsc; hlt
    rig.change([](CpuState& s) { s.tsc_offset = 5; });
    while (rig.run(cut).kind == ExitKind::bound) {
    }
    CHECK(rig.gpr(rax) == 1001 * 3 + 17 + 5);
  }
}

TEST_CASE("an external interrupt is delivered between instructions and takes no tick") {
  Rig rig;
  rig.put(place::code, {0x90, 0x90, 0xf4});
  rig.put(place::handlers + 0x41 * 16, {0x48, 0xcf});  // iretq
  rig.change([](CpuState& s) { s.rflags |= 0x200; });
  rig.run(1);
  RunRequest request;
  request.interrupt = 0x41;
  const Exit exit = rig.run(100, request);
  CHECK(exit.kind == ExitKind::halted);
  CHECK(exit.tick == Tick{1004});  // nop, iretq, nop, hlt
}

TEST_CASE("memory taken away and put back is seen at once") {
  Rig rig;
  rig.put(place::code, {0x8a, 0x04, 0x25, 0x00, 0x00, 0x02, 0x00, 0xeb, 0xf7});
  rig.run(50);
  rig.engine->memory_remapped();
  rig.put(0x20000, {0x5a});
  rig.run(2);
  CHECK((rig.gpr(rax) & 0xff) == 0x5a);
}

}  // namespace lockstitch::test

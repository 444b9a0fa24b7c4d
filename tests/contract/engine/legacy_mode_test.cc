// A small program in each mode below 64 bits, and the way up from real mode. Skipped where the host's backend has no
// such mode.
#include "tests/contract/engine/legacy_rigs.h"

namespace lockstitch::test {
namespace {

using enum Gpr;

// Those that the engine can do; says so of the others.
std::vector<Paging> pagings(const EngineUnderTest& kind) {
  std::vector<Paging> able;
  if (can(kind, kind.legacy_paging, "protected mode outside long mode")) able = {Paging::none, Paging::two_levels};
  if (can(kind, kind.pae, "PAE outside long mode")) able.push_back(Paging::pae);
  return able;
}

// A body for each way of paging in protected mode.
template <class Claim>
void for_each_protected_mode(Claim claim) {
  for_each_engine([&](const EngineUnderTest& kind) {
    for (const Paging paging : pagings(kind)) {
      const std::string mode(name_of(paging));
      CAPTURE(mode);
      claim(kind, paging);
    }
  });
}

}  // namespace

TEST_CASE("real mode: segments, a loop, the stack, INT and IRET, ports, a device's memory") {
  for_each_engine([](const EngineUnderTest& kind) {
    if (!can(kind, kind.real_mode, "real mode")) return;
    RealModeRig rig(kind);
    rig.memory.map(0xa'0000, 0x1'0000, RigMemory::Kind::hole);
    const GuestCode code = GuestCode()
                               .raw({0xc7, 0x06, 0x10, 0x00, 0x34, 0x12})  // mov word [10h], 1234h
                               .raw({0xb9, 0x05, 0x00, 0x31, 0xc0})        // mov cx, 5; xor ax, ax
                               .raw({0x01, 0xc8, 0xe2, 0xfc})              // again: add ax, cx; loop again
                               .raw({0xa3, 0x12, 0x00})                    // mov [12h], ax
                               .raw({0x50, 0xcd, 0x60, 0x5b})              // push ax; int 60h; pop bx
                               .raw({0xe7, 0x80})                          // out 80h, ax
                               .raw({0xba, 0x00, 0xa0, 0x8e, 0xc2})        // mov dx, a000h; mov es, dx
                               .raw({0x26, 0xa2, 0x20, 0x00})              // mov es:[20h], al
                               .raw({0x26, 0x66, 0x8b, 0x0e, 0x24, 0x00})  // mov ecx, es:[24h]
                               .raw({0x66, 0xb8, 0x78, 0x56, 0x34, 0x12})  // mov eax, 12345678h
                               .raw({0x66, 0xa3, 0x14, 0x00})              // mov [14h], eax
                               .hlt();
    rig.memory.put(place::code, code.bytes());
    rig.memory.put(LongModeRig::handler(0x60), {0x05, 0x00, 0x01, 0xcf});  // add ax, 100h; iret
    rig.door.values = {0xabcd'1234};
    rig.run_until(ExitKind::halted);
    CHECK(rig.door.text() ==
          "port_write 80/2 = 10f\n"
          "memory_write a0020/1 = f\n"
          "memory_read a0024/4\n");
    CHECK(rig.memory.number(place::data + 0x10) == 0x1234'5678'000f'1234);
    CHECK(rig.gpr(rax) == 0x1234'5678);
    CHECK(rig.gpr(rcx) == 0xabcd'1234);
    CHECK((rig.gpr(rbx) & 0xffff) == 15);
    CHECK(rig.gpr(rsp) == 0xf000);
    const CpuState s = rig.engine->state();
    CHECK(s.rip == code.size());
    CHECK(s.segment[unsigned(SegmentName::cs)].selector == place::code >> 4);
    CHECK(s.segment[unsigned(SegmentName::cs)].base == place::code);
    CHECK(s.segment[unsigned(SegmentName::es)].selector == 0xa000);
    CHECK(s.segment[unsigned(SegmentName::es)].base == 0xa'0000);
  });
}

TEST_CASE("real mode: an interrupt comes in by the vector table, and ends HLT") {
  for_each_engine([](const EngineUnderTest& kind) {
    if (!can(kind, kind.real_mode, "real mode")) return;
    RealModeRig rig(kind);
    rig.memory.put(place::code, {0xfb, 0xf4, 0xe6, 0x10, 0xfa, 0xf4});        // sti; hlt; out 10h, al; cli; hlt
    rig.memory.put(LongModeRig::handler(8), {0x8b, 0xec, 0xe6, 0x08, 0xcf});  // mov bp, sp; out 8, al; iret
    rig.run_until(ExitKind::halted);
    CHECK(rig.engine->state().rip == 2);
    REQUIRE(rig.engine->accepts_interrupt());
    rig.engine->wake();
    RunRequest request;
    request.interrupt = 8;
    rig.run_until(ExitKind::halted, request);
    CHECK(rig.door.text() == "port_write 8/1 = 0\nport_write 10/1 = 0\n");
    CHECK((rig.gpr(rbp) & 0xffff) == 0xf000 - 6);
    CHECK(rig.memory.number(0xf000 - 6, 6) == (0x0202ull << 32 | std::uint64_t{place::code >> 4} << 16 | 2));
    CHECK(rig.engine->state().rip == 6);
  });
}

TEST_CASE("real mode: a fault comes in by the vector table") {
  for_each_engine([](const EngineUnderTest& kind) {
    if (!can(kind, kind.real_mode, "real mode")) return;
    RealModeRig rig(kind);
    rig.memory.put(place::code, {0x90, 0x31, 0xdb, 0xf7, 0xf3, 0xf4});  // nop; xor bx, bx; div bx; hlt
    rig.run_until(ExitKind::halted);
    const CpuState s = rig.engine->state();
    CHECK(s.segment[unsigned(SegmentName::cs)].selector == place::handlers >> 4);
    CHECK(s.rip == 1);
    CHECK(rig.gpr(rsp) == 0xf000 - 6);
    CHECK(rig.memory.number(0xf000 - 6, 4) == ((place::code >> 4) << 16 | 3));
  });
}

TEST_CASE("32-bit protected mode: a loop, calls, INT and IRET, ports, a device's memory") {
  for_each_protected_mode([](const EngineUnderTest& kind, Paging paging) {
    ProtectedModeRig rig(kind, paging);
    const GuestCode code = GuestCode()
                               .raw({0xb8, 0x44, 0x33, 0x22, 0x11})  // mov eax, 11223344h
                               .raw({0xa3})
                               .number(place::data, 4)               // mov [data], eax
                               .raw({0xb9, 5, 0, 0, 0, 0x31, 0xd2})  // mov ecx, 5; xor edx, edx
                               .raw({0x01, 0xca, 0xe2, 0xfc})        // again: add edx, ecx; loop
                               .raw({0x52, 0xe8, 0x02, 0, 0, 0})     // push edx; call there
                               .raw({0xeb, 0x05})                    // jmp over
                               .raw({0x8b, 0x6c, 0x24, 0x04, 0xc3})  // there: mov ebp, [esp+4]; ret
                               .raw({0x5b, 0xcd, 0x60})              // over: pop ebx; int 60h
                               .raw({0xe7, 0x80})                    // out 80h, eax
                               .raw({0x8b, 0x35})
                               .number(place::mapped, 4)  // mov esi, [mapped]
                               .raw({0x01, 0x15})
                               .number(place::mapped + 4, 4)  // add [mapped+4], edx
                               .hlt();
    rig.memory.put(place::code, code.bytes());
    rig.memory.put(LongModeRig::handler(0x60), {0x83, 0xc0, 0x11, 0xcf});  // add eax, 11h; iret
    rig.door.values = {0xc1c2'c3c4, 0x100};
    rig.run_until(ExitKind::halted);
    CHECK(rig.door.text() ==
          "port_write 80/4 = 11223355\n"
          "memory_read 500000/4\n"
          "memory_read 500004/4\n"
          "memory_write 500004/4 = 10f\n");
    CHECK(rig.memory.number(place::data, 4) == 0x1122'3344);
    CHECK(rig.gpr(rbp) == 15);
    CHECK(rig.gpr(rbx) == 15);
    CHECK(rig.gpr(rsi) == 0xc1c2'c3c4);
    CHECK(rig.gpr(rsp) == place::stack_top);
    CHECK(rig.engine->state().rip == place::code + code.size());
  });
}

TEST_CASE("32-bit protected mode: an interrupt and a fault come in by the IDT") {
  for_each_protected_mode([](const EngineUnderTest& kind, Paging paging) {
    ProtectedModeRig rig(kind, paging);
    rig.memory.put(place::code, {0xe6, 0x10, 0xfa, 0x0f, 0x0b});     // out 10h, al; cli; ud2
    rig.memory.put(LongModeRig::handler(0x41), {0xe6, 0x41, 0xcf});  // out 41h, al; iret
    rig.change([](CpuState& s) { s.rflags = 0x202; });
    RunRequest request;
    request.interrupt = 0x41;
    rig.run_until(ExitKind::halted, request);
    CHECK(rig.door.text() == "port_write 41/1 = 0\nport_write 10/1 = 0\n");
    CHECK(rig.engine->state().rip == LongModeRig::halted_in(6));
    CHECK(rig.gpr(rsp) == place::stack_top - 12);
    CHECK(rig.memory.number(place::stack_top - 12, 4) == place::code + 3);
    CHECK(rig.memory.number(place::stack_top - 8, 4) == kernel_code32);
    CHECK((rig.memory.number(place::stack_top - 4, 4) & ~0x1'0000ull) == 0x2);
  });
}

TEST_CASE("32-bit protected mode: a page fault where there is paging, a device where there is none") {
  for_each_protected_mode([](const EngineUnderTest& kind, Paging paging) {
    ProtectedModeRig rig(kind, paging);
    rig.memory.put(place::code, GuestCode().raw({0xc6, 0x05}).number(place::nowhere, 4).number(9, 1).hlt().bytes());
    rig.run_until(ExitKind::halted);  // mov byte [nowhere], 9; hlt
    if (paging == Paging::none) {
      CHECK(rig.door.text() == "memory_write 7ff000/1 = 9\n");
      return;
    }
    CHECK(rig.door.text() == "");
    CHECK(rig.engine->state().rip == LongModeRig::halted_in(14));
    CHECK(rig.engine->state().cr2 == place::nowhere);
    CHECK(rig.memory.number(rig.gpr(rsp), 4) == 2);
    CHECK(rig.memory.number(rig.gpr(rsp) + 4, 4) == place::code);
  });
}

TEST_CASE("state outside of long mode comes back unchanged after a run that does not touch it") {
  for_each_engine([](const EngineUnderTest& kind) {
    if (can(kind, kind.real_mode, "real mode")) {
      RealModeRig rig(kind);
      rig.memory.put(place::code, {0x90, 0xf4});  // nop; hlt
      CpuState s = RealModeRig::initial();
      for (unsigned i = 0; i < 8; ++i) s.gpr[i] = 0x1111'1111 * (i + 1);
      rig.engine->set_state(s);
      CHECK(difference(image_of(rig.engine->state()), image_of(s)) == "");
      rig.run_until(ExitKind::halted);
      s.rip = 2;
      s.activity = Activity::halted;
      CHECK(difference(rig.image(), rig.comparable(s)) == "");
    }
    for (const Paging paging : pagings(kind)) {
      const std::string mode(name_of(paging));
      CAPTURE(mode);
      ProtectedModeRig rig(kind, paging);
      rig.memory.put(place::code, {0x90, 0xf4});
      CpuState s = ProtectedModeRig::initial(paging);
      for (unsigned i = 0; i < 8; ++i) s.gpr[i] = 0x1111'1111 * (i + 1);
      rig.engine->set_state(s);
      CHECK(difference(image_of(rig.engine->state()), image_of(s)) == "");
      rig.run_until(ExitKind::halted);
      s.rip = place::code + 2;
      s.activity = Activity::halted;
      CHECK(difference(rig.image(), rig.comparable(s)) == "");
    }
  });
}

TEST_CASE("a guest climbs from real mode to 64-bit mode") {
  for_each_engine([](const EngineUnderTest& kind) {
    if (!can(kind, kind.real_mode && kind.legacy_paging, "real or protected mode")) return;
    LongModeRig rig(kind);
    constexpr std::uint32_t in_32_bits = place::code + 0x40, in_64_bits = place::code + 0xc0;
    rig.put_code(GuestCode()
                     .raw({0xfa, 0x8c, 0xc8, 0x8e, 0xd8})  // cli; mov ax, cs; mov ds, ax
                     .raw({0x0f, 0x01, 0x16, 0x00, 0x01})  // lgdt [100h]
                     .raw({0x0f, 0x20, 0xc0})              // mov eax, cr0
                     .raw({0x0c, 0x01})                    // or al, 1
                     .raw({0x0f, 0x22, 0xc0})              // mov cr0, eax
                     .raw({0x66, 0xea})
                     .number(in_32_bits, 4)
                     .number(kernel_code32, 2));  // jmp 8:in_32_bits
    rig.memory.put(place::code + 0x100, GuestCode().number(0x4f, 2).number(place::gdt, 4).bytes());
    rig.put_code(GuestCode()
                     .raw({0x66, 0xb8})
                     .number(kernel_data, 2)                     // mov ax, 18h
                     .raw({0x8e, 0xd8, 0x8e, 0xc0, 0x8e, 0xd0})  // mov ds, ax; mov es, ax; mov ss, ax
                     .raw({0xbc})
                     .number(place::stack_top, 4)  // mov esp, stack_top
                     .raw({0x0f, 0x20, 0xe0})      // mov eax, cr4
                     .raw({0x0d})
                     .number(0x620, 4)         // or eax, 620h
                     .raw({0x0f, 0x22, 0xe0})  // mov cr4, eax
                     .raw({0xb8})
                     .number(place::pml4, 4)   // mov eax, pml4
                     .raw({0x0f, 0x22, 0xd8})  // mov cr3, eax
                     .raw({0xb9})
                     .number(0xc000'0080, 4)  // mov ecx, EFER
                     .raw({0x0f, 0x32})       // rdmsr
                     .raw({0x0d})
                     .number(0x900, 4)         // or eax, 900h: NXE LME
                     .raw({0x0f, 0x30})        // wrmsr
                     .raw({0x0f, 0x20, 0xc0})  // mov eax, cr0
                     .raw({0x0d})
                     .number(0x8001'0000, 4)   // or eax, 80010000h: PG WP
                     .raw({0x0f, 0x22, 0xc0})  // mov cr0, eax
                     .raw({0xea})
                     .number(in_64_bits, 4)
                     .number(kernel_code, 2),  // jmp 10h:in_64_bits
                 in_32_bits);
    rig.put_code(GuestCode()
                     .set(rax, 0x1122'3344'5566'7788)
                     .raw({0x50, 0x41, 0x58})  // push rax; pop r8
                     .store(place::results, r8)
                     .out(0x80)
                     .hlt(),
                 in_64_bits);
    rig.engine->set_state(RealModeRig::initial());
    rig.run_until(ExitKind::halted);
    CHECK(rig.door.text() == "port_write 80/1 = 88\n");
    CHECK(rig.memory.number(place::results) == 0x1122'3344'5566'7788);
    const CpuState s = rig.engine->state();
    CHECK(s.efer == 0xd00);
    CHECK(s.cr0 == 0x8001'0011);
    CHECK(s.segment[unsigned(SegmentName::cs)].selector == kernel_code);
    CHECK(s.gpr[unsigned(rsp)] == place::stack_top);
  });
}

}  // namespace lockstitch::test

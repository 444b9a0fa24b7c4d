// MSRs of the local APIC are the machine's, all others the engine's.
#include "tests/contract/engine/long_mode_rig.h"

namespace lockstitch::test {

using enum Gpr;

namespace {
constexpr std::uint32_t apic_base = 0x1b;
}

TEST_CASE("the base of the local APIC is read and written through the door") {
  for_each_engine([](const EngineUnderTest& kind) {
    LongModeRig rig(kind);
    rig.put_code(GuestCode()
                     .set(rcx, apic_base)
                     .set(rax, ~0ull)
                     .set(rdx, ~0ull)
                     .raw({0x0f, 0x32})  // rdmsr
                     .store(place::results, rax)
                     .store(place::results + 8, rdx)
                     .set(rax, 0xffff'ffff'fee0'0d00)
                     .set(rdx, 0xffff'ffff'0000'0012)
                     .raw({0x0f, 0x30})  // wrmsr
                     .hlt());
    rig.door.values = {0x1234'5678'fee0'0900};
    rig.run_until(ExitKind::halted);
    CHECK(rig.door.text() == "msr_read 1b\nmsr_write 1b = 12fee00d00\n");
    CHECK(rig.memory.number(place::results) == 0xfee0'0900);
    CHECK(rig.memory.number(place::results + 8) == 0x1234'5678);
  });
}

TEST_CASE("an access to an MSR of the local APIC that is refused raises #GP(0) at the instruction") {
  for_each_engine([](const EngineUnderTest& kind) {
    for (const bool write : {false, true}) {
      CAPTURE(write);
      LongModeRig rig(kind);
      rig.put_code(GuestCode({0x0f, static_cast<std::uint8_t>(write ? 0x30 : 0x32)}).out(0x80).hlt());
      rig.change([](CpuState& s) {
        s.gpr[unsigned(rcx)] = apic_base;
        s.gpr[unsigned(rax)] = 0x1111'1111'1111'1111;
        s.gpr[unsigned(rdx)] = 0x2222'2222'2222'2222;
      });
      rig.door.answer = [](const Exit&, ExitReply& reply) { reply.fault = true; };
      rig.run_until(ExitKind::halted);
      CHECK(rig.door.text() == (write ? "msr_write 1b = 2222222211111111\n" : "msr_read 1b\n"));
      CHECK(rig.engine->state().rip == LongModeRig::halted_in(13));
      const Frame frame = rig.frame(true);
      CHECK(frame.code == 0);
      CHECK(frame.rip == place::code);
      CHECK(rig.gpr(rax) == 0x1111'1111'1111'1111);
      CHECK(rig.gpr(rdx) == 0x2222'2222'2222'2222);
    }
  });
}

TEST_CASE("other MSRs do not leave through the door") {
  for_each_engine([](const EngineUnderTest& kind) {
    LongModeRig rig(kind);
    GuestCode code;
    for (const std::uint32_t index : {0x174u, 0x277u, 0xc000'0080u, 0xc000'0081u, 0xc000'0102u})
      code.set(rcx, index).raw({0x0f, 0x32, 0x0f, 0x30});  // rdmsr; wrmsr
    rig.put_code(code.hlt());
    rig.run_until(ExitKind::halted);
    CHECK(rig.door.text() == "");
    CHECK(rig.engine->state().rip == place::code + code.size());
  });
}

}  // namespace lockstitch::test

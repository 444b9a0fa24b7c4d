// The model's option "hyperv": the leaves, and which MSRs leave through the door. Without it nothing is there.
#include <doctest/doctest.h>

#include "tests/unit/interp/rig.h"
#include "vmm/engine/interp/cpuid.h"

namespace lockstitch::test {

using enum Gpr;

namespace {
constexpr interp::CpuModel with_hyperv{.hyperv = true};

struct Text {
  char bytes[13] = {};
};
Text vendor(const interp::CpuidResult& r) {
  Text text;
  std::memcpy(text.bytes, &r.ebx, 4);
  std::memcpy(text.bytes + 4, &r.ecx, 4);
  std::memcpy(text.bytes + 8, &r.edx, 4);
  return text;
}
bool same(const interp::CpuidResult& a, const interp::CpuidResult& b) {
  return a.eax == b.eax && a.ebx == b.ebx && a.ecx == b.ecx && a.edx == b.edx;
}
}  // namespace

TEST_CASE("the hypervisor leaves are those of the option; all others do not depend on it") {
  const interp::CpuidResult base = interp::cpuid(0x4000'0000, 0, with_hyperv);
  CHECK(base.eax == 0x4000'0006);
  CHECK(std::string(vendor(base).bytes) == "Microsoft Hv");
  CHECK(interp::cpuid(0x4000'0001, 0, with_hyperv).eax == 0x3123'7648);
  CHECK(interp::cpuid(0x4000'0003, 0, with_hyperv).eax == 0xa6e);
  CHECK(interp::cpuid(0x4000'0003, 0, with_hyperv).edx == 0x8'0500);
  CHECK(interp::cpuid(0x4000'0004, 0, with_hyperv).eax == 0x220);
  CHECK(interp::cpuid(0x4000'0004, 0, with_hyperv).ebx == 0xffff'ffff);
  CHECK(same(interp::cpuid(0x4000'0006, 0, with_hyperv), {}));
  CHECK(same(interp::cpuid(0x4000'0007, 0, with_hyperv), {}));
  for (std::uint32_t leaf = 0x4000'0000; leaf < 0x4000'0010; ++leaf) CHECK(same(interp::cpuid(leaf, 0), {}));
  for (const std::uint32_t first : {0u, 0x4000'0100u, 0x8000'0000u})
    for (std::uint32_t leaf = first; leaf < first + 0x20; ++leaf)
      for (std::uint32_t subleaf = 0; subleaf < 4; ++subleaf)
        CHECK(same(interp::cpuid(leaf, subleaf), interp::cpuid(leaf, subleaf, with_hyperv)));
}

TEST_CASE("CPUID answers by the model of its CPU") {
  for (const bool hyperv : {false, true}) {
    Rig rig({.hyperv = hyperv});
    rig.put(place::code, {0x0f, 0xa2, 0xf4});  // cpuid; hlt
    rig.change([](CpuState& s) { s.gpr[0] = 0x4000'0001; });
    rig.run(100);
    CHECK(rig.gpr(rax) == (hyperv ? 0x3123'7648 : 0));
  }
}

TEST_CASE("the reference counter is #GP without the option and leaves through the door with it") {
  for (const bool hyperv : {false, true}) {
    CAPTURE(hyperv);
    Rig rig({.hyperv = hyperv});
    rig.put(place::code, {0x0f, 0x32, 0xf4});  // rdmsr; hlt
    rig.change([](CpuState& s) { s.gpr[1] = 0x4000'0020; });
    rig.door.answer = [](const Exit&, ExitReply& reply) { reply.value = 0x1234'5678'9abc'def0; };
    const Exit exit = rig.run(100);
    CHECK(exit.kind == ExitKind::halted);
    CHECK(rig.door.seen.size() == (hyperv ? 1 : 0));
    if (hyperv) {
      CHECK(rig.door.seen[0].kind == ExitKind::msr_read);
      CHECK(rig.door.seen[0].address == 0x4000'0020);
      CHECK(rig.gpr(rax) == 0x9abc'def0);
      CHECK(rig.gpr(rdx) == 0x1234'5678);
      CHECK(rig.engine->state().rip == place::code + 3);
    } else {
      CHECK(rig.engine->state().rip == place::handlers + 13 * 16 + 1);
    }
  }
}

TEST_CASE("MSRs beside the range are #GP with the option too; a refused one in it is #GP") {
  for (const std::uint32_t index : {0x3fff'ffffu, 0x4000'0200u, 0x4000'0070u}) {
    CAPTURE(index);
    Rig rig(with_hyperv);
    rig.put(place::code, {0x0f, 0x30, 0xf4});  // wrmsr; hlt
    rig.change([index](CpuState& s) { s.gpr[1] = index; });
    rig.door.answer = [](const Exit&, ExitReply& reply) { reply.fault = true; };
    rig.run(100);
    CHECK(rig.door.seen.size() == (index == 0x4000'0070 ? 1 : 0));
    CHECK(rig.engine->state().rip == place::handlers + 13 * 16 + 1);
  }
}

TEST_CASE("the distance of the TSC is told behind its write and in front of the reference page's") {
  for (const bool hyperv : {false, true}) {
    CAPTURE(hyperv);
    Rig rig({.hyperv = hyperv});
    rig.put(place::code,
            {0x0f, 0x30, 0xb9, 0x21, 0x00, 0x00, 0x40, 0x0f, 0x30, 0xf4});  // wrmsr; mov ecx, 40000021h; wrmsr; hlt
    rig.change([](CpuState& s) { s.gpr[1] = 0x10; });                       // TSC := 0
    rig.run(100);
    CHECK(rig.engine->state().tsc_offset == 0 - std::uint64_t{1000});
    // First it asks the APIC for a deadline.
    REQUIRE(rig.door.seen.size() == (hyperv ? 4 : 1));
    CHECK(rig.door.seen[0].kind == ExitKind::msr_read);
    CHECK(rig.door.seen[0].address == 0x6e0);
    if (!hyperv) continue;
    for (const unsigned i : {1u, 2u}) {
      CHECK(rig.door.seen[i].kind == ExitKind::msr_write);
      CHECK(rig.door.seen[i].address == 0x10);
      CHECK(rig.door.seen[i].value == 0 - std::uint64_t{1000});
    }
    CHECK(rig.door.seen[3].address == 0x4000'0021);
    CHECK(rig.engine->state().rip == place::code + 10);
  }
}

TEST_CASE("the APIC's deadline is the virtual time of a value of the counter, whatever the counter is set to") {
  constexpr std::uint64_t now = 1000, never = ~0ull;
  struct Case {
    std::uint64_t counter, deadline, expected;
  };
  const Case cases[] = {
      {0, 500, now + 500}, {5'000'000, 5'000'100, now + 100},
      {5'000'000, 1, now}, {5'000'000, 4'999'999, now - 1},
      {10, never, never},  {1ull << 63, 7, now},
      {900, 50, 150},
  };
  for (const Case& c : cases) {
    CAPTURE(c.counter);
    CAPTURE(c.deadline);
    Rig rig;
    rig.put(place::code, {0x0f, 0x30, 0x0f, 0x32, 0xf4});  // wrmsr; rdmsr; hlt
    rig.change([&](CpuState& s) {
      s.tsc_offset = c.counter - now;
      s.gpr[0] = c.deadline & 0xffff'ffff;
      s.gpr[1] = 0x6e0;
      s.gpr[2] = c.deadline >> 32;
    });
    rig.door.answer = [&](const Exit&, ExitReply& reply) { reply.value = rig.door.seen[0].value; };
    rig.run(100);
    REQUIRE(rig.door.seen.size() == 2);
    CHECK(rig.door.seen[0].value == c.expected);
    // What is not in the past reads back as it was written.
    const CpuState s = rig.engine->state();
    if (c.deadline > c.counter) CHECK((s.gpr[2] << 32 | s.gpr[0]) == c.deadline);

    // Set back by 10, the counter comes there so much later.
    if (c.deadline <= c.counter || c.deadline == never || c.counter < 10) continue;
    Rig again;
    again.put(place::code, {0x0f, 0x30, 0xf4});
    again.change([&](CpuState& before) {
      before.tsc_offset = c.counter - now;
      before.gpr[0] = (c.counter - 10) & 0xffff'ffff;
      before.gpr[1] = 0x10;
      before.gpr[2] = (c.counter - 10) >> 32;
    });
    again.door.answer = [&](const Exit&, ExitReply& reply) { reply.value = c.expected; };
    again.run(100);
    REQUIRE(again.door.seen.size() == 2);
    CHECK(again.door.seen[1].kind == ExitKind::msr_write);
    CHECK(again.door.seen[1].address == 0x6e0);
    CHECK(again.door.seen[1].value == c.expected + 10);
  }
}

}  // namespace lockstitch::test

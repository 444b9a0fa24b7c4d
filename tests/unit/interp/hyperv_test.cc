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
    rig.put(place::code, {0x0f, 0x30, 0xb9, 0x21, 0x00, 0x00, 0x40, 0x0f, 0x30, 0xf4});  // wrmsr; mov ecx, 40000021h; wrmsr; hlt
    rig.change([](CpuState& s) { s.gpr[1] = 0x10; });                                    // TSC := 0
    rig.run(100);
    CHECK(rig.engine->state().tsc_offset == 0 - std::uint64_t{1000});
    if (!hyperv) {
      CHECK(rig.door.seen.empty());
      continue;
    }
    REQUIRE(rig.door.seen.size() == 3);
    for (const unsigned i : {0u, 1u}) {
      CHECK(rig.door.seen[i].kind == ExitKind::msr_write);
      CHECK(rig.door.seen[i].address == 0x10);
      CHECK(rig.door.seen[i].value == 0 - std::uint64_t{1000});
    }
    CHECK(rig.door.seen[2].address == 0x4000'0021);
    CHECK(rig.engine->state().rip == place::code + 10);
  }
}

}  // namespace lockstitch::test

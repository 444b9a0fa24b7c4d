// Claims about the floating-point state as a whole: images in memory, MXCSR, who may use it, and that handlers leave no
// trace on the host's stack.
#include <doctest/doctest.h>

#include <pthread.h>

#include "tests/unit/fpu/engine_rig.h"
#include "tests/unit/fpu/native.h"
#include "tests/unit/fpu/operands.h"
#include "vmm/engine/interp/row.h"

namespace lockstitch::test {
namespace {

using Code = std::vector<std::uint8_t>;

CpuState odd_cpu(Random& random) {
  CpuState cpu = long_mode_cpu();
  odd_state(random, cpu);
  cpu.gpr[unsigned(Gpr::rsi)] = scratch;
  return cpu;
}

template <class T>
T number(const std::uint8_t* at) {
  T value;
  std::memcpy(&value, at, sizeof(T));
  return value;
}

/// Memory of the host for the native side of a comparison.
struct alignas(64) HostImage {
  std::uint8_t bytes[512];
};

void same_float(const CpuState& ours, const CpuState& theirs) {
  CHECK(ours.xmm == theirs.xmm);
  CHECK(ours.st == theirs.st);
  CHECK(ours.mxcsr == theirs.mxcsr);
  CHECK(ours.fpu_control == theirs.fpu_control);
  CHECK(ours.fpu_status == theirs.fpu_status);
  CHECK(ours.fpu_tag == theirs.fpu_tag);
}

TEST_CASE("FXSAVE writes the host's image without pointers and leaves its end alone") {
  EngineRig rig;
  Native native;
  Random random(run_seed());
  for (unsigned round = 0; round < 50; ++round) {
    CpuState cpu = odd_cpu(random);
    const bool rex_w = random.one_in(2);
    const Code code = rex_w ? Code{0x48, 0x0f, 0xae, 0x06} : Code{0x0f, 0xae, 0x06};
    HostImage image;
    std::memset(image.bytes, 0xcc, 512);
    std::memset(rig.ram.at(scratch_gpa), 0xcc, 512);
    const auto ours = rig.run(cpu, code);
    cpu.gpr[unsigned(Gpr::rsi)] = reinterpret_cast<std::uint64_t>(image.bytes);
    native.run(cpu, code);
    std::memset(image.bytes + 6, 0, 18);  // FOP, FIP, FDP
    CHECK_FALSE(ours.vector);
    CHECK(std::memcmp(rig.ram.at(scratch_gpa), image.bytes, 512) == 0);
  }
}

TEST_CASE("FXRSTOR takes any image as the host does") {
  EngineRig rig;
  Native native;
  Random random(run_seed());
  for (unsigned round = 0; round < 100; ++round) {
    CpuState cpu = odd_cpu(random);
    const Code code{0x0f, 0xae, 0x0e};
    HostImage image;
    for (auto& b : image.bytes) b = static_cast<std::uint8_t>(random.next());
    const bool reserved = random.one_in(8);
    if (!reserved) image.bytes[26] = image.bytes[27] = 0;
    std::memcpy(rig.ram.at(scratch_gpa), image.bytes, 512);
    const auto ours = rig.run(cpu, code);
    cpu.gpr[unsigned(Gpr::rsi)] = reinterpret_cast<std::uint64_t>(image.bytes);
    const auto theirs = native.run(cpu, code);
    CHECK(ours.vector == theirs.vector);
    CHECK(ours.vector == (reserved && (image.bytes[26] | image.bytes[27]) ? std::optional<unsigned>(13) : std::nullopt));
    same_float(ours.cpu, theirs.cpu);
  }
}

TEST_CASE("outside 64-bit mode FXSAVE and FXRSTOR know eight XMM registers") {
  EngineRig rig;
  Random random(run_seed());
  CpuState cpu = odd_cpu(random);
  cpu.segment[unsigned(SegmentName::cs)].attributes = 0xc09b;
  std::memset(rig.ram.at(scratch_gpa), 0xcc, 512);
  rig.run(cpu, Code{0x0f, 0xae, 0x06});
  CHECK(std::memcmp(rig.ram.at(scratch_gpa) + 160, cpu.xmm.data(), 128) == 0);
  CHECK(*(rig.ram.at(scratch_gpa) + 288) == 0xcc);
  std::memset(rig.ram.at(scratch_gpa) + 160, 0x11, 256);
  const auto restored = rig.run(cpu, Code{0x0f, 0xae, 0x0e});
  CHECK(restored.cpu.xmm[7][0] == 0x11);
  CHECK(restored.cpu.xmm[8] == cpu.xmm[8]);
}

TEST_CASE("FXSAVE and FXRSTOR demand alignment") {
  EngineRig rig;
  CpuState cpu = long_mode_cpu();
  cpu.gpr[unsigned(Gpr::rsi)] = scratch + 8;
  CHECK(rig.run(cpu, Code{0x0f, 0xae, 0x06}).vector == 13u);
  CHECK(rig.run(cpu, Code{0x0f, 0xae, 0x0e}).vector == 13u);
}

TEST_CASE("FNSAVE and FNSTENV write the host's image without pointers, then mask or reset") {
  EngineRig rig;
  Native native;
  Random random(run_seed());
  for (unsigned round = 0; round < 100; ++round) {
    CpuState cpu = odd_cpu(random);
    cpu.fpu_control &= static_cast<std::uint16_t>(~(random.next() & 0x3f));
    if (cpu.fpu_status & ~cpu.fpu_control & 0x3f) cpu.fpu_status |= 0x8080;
    const bool narrow = random.one_in(2), all = random.one_in(2);
    Code code = all ? Code{0xdd, 0x36} : Code{0xd9, 0x36};
    if (narrow) code.insert(code.begin(), 0x66);
    HostImage image;
    std::memset(image.bytes, 0xcc, 512);
    std::memset(rig.ram.at(scratch_gpa), 0xcc, 512);
    const auto ours = rig.run(cpu, code);
    cpu.gpr[unsigned(Gpr::rsi)] = reinterpret_cast<std::uint64_t>(image.bytes);
    const auto theirs = native.run(cpu, code);
    if (narrow)
      std::memset(image.bytes + 6, 0, 8);
    else
      std::memset(image.bytes + 12, 0, 14);
    CHECK(std::memcmp(rig.ram.at(scratch_gpa), image.bytes, 512) == 0);
    same_float(ours.cpu, theirs.cpu);
  }
}

TEST_CASE("FRSTOR, FLDENV, FLDCW and LDMXCSR take any image as the host does") {
  EngineRig rig;
  Native native;
  Random random(run_seed());
  const Code codes[] = {{0xdd, 0x26}, {0x66, 0xdd, 0x26}, {0xd9, 0x26}, {0x66, 0xd9, 0x26}, {0xd9, 0x2e}, {0x0f, 0xae, 0x16}};
  for (unsigned round = 0; round < 300; ++round) {
    const Code& code = codes[random.below(6)];
    CpuState cpu = odd_cpu(random);
    HostImage image;
    for (auto& b : image.bytes) b = static_cast<std::uint8_t>(random.next());
    if (!random.one_in(4)) image.bytes[2] = image.bytes[3] = 0;  // MXCSR
    std::memcpy(rig.ram.at(scratch_gpa), image.bytes, 512);
    const auto ours = rig.run(cpu, code);
    cpu.gpr[unsigned(Gpr::rsi)] = reinterpret_cast<std::uint64_t>(image.bytes);
    const auto theirs = native.run(cpu, code);
    CHECK(ours.vector == theirs.vector);
    same_float(ours.cpu, theirs.cpu);
  }
}

TEST_CASE("after LDMXCSR unmasks an exception the next instruction raises it") {
  EngineRig rig;
  CpuState cpu = long_mode_cpu();
  cpu.gpr[unsigned(Gpr::rsi)] = scratch;
  const std::uint32_t mxcsr = 0x1f80 & ~0x200u;  // ZM
  std::memcpy(rig.ram.at(scratch_gpa), &mxcsr, 4);
  const double one = 1.0;
  std::memcpy(cpu.xmm[0].data(), &one, 8);
  const Code code{0x0f, 0xae, 0x16, 0xf2, 0x0f, 0x5e, 0xc1};  // ldmxcsr [rsi]; divsd xmm0, xmm1
  const auto out = rig.run(cpu, code, 2);
  CHECK(out.vector == 19u);
  CHECK(out.cpu.mxcsr == (mxcsr | 4));
  CHECK(out.cpu.xmm[0] == cpu.xmm[0]);
  CHECK(number<std::uint64_t>(rig.ram.at(stack_top - 40)) == code_at + 3);
  cpu.cr4 &= ~0x400ull;
  CHECK(rig.run(cpu, code, 2).vector == 6u);
}

TEST_CASE("a pending x87 exception waits for the next waiting instruction") {
  EngineRig rig;
  CpuState cpu = long_mode_cpu();
  cpu.fpu_control = 0x37b;  // ZM clear
  // fld1; fldz; fdivp; fnstsw ax; nop; fwait
  const Code code{0xd9, 0xe8, 0xd9, 0xee, 0xde, 0xf9, 0xdf, 0xe0, 0x90, 0x9b};
  const auto out = rig.run(cpu, code, 6);
  CHECK(out.vector == 16u);
  CHECK((out.cpu.gpr[0] & 0x8084) == 0x8084);
  CHECK(number<std::uint64_t>(rig.ram.at(stack_top - 40)) == code_at + 9);
  cpu.cr0 &= ~0x20ull;  // NE
  const auto ignored = rig.run(cpu, code, 6);
  CHECK_FALSE(ignored.vector);
  CHECK(ignored.cpu.rip == code_at + code.size());
}

TEST_CASE("TS, EM, MP and OSFXSR decide who may use the state") {
  struct Claim {
    const char* what;
    Code code;
    int plain, ts, em, ts_mp, no_sse;
  };
  const Claim claims[] = {
      {"fld1", {0xd9, 0xe8}, -1, 7, 7, 7, -1},
      {"fwait", {0x9b}, -1, -1, -1, 7, -1},
      {"fxsave", {0x0f, 0xae, 0x06}, -1, 7, 7, 7, -1},
      {"paddb mm", {0x0f, 0xfc, 0xc1}, -1, 7, 6, 7, -1},
      {"emms", {0x0f, 0x77}, -1, 7, 6, 7, -1},
      {"paddb xmm", {0x66, 0x0f, 0xfc, 0xc1}, -1, 7, 6, 7, 6},
      {"addps", {0x0f, 0x58, 0xc1}, -1, 7, 6, 7, 6},
      {"stmxcsr", {0x0f, 0xae, 0x1e}, -1, 7, 6, 7, 6},
      {"cvtpi2ps", {0x0f, 0x2a, 0xc1}, -1, 7, 6, 7, 6},
      {"movnti", {0x0f, 0xc3, 0x06}, -1, -1, -1, -1, -1},
      {"crc32", {0xf2, 0x0f, 0x38, 0xf0, 0xc1}, -1, -1, -1, -1, -1},
  };
  EngineRig rig;
  const auto vector = [&](const Code& code, std::uint64_t cr0_set, std::uint64_t cr4_clear) {
    CpuState cpu = long_mode_cpu();
    cpu.gpr[unsigned(Gpr::rsi)] = scratch;
    cpu.cr0 |= cr0_set;
    cpu.cr4 &= ~cr4_clear;
    const auto out = rig.run(cpu, code);
    return out.vector ? static_cast<int>(*out.vector) : -1;
  };
  for (const Claim& claim : claims) {
    CAPTURE(claim.what);
    CHECK(vector(claim.code, 0, 0) == claim.plain);
    CHECK(vector(claim.code, 8, 0) == claim.ts);
    CHECK(vector(claim.code, 4, 0) == claim.em);
    CHECK(vector(claim.code, 10, 0) == claim.ts_mp);
    CHECK(vector(claim.code, 0, 0x200) == claim.no_sse);
  }
}

TEST_CASE("a store that faults changes nothing") {
  EngineRig rig;
  Random random(run_seed());
  const Code codes[] = {{0xdd, 0x1e}, {0xdb, 0x3e}, {0xdf, 0x36}, {0xdd, 0x36}, {0x0f, 0x29, 0x06}, {0x0f, 0x7f, 0x06}, {0x0f, 0xae, 0x06}};
  for (const Code& code : codes) {
    CpuState cpu = odd_cpu(random);
    cpu.gpr[unsigned(Gpr::rsi)] = 0x4000'0000;
    const auto out = rig.run(cpu, code);
    CHECK(out.vector == 14u);
    CHECK(out.cpu.cr2 == 0x4000'0000);
    same_float(out.cpu, cpu);
  }
}

TEST_CASE("an operand across two pages is whole, and nothing is stored if the second page faults") {
  EngineRig rig;
  Random random(run_seed());
  CpuState cpu = odd_cpu(random);
  cpu.gpr[unsigned(Gpr::rsi)] = window + 0x2'0ffa;
  const auto out = rig.run(cpu, Code{0x0f, 0x11, 0x1e, 0xf3, 0x0f, 0x6f, 0x26}, 2);  // movups [rsi], xmm3; movdqu xmm4, [rsi]
  CHECK(out.cpu.xmm[4] == cpu.xmm[3]);
  CHECK(std::memcmp(rig.ram.at(0x2'0ffa), cpu.xmm[3].data(), 16) == 0);
  std::memset(rig.ram.at(0x1f'fff0), 0x55, 16);
  cpu.gpr[unsigned(Gpr::rsi)] = 0x1f'fffc;  // the next large page is not mapped
  const auto fault = rig.run(cpu, Code{0x0f, 0x11, 0x1e});
  CHECK(fault.vector == 14u);
  CHECK(fault.cpu.cr2 == 0x20'0000);
  CHECK(*rig.ram.at(0x1f'ffff) == 0x55);
}

TEST_CASE("an operand that comes through the door finds the state as it was") {
  EngineRig rig;
  rig.ram.put64(0x3000 + 8 * 5, 0x20'0083);  // 0xa00000: no memory behind it
  CpuState cpu = long_mode_cpu();
  cpu.gpr[unsigned(Gpr::rsi)] = 0xa0'0000;
  // fld1; fldpi; fadd qword [rsi]; faddp; fistp qword [rsi]; cvttsd2si eax, [rsi]; paddd xmm0, [rsi]; stmxcsr [rsp]
  const Code code{0xd9, 0xe8, 0xd9, 0xeb, 0xdc, 0x06, 0xde, 0xc1, 0xdf, 0x3e, 0x66, 0x0f, 0xfe, 0x06};
  const auto out = rig.run(cpu, code, 6);
  CHECK_FALSE(out.vector);
  CHECK(rig.door.exits == 4);
  CHECK((out.cpu.fpu_status & 0x3800) == 0);
  CHECK(out.cpu.fpu_tag == 0);
  CHECK((out.cpu.fpu_status & 0x20) == 0x20);
}

TEST_CASE("sticky flags outlive the run that set them") {
  EngineRig rig;
  CpuState cpu = long_mode_cpu();
  const double one = 1.0, three = 3.0;
  std::memcpy(cpu.xmm[0].data(), &one, 8);
  std::memcpy(cpu.xmm[1].data(), &three, 8);
  const auto first = rig.run(cpu, Code{0xf2, 0x0f, 0x5e, 0xc1});  // divsd
  CHECK(first.cpu.mxcsr == 0x1fa0);
  CpuState next = first.cpu;
  next.gpr[unsigned(Gpr::rsi)] = scratch;
  const auto second = rig.run(next, Code{0x0f, 0xae, 0x1e});
  CHECK(number<std::uint32_t>(rig.ram.at(scratch_gpa)) == 0x1fa0);
  CHECK(second.cpu.mxcsr == 0x1fa0);
  next.mxcsr = 0x1f80;
  CHECK(rig.run(next, Code{0x90}).cpu.mxcsr == 0x1f80);
}

// ---- the host's stack ----

/// Every row in register, fast and slow memory form, and a jump back to the start.
Code endless_loop() {
  Code code;
  const auto add = [&](const interp::Row& row, bool memory, bool narrow) {
    using namespace interp;
    if (row.attrs & (attr::system | attr::implicit_memory)) return;
    if (memory && (!(row.attrs & attr::modrm) || row.mod == Mod::reg)) return;
    if (!memory && row.mod == Mod::memory) return;
    if (narrow) code.push_back(0x67);
    if (row.prefix == Prefix::p66) code.push_back(0x66);
    if (row.prefix == Prefix::pf3) code.push_back(0xf3);
    if (row.prefix == Prefix::pf2) code.push_back(0xf2);
    if (row.map != Map::one) code.push_back(0x0f);
    if (row.map == Map::three38) code.push_back(0x38);
    if (row.map == Map::three3a) code.push_back(0x3a);
    code.push_back(row.opcode);
    const unsigned digit = row.digit >= 0 ? static_cast<unsigned>(row.digit) : 0, rm = memory ? 6 : row.rm >= 0 ? static_cast<unsigned>(row.rm) : 1;
    if (row.attrs & attr::modrm) code.push_back(static_cast<std::uint8_t>((memory ? 0 : 0xc0) | digit << 3 | rm));
    if (row.imm == Imm::ib) code.push_back(1);
  };
  for (auto family : {interp::rows_x87(), interp::rows_mmx(), interp::rows_sse_move(), interp::rows_sse_float(), interp::rows_sse_integer(), interp::rows_sse4()})
    for (const interp::Row& row : family) {
      add(row, false, false);
      add(row, true, false);
      add(row, true, true);
    }
  const auto distance = -static_cast<std::int32_t>(code.size() + 5);
  code.push_back(0xe9);
  for (unsigned i = 0; i < 4; ++i) code.push_back(static_cast<std::uint8_t>(static_cast<std::uint32_t>(distance) >> (8 * i)));
  return code;
}

// So small a stack and so long a loop that one handler that leaves 32 bytes behind is found.
#if defined(LOCKSTITCH_SANITIZED)
constexpr std::size_t stack_bytes = 4u << 20;
constexpr unsigned loop_length = 100'000;
#else
constexpr std::size_t stack_bytes = 64u << 10;
constexpr unsigned loop_length = 4'000'000;
#endif

void* run_long(void* argument) {
  EngineRig& rig = *static_cast<EngineRig*>(argument);
  const Code code = endless_loop();
  for (const std::uint32_t mxcsr : {0x1f80u, 0x1f80u & ~0x400u}) {  // the second unmasks overflow: every instruction looks
    CpuState cpu = long_mode_cpu();
    cpu.mxcsr = mxcsr;
    cpu.gpr[unsigned(Gpr::rsi)] = scratch;
    const auto out = rig.run(cpu, code, loop_length);
    if (out.vector) return argument;
  }
  return nullptr;
}

TEST_CASE("handlers pass control without deepening the host's stack") {
  EngineRig rig;
  std::memset(rig.ram.at(scratch_gpa), 0, page_bytes);
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, stack_bytes);
  pthread_t thread;
  REQUIRE(pthread_create(&thread, &attributes, run_long, &rig) == 0);
  void* failed = nullptr;
  pthread_join(thread, &failed);
  pthread_attr_destroy(&attributes);
  CHECK(failed == nullptr);
}

}  // namespace
}  // namespace lockstitch::test

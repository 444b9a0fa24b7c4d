// The state of an engine is what was set, what the guest sees and what the guest sets.
#include <cstring>

#include "tests/contract/engine/long_mode_rig.h"
#include "vmm/engine/interp/cpuid.h"

namespace lockstitch::test {
namespace {

using enum Gpr;

constexpr std::uint32_t star = 0xc000'0081, lstar = 0xc000'0082, cstar = 0xc000'0083, fmask = 0xc000'0084,
                        fs_base = 0xc000'0100, gs_base = 0xc000'0101, kernel_gs_base = 0xc000'0102,
                        tsc_aux = 0xc000'0103, sysenter_cs = 0x174, sysenter_esp = 0x175, sysenter_eip = 0x176,
                        pat = 0x277;

Segment& segment_of(CpuState& s, SegmentName name) { return s.segment[unsigned(name)]; }

// Every field differs from every other and from what it is after a reset, as far as 64-bit mode lets it.
CpuState full_state(const LongModeRig& rig) {
  CpuState s = rig.initial();
  for (unsigned i = 0; i < 16; ++i) s.gpr[i] = 0x0123'4567'89ab'cdef * (2 * i + 1) + i;
  s.rflags = 0x2 | 0x20'0000 | 0xcd5;  // ID OF DF SF ZF AF PF CF
  segment_of(s, SegmentName::ds) = {user_data, 0, 0xffff'ffff, 0xc0f3};
  segment_of(s, SegmentName::es) = {0, 0, 0, 0x1'0000};
  segment_of(s, SegmentName::fs) = {kernel_data, 0x0000'1234'5678'9ab0, 0xffff'ffff, 0xc093};
  segment_of(s, SegmentName::gs) = {user_data, 0xffff'8765'4321'0ff8, 0xffff'ffff, 0xc0f3};
  segment_of(s, SegmentName::ldtr) = {0x38, 0xffff'9000'0000'1000, 0x57, 0x82};
  s.cr2 = 0xffff'a987'6543'2101;
  s.cr4 |= 0x88;  // PGE DE
  s.dr[0] = 0x1'1111'1000;
  s.dr[1] = 0x2'2222'2002;
  s.dr[2] = 0xffff'8000'3333'3004;
  s.dr[3] = 0x4'4444'4008;
  s.star = 0x0023'0010'1234'5678;
  s.lstar = 0xffff'8000'0000'1110;
  s.cstar = 0xffff'8000'0000'2220;
  s.fmask = 0x4'7700;
  s.kernel_gs_base = 0xffff'8123'4567'89a8;
  s.tsc_aux = 0x89ab'cdef;
  s.sysenter_cs = 0x10;
  s.sysenter_esp = 0xffff'8000'0000'3330;
  s.sysenter_eip = 0xffff'8000'0000'4440;
  s.pat = 0x0107'0605'0007'0406;
  s.fpu_control = 0xa7f;            // rounds up, 53 bits
  s.fpu_status = 5 << 11 | 0x4521;  // TOP 5, C3, C2, C0, PE, IE; all masked
  s.fpu_tag = 0xb7;
  s.mxcsr = 0x5fa1;  // rounds up, PE, IE
  for (unsigned i = 0; i < 8; ++i) {
    for (unsigned j = 0; j < 8; ++j) s.st[i][j] = static_cast<std::uint8_t>(i * 16 + j + 1);
    s.st[i][7] |= 0x80;  // normal numbers
    s.st[i][8] = static_cast<std::uint8_t>(0xf0 + i);
    s.st[i][9] = static_cast<std::uint8_t>(i % 2 ? 0xbf : 0x3f);
  }
  for (unsigned i = 0; i < 16; ++i)
    for (unsigned j = 0; j < 16; ++j) s.xmm[i][j] = static_cast<std::uint8_t>(i * 16 + j);
  return s;
}

// What MSRs hold that no processor needs to run: an engine may keep them itself, but may not lose them.
CpuState state_of_rare_registers(const LongModeRig& rig) {
  CpuState s = rig.initial();
  s.misc_enable = 0x1801;
  s.mtrr_default_type = 0xc06;
  for (unsigned i = 0; i < s.mtrr_fixed.size(); ++i)
    s.mtrr_fixed[i] = i % 2 ? 0x0605'0401'0006'0505 : 0x0001'0405'0601'0404;
  for (unsigned i = 0; i < s.mtrr_variable.size(); ++i)
    s.mtrr_variable[i] = i % 2 ? 0xff'f000'0800 : std::uint64_t{i} << 28 | 6;
  s.tsc_offset = 0xfedc'ba98'7654'3210;
  s.microcode_revision = 0x0000'0017'0000'0000;
  s.debug_control = 1;
  s.nmi_blocked = true;
  return s;
}

void check_equal(const CpuState& got, const CpuState& wanted) {
  const std::string found = difference(image_of(got), image_of(wanted));
  CHECK(found == "");
}
void check_equal_after_run(const LongModeRig& rig, const CpuState& got, const CpuState& wanted) {
  const std::string found = difference(rig.comparable(got), rig.comparable(wanted));
  CHECK(found == "");
}

std::uint64_t low64(const std::uint8_t* bytes, unsigned count = 8) {
  std::uint64_t value = 0;
  std::memcpy(&value, bytes, count);
  return value;
}

// rdmsr: EDX and EAX to `to`
void read_msr(GuestCode& code, std::uint32_t index, std::uint32_t to) {
  code.set(rcx, index).raw({0x0f, 0x32});                // rdmsr
  code.memory({0x89}, 0, to).memory({0x89}, 2, to + 4);  // mov [to], eax; mov [to+4], edx
}
void write_msr(GuestCode& code, std::uint32_t index, std::uint64_t value) {
  code.set(rcx, index).set(rax, value & 0xffff'ffff).set(rdx, value >> 32).raw({0x0f, 0x30});  // wrmsr
}

}  // namespace

TEST_CASE("state that is set comes back unchanged") {
  for_each_engine([](const EngineUnderTest& kind) {
    LongModeRig rig(kind);
    check_equal(rig.engine->state(), rig.initial());
    const CpuState s = full_state(rig);
    rig.engine->set_state(s);
    check_equal(rig.engine->state(), s);
    rig.engine->drop_caches();
    check_equal(rig.engine->state(), s);
  });
}

TEST_CASE("what only MSRs hold comes back unchanged, also after a run") {
  for_each_engine([](const EngineUnderTest& kind) {
    LongModeRig rig(kind);
    CpuState s = state_of_rare_registers(rig);
    rig.engine->set_state(s);
    check_equal(rig.engine->state(), s);
    rig.put_code(GuestCode().raw({0x90}).hlt());  // nop; hlt
    rig.run_until(ExitKind::halted);
    s.rip = place::code + 2;
    s.activity = Activity::halted;
    check_equal_after_run(rig, rig.engine->state(), s);
  });
}

TEST_CASE("state comes back unchanged after a run that does not touch it") {
  for_each_engine([](const EngineUnderTest& kind) {
    LongModeRig rig(kind);
    CpuState s = full_state(rig);
    rig.engine->set_state(s);
    rig.put_code(GuestCode().raw({0x90, 0x90}).out(0x80).hlt());  // nop; nop; out 80h, al; hlt
    rig.run_until(ExitKind::halted);
    s.rip = place::code + 5;
    s.activity = Activity::halted;
    check_equal_after_run(rig, rig.engine->state(), s);
  });
}

TEST_CASE("the state of a CPU at reset comes back unchanged") {
  for_each_engine([](const EngineUnderTest& kind) {
    LongModeRig rig(kind);
    rig.engine->set_state(cpu_at_reset());
    check_equal(rig.engine->state(), cpu_at_reset());
  });
}

TEST_CASE("what the CPU is doing comes back unchanged") {
  for_each_engine([](const EngineUnderTest& kind) {
    for (const Activity activity :
         {Activity::halted, Activity::wait_for_startup, Activity::shutdown, Activity::running}) {
      const auto number = unsigned(activity);
      CAPTURE(number);
      LongModeRig rig(kind);
      CpuState s = rig.initial();
      s.activity = activity;
      rig.engine->set_state(s);
      CHECK(rig.engine->activity() == activity);
      check_equal(rig.engine->state(), s);
    }
  });
}

TEST_CASE("the guest sees the state that was set") {
  for_each_engine([](const EngineUnderTest& kind) {
    LongModeRig rig(kind);
    CpuState s = full_state(rig);
    s.gpr[unsigned(rsp)] = place::stack_top;
    struct Finding {
      std::string what;
      std::uint32_t at;
      unsigned bytes;
      std::uint64_t wanted;
    };
    std::vector<Finding> findings;
    std::uint32_t next = place::results;
    const auto expect = [&](std::string what, std::uint64_t wanted, unsigned bytes = 8) {
      findings.push_back({std::move(what), next, bytes, wanted});
      next += 8;
      return next - 8;
    };
    GuestCode code;
    for (unsigned i = 0; i < 16; ++i) code.store(expect("register " + std::to_string(i), s.gpr[i]), Gpr(i));
    code.raw({0x9c, 0x58}).store(expect("RFLAGS", s.rflags), rax);  // pushfq; pop rax
    const std::pair<SegmentName, unsigned> selectors[] = {{SegmentName::es, 0}, {SegmentName::cs, 1},
                                                          {SegmentName::ss, 2}, {SegmentName::ds, 3},
                                                          {SegmentName::fs, 4}, {SegmentName::gs, 5}};
    for (const auto& [name, number] : selectors)  // mov [], sreg
      code.memory({0x8c}, number, expect("selector " + std::to_string(number), segment_of(s, name).selector, 2));
    code.memory({0x0f, 0x00}, 0, expect("LDTR", 0x38, 2));          // sldt
    code.memory({0x0f, 0x00}, 1, expect("TR", task, 2));            // str
    code.raw({0x0f, 0x20, 0xd0}).store(expect("CR2", s.cr2), rax);  // mov rax, cr2
    code.raw({0x0f, 0x20, 0xd8}).store(expect("CR3", s.cr3), rax);  // mov rax, cr3
    code.raw({0x0f, 0x20, 0xe0}).store(expect("CR4", s.cr4), rax);  // mov rax, cr4
    for (unsigned i = 0; i < 4; ++i) {
      code.raw({0x0f, 0x21, static_cast<std::uint8_t>(0xc0 | i << 3)});  // mov rax, dr
      code.store(expect("DR" + std::to_string(i), s.dr[i]), rax);
    }
    const std::pair<std::uint32_t, std::uint64_t> msrs[] = {{star, s.star},
                                                            {lstar, s.lstar},
                                                            {cstar, s.cstar},
                                                            {fmask, s.fmask},
                                                            {fs_base, segment_of(s, SegmentName::fs).base},
                                                            {gs_base, segment_of(s, SegmentName::gs).base},
                                                            {kernel_gs_base, s.kernel_gs_base},
                                                            {tsc_aux, s.tsc_aux},
                                                            {sysenter_cs, s.sysenter_cs},
                                                            {sysenter_esp, s.sysenter_esp},
                                                            {sysenter_eip, s.sysenter_eip},
                                                            {pat, s.pat}};
    for (const auto& [index, value] : msrs) {
      char name[16];
      std::snprintf(name, sizeof name, "MSR %x", index);
      read_msr(code, index, expect(name, value));
    }
    constexpr std::uint32_t image = place::results + 0x800;
    code.memory({0x0f, 0xae}, 0, image).hlt();  // fxsave
    const auto look = [&](std::string what, std::uint32_t at, std::uint64_t wanted, unsigned bytes) {
      findings.push_back({std::move(what), image + at, bytes, wanted});
    };
    look("FCW", 0, s.fpu_control, 2);
    look("FSW", 2, s.fpu_status, 2);
    look("FTW", 4, s.fpu_tag, 1);
    look("MXCSR", 24, s.mxcsr, 4);
    for (unsigned i = 0; i < 8; ++i) {
      look("mantissa of ST" + std::to_string(i), 32 + 16 * i, low64(s.st[i].data()), 8);
      look("exponent of ST" + std::to_string(i), 40 + 16 * i, low64(s.st[i].data() + 8, 2), 2);
    }
    for (unsigned i = 0; i < 16; ++i) {
      look("low half of XMM" + std::to_string(i), 160 + 16 * i, low64(s.xmm[i].data()), 8);
      look("high half of XMM" + std::to_string(i), 168 + 16 * i, low64(s.xmm[i].data() + 8), 8);
    }
    rig.put_code(code);
    rig.engine->set_state(s);
    rig.run_until(ExitKind::halted);
    for (const Finding& f : findings) {
      CAPTURE(f.what);
      CHECK(rig.memory.number(f.at, f.bytes) == f.wanted);
    }
  });
}

TEST_CASE("what the guest sets is in the state") {
  for_each_engine([](const EngineUnderTest& kind) {
    LongModeRig rig(kind);
    const CpuState s = full_state(rig);
    constexpr std::uint32_t image = place::data;
    std::array<std::uint8_t, 512> fx{};
    std::memcpy(fx.data(), &s.fpu_control, 2);
    std::memcpy(fx.data() + 2, &s.fpu_status, 2);
    fx[4] = s.fpu_tag;
    std::memcpy(fx.data() + 24, &s.mxcsr, 4);
    for (unsigned i = 0; i < 8; ++i) std::memcpy(fx.data() + 32 + 16 * i, s.st[i].data(), 10);
    for (unsigned i = 0; i < 16; ++i) std::memcpy(fx.data() + 160 + 16 * i, s.xmm[i].data(), 16);
    rig.memory.put(image, fx);

    GuestCode code;
    code.memory({0x0f, 0xae}, 1, image);  // fxrstor
    write_msr(code, star, s.star);
    write_msr(code, lstar, s.lstar);
    write_msr(code, cstar, s.cstar);
    write_msr(code, fmask, s.fmask);
    write_msr(code, kernel_gs_base, s.kernel_gs_base);
    write_msr(code, tsc_aux, s.tsc_aux);
    write_msr(code, sysenter_cs, s.sysenter_cs);
    write_msr(code, sysenter_esp, s.sysenter_esp);
    write_msr(code, sysenter_eip, s.sysenter_eip);
    write_msr(code, pat, s.pat);
    code.set(rax, user_data).raw({0x8e, 0xd8});    // mov ds, eax
    code.raw({0x31, 0xc0, 0x8e, 0xc0});            // xor eax, eax; mov es, eax
    code.set(rax, kernel_data).raw({0x8e, 0xe0});  // mov fs, eax
    code.set(rax, user_data).raw({0x8e, 0xe8});    // mov gs, eax
    write_msr(code, fs_base, s.segment[unsigned(SegmentName::fs)].base);
    write_msr(code, gs_base, s.segment[unsigned(SegmentName::gs)].base);
    code.set(rax, s.cr2).raw({0x0f, 0x22, 0xd0});  // mov cr2, rax
    code.set(rax, s.cr4).raw({0x0f, 0x22, 0xe0});  // mov cr4, rax
    for (unsigned i = 0; i < 4; ++i)
      code.set(rax, s.dr[i]).raw({0x0f, 0x23, static_cast<std::uint8_t>(0xc0 | i << 3)});  // mov dr, rax
    code.set(rax, s.rflags).raw({0x50, 0x9d});                                             // push rax; popfq
    for (unsigned i = 0; i < 16; ++i) code.set(Gpr(i), s.gpr[i]);
    code.hlt();
    rig.put_code(code);
    rig.run_until(ExitKind::halted);

    CpuState got = rig.engine->state();
    CHECK(got.rip == place::code + code.size());
    got.rip = s.rip;
    got.activity = s.activity;
    segment_of(got, SegmentName::ldtr) = s.segment[unsigned(SegmentName::ldtr)];  // not loaded
    // What is left in the hidden part of a null selector is the processor's business.
    CHECK(segment_of(got, SegmentName::es).selector == 0);
    CHECK((segment_of(got, SegmentName::es).attributes & 0x1'0000) != 0);
    segment_of(got, SegmentName::es) = s.segment[unsigned(SegmentName::es)];
    check_equal_after_run(rig, got, s);
  });
}

TEST_CASE("a change of the state between two runs is what the guest goes on with") {
  for_each_engine([](const EngineUnderTest& kind) {
    LongModeRig rig(kind);
    rig.put_code(GuestCode().set(rax, 1).hlt().store(place::results, rax).hlt());
    rig.run_until(ExitKind::halted);
    CHECK(rig.gpr(rax) == 1);
    rig.change([](CpuState& s) {
      s.gpr[unsigned(rax)] = 0x55;
      s.activity = Activity::running;
    });
    rig.run_until(ExitKind::halted);
    CHECK(rig.memory.number(place::results) == 0x55);
  });
}

TEST_CASE("CPUID answers from the model, twice the same") {
  for_each_engine([](const EngineUnderTest& kind) {
    LongModeRig rig(kind);
    GuestCode code;
    for (unsigned round = 0; round < 2; ++round) {
      for (unsigned leaf = 0; leaf < 2; ++leaf) {
        const std::uint32_t to = place::results + round * 64 + leaf * 16;
        code.set(rax, leaf).set(rcx, 0).raw({0x0f, 0xa2});  // cpuid
        code.memory({0x89}, 0, to).memory({0x89}, 3, to + 4).memory({0x89}, 1, to + 8).memory({0x89}, 2, to + 12);
      }
    }
    rig.put_code(code.hlt());
    rig.run_until(ExitKind::halted);
    CHECK(rig.memory.number(place::results + 4, 4) == 0x756e'6547);   // Genu
    CHECK(rig.memory.number(place::results + 12, 4) == 0x4965'6e69);  // ineI
    CHECK(rig.memory.number(place::results + 8, 4) == 0x6c65'746e);   // ntel
    CHECK(rig.memory.number(place::results + 16, 4) == interp::cpuid(1, 0).eax);
    for (unsigned i = 0; i < 32; i += 4)
      CHECK(rig.memory.number(place::results + i, 4) == rig.memory.number(place::results + 64 + i, 4));
    // Registers that CPUID writes are 32 bits wide.
    CHECK((rig.gpr(rax) >> 32) == 0);
    CHECK((rig.gpr(rbx) >> 32) == 0);
  });
}

}  // namespace lockstitch::test

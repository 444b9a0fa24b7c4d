// Exceptions go to the guest's handlers, and the instruction that faults has done nothing.
#include <algorithm>

#include "tests/contract/engine/long_mode_rig.h"

namespace lockstitch::test {
namespace {

using enum Gpr;

constexpr std::uint32_t read_only = place::data + 0x3000, not_executable = place::data + 0x4000,
                        kernel_only = place::data + 0x5000;

struct Fault {
  std::string text;
  GuestCode code;
  unsigned vector;
  bool has_code = false;
  std::uint64_t code_pushed = 0;
  std::uint64_t address = 0;  ///< of a page fault
};

constexpr std::uint64_t not_canonical = 0x8000'0000'0000'0000, far_away = 0x1234'5678'9000;

void check_fault(const EngineUnderTest& kind, const Fault& fault, unsigned ring, std::uint64_t at = place::code) {
  CAPTURE(fault.text);
  LongModeRig rig(kind);
  rig.set_page(read_only, 5);
  rig.set_page(not_executable, 7 | 1ull << 63);
  rig.set_page(kernel_only, 3);
  rig.put_code(GuestCode().append(fault.code).out(0x80).hlt(), at);
  CpuState s = rig.initial(ring);
  for (unsigned i = 0; i < 16; ++i)
    if (Gpr(i) != rsp) s.gpr[i] = 0x1111 * (i + 1);
  s.gpr[unsigned(rdx)] = 0x8000'0001;
  s.gpr[unsigned(rbx)] = 0;
  s.gpr[unsigned(rsi)] = not_canonical;
  s.gpr[unsigned(rdi)] = far_away;
  s.gpr[unsigned(r8)] = 0x83;          // a selector behind the end of the GDT
  s.gpr[unsigned(rcx)] = 0xc000'0080;  // EFER
  s.gpr[unsigned(rbp)] = place::stack_top;
  s.rip = at;
  s.cr2 = 0x5555;
  for (auto& xmm : s.xmm) xmm.fill(0x77);
  rig.engine->set_state(s);
  const auto memory_before = rig.memory.contents();
  rig.run_until(ExitKind::halted);

  CHECK(rig.door.text() == "");
  const CpuState after = rig.engine->state();
  CHECK(after.rip == LongModeRig::halted_in(fault.vector));
  const Frame frame = rig.frame(fault.has_code);
  CHECK(frame.code == fault.code_pushed);
  CHECK(frame.rip == at);
  CHECK(frame.cs == (ring == 0 ? kernel_code : user_code));
  CHECK((frame.rflags & ~0x1'0000ull) == 0x2);  // RF is set in the image
  CHECK(frame.rsp == place::stack_top);
  CHECK(frame.ss == (ring == 0 ? kernel_data : user_data));
  CHECK(after.cr2 == (fault.vector == 14 ? fault.address : 0x5555));
  for (unsigned i = 0; i < 16; ++i) {
    if (Gpr(i) == rsp) continue;
    CAPTURE(i);
    CHECK(after.gpr[i] == s.gpr[i]);
  }
  CHECK(after.xmm == s.xmm);
  CHECK(after.efer == s.efer);
  CHECK(after.cr4 == s.cr4);
  // But for the frame, memory is what it was.
  const auto memory_after = rig.memory.contents();
  const auto stack = [](const std::vector<std::uint8_t>& all) { return all.begin() + place::fault_stack_top; };
  CHECK(std::equal(memory_before.begin(), stack(memory_before) - page_bytes, memory_after.begin()));
  CHECK(std::equal(stack(memory_before), memory_before.end(), stack(memory_after)));
}

GuestCode on(std::initializer_list<std::uint8_t> opcode, unsigned reg, std::uint32_t address) {
  return GuestCode().memory(opcode, reg, address);
}

}  // namespace

TEST_CASE("faults go to their handlers with their error codes and retire nothing") {
  const Fault faults[] = {
      {"ud2", {0x0f, 0x0b}, 6},
      {"div ebx, by zero", {0xf7, 0xf3}, 0},
      {"div dl, too large", {0xf6, 0xf2}, 0},
      {"mov rax, [rsi], not canonical", {0x48, 0x8b, 0x06}, 13, true, 0},
      {"mov es, r8d, behind the GDT", {0x41, 0x8e, 0xc0}, 13, true, 0x80},
      {"wrmsr, bits that EFER does not have", {0x0f, 0x30}, 13, true, 0},
      {"mov cr4, rdi, bits that do not exist", {0x0f, 0x22, 0xe7}, 13, true, 0},
      {"movaps xmm0, [], not aligned", on({0x0f, 0x28}, 0, place::data + 1), 13, true, 0},
  };
  for_each_engine([&](const EngineUnderTest& kind) {
    for (const Fault& fault : faults) check_fault(kind, fault, 0);
  });
}

TEST_CASE("page faults tell the address in CR2 and what was tried in the error code, and retire nothing") {
  const Fault faults[] = {
      {"mov rax, [nowhere]", on({0x48, 0x8b}, 0, place::nowhere + 4), 14, true, 0, place::nowhere + 4},
      {"mov rax, [rdi], no table", {0x48, 0x8b, 0x07}, 14, true, 0, far_away},
      {"mov [nowhere], rax", on({0x48, 0x89}, 0, place::nowhere), 14, true, 2, place::nowhere},
      {"mov [read_only], rax", on({0x48, 0x89}, 0, read_only + 8), 14, true, 3, read_only + 8},
      {"inc qword [read_only]", on({0x48, 0xff}, 0, read_only), 14, true, 3, read_only},
      {"xchg [read_only], rax", on({0x48, 0x87}, 0, read_only), 14, true, 3, read_only},
      {"cmpxchg [read_only], rbp", on({0x48, 0x0f, 0xb1}, 5, read_only), 14, true, 3, read_only},
      {"push qword [nowhere]", on({0xff}, 6, place::nowhere), 14, true, 0, place::nowhere},
      {"pop qword [read_only]", on({0x8f}, 0, read_only), 14, true, 3, read_only},
      {"mov [read_only-4], rax, into the second page", on({0x48, 0x89}, 0, read_only - 4), 14, true, 3, read_only},
      {"movdqu [read_only], xmm0", on({0xf3, 0x0f, 0x7f}, 0, read_only), 14, true, 3, read_only},
  };
  for_each_engine([&](const EngineUnderTest& kind) {
    for (const Fault& fault : faults) check_fault(kind, fault, 0);
    check_fault(kind, {"code that may not run", {0x90}, 14, true, 0x11, not_executable}, 0, not_executable);
  });
}

TEST_CASE("ring 3 may not do what is the kernel's") {
  const Fault faults[] = {
      {"cli", {0xfa}, 13, true, 0},
      {"hlt", {0xf4}, 13, true, 0},
      {"in al, dx", {0xec}, 13, true, 0},
      {"out dx, eax", {0xef}, 13, true, 0},
      {"mov rax, cr0", {0x0f, 0x20, 0xc0}, 13, true, 0},
      {"rdmsr", {0x0f, 0x32}, 13, true, 0},
      {"mov rax, [kernel_only]", on({0x48, 0x8b}, 0, kernel_only), 14, true, 5, kernel_only},
      {"mov [kernel_only], rax", on({0x48, 0x89}, 0, kernel_only), 14, true, 7, kernel_only},
      {"mov [read_only], rax", on({0x48, 0x89}, 0, read_only), 14, true, 7, read_only},
      {"mov rax, [nowhere]", on({0x48, 0x8b}, 0, place::nowhere), 14, true, 4, place::nowhere},
  };
  for_each_engine([&](const EngineUnderTest& kind) {
    for (const Fault& fault : faults) check_fault(kind, fault, 3);
    check_fault(kind, {"code of the kernel's", {0x90}, 14, true, 0x15, kernel_only}, 3, kernel_only);
  });
}

TEST_CASE("a string instruction that faults in its middle has done the elements before") {
  for_each_engine([](const EngineUnderTest& kind) {
    constexpr std::uint32_t absent = place::data + 0x7000, from = absent - 5, to = place::data + 0x100;
    LongModeRig rig(kind);
    rig.set_page(absent, 0);
    rig.memory.put(from, {1, 2, 3, 4, 5});
    rig.put_code(GuestCode().raw({0xf3, 0xa4}).hlt());  // rep movsb
    rig.change([](CpuState& s) {
      s.gpr[unsigned(rsi)] = from;
      s.gpr[unsigned(rdi)] = to;
      s.gpr[unsigned(rcx)] = 10;
    });
    rig.run_until(ExitKind::halted);
    CHECK(rig.engine->state().rip == LongModeRig::halted_in(14));
    CHECK(rig.frame(true).code == 0);
    CHECK(rig.frame(true).rip == place::code);
    CHECK(rig.engine->state().cr2 == absent);
    CHECK(rig.gpr(rcx) == 5);
    CHECK(rig.gpr(rsi) == absent);
    CHECK(rig.gpr(rdi) == to + 5);
    CHECK(rig.memory.number(to) == 0x05'0403'0201);
  });
}

TEST_CASE("an instruction whose fault the handler has cured is executed once") {
  for_each_engine([](const EngineUnderTest& kind) {
    constexpr std::uint32_t absent = place::data + 0x7000;
    LongModeRig rig(kind);
    rig.set_page(absent, 0);
    rig.memory.put_number(absent, 100);
    const GuestCode code = GuestCode().memory({0x83}, 0, absent).number(5, 1).hlt();  // add dword [absent], 5
    rig.put_code(code);
    rig.put_handler(14, GuestCode()
                            .raw({0x83, 0x0c, 0x25})  // or dword [entry], 7
                            .number(LongModeRig::entry(absent), 4)
                            .number(7, 1)
                            .memory({0x0f, 0x01}, 7, absent)  // invlpg [absent]
                            .out(14)
                            .raw({0x48, 0x83, 0xc4, 0x08})  // add rsp, 8
                            .iretq());
    rig.run_until(ExitKind::halted);
    CHECK(rig.door.text() == "port_write e/1 = 0\n");
    CHECK(rig.memory.number(absent) == 105);
    CHECK(rig.engine->state().rip == place::code + code.size());
    CHECK(rig.gpr(rsp) == place::stack_top);
  });
}

TEST_CASE("INT n and INT3 return behind themselves") {
  for_each_engine([](const EngineUnderTest& kind) {
    LongModeRig rig(kind);
    const GuestCode code = GuestCode().raw({0xcd, 0x80}).out(1).raw({0xcc}).out(2).hlt();  // int 80h; out; int3; out
    rig.put_code(code);
    rig.put_handler(0x80, GuestCode().load(rbx, place::stack_top - 40).out(0x80).iretq());
    rig.put_handler(3, GuestCode().load(rdx, place::fault_stack_top - 40).out(3).iretq());
    rig.run_until(ExitKind::halted);
    CHECK(rig.door.text() == "port_write 80/1 = 0\nport_write 1/1 = 0\nport_write 3/1 = 0\nport_write 2/1 = 0\n");
    CHECK(rig.gpr(rbx) == place::code + 2);
    CHECK(rig.gpr(rdx) == place::code + 5);
    CHECK(rig.engine->state().rip == place::code + code.size());
  });
}

TEST_CASE("SYSCALL enters ring 0 and SYSRET leaves it") {
  for_each_engine([](const EngineUnderTest& kind) {
    constexpr std::uint32_t entry = place::code + 0x800;
    LongModeRig rig(kind);
    // syscall; mov [data], rax; ud2
    rig.put_code(GuestCode().raw({0x0f, 0x05}).store(place::data, rax).raw({0x0f, 0x0b}));
    // mov [results], rcx; mov [results+8], r11; mov [results+16], cs; out; mov rax, 1234h; sysretq
    rig.put_code(GuestCode()
                     .store(place::results, rcx)
                     .store(place::results + 8, r11)
                     .memory({0x8c}, 1, place::results + 16)
                     .memory({0x8c}, 2, place::results + 24)
                     .out(0x10)
                     .set(rax, 0x1234)
                     .raw({0x48, 0x0f, 0x07}),
                 entry);
    CpuState s = rig.initial(3);
    s.star = 0x0020'0010ull << 32;  // SYSRET: data 28h, code 30h
    s.lstar = entry;
    s.fmask = 0x700;
    s.rflags = 0xad7;  // OF SF ZF AF PF CF IF
    rig.engine->set_state(s);
    rig.run_until(ExitKind::halted);
    CHECK(rig.door.seen.size() == 1);
    CHECK(rig.memory.number(place::results) == place::code + 2);
    CHECK(rig.memory.number(place::results + 8) == 0xad7);
    CHECK(rig.memory.number(place::results + 16, 2) == kernel_code);
    CHECK(rig.memory.number(place::results + 24, 2) == kernel_data);
    CHECK(rig.memory.number(place::data) == 0x1234);
    CHECK(rig.engine->state().rip == LongModeRig::halted_in(6));
    const Frame frame = rig.frame(false);
    CHECK(frame.cs == user_code);
    CHECK(frame.ss == user_data);
    CHECK((frame.rflags & 0xfff) == 0xad7);
  });
}

TEST_CASE("a fault in the delivery of a fault is a double fault, with error code 0") {
  for_each_engine([](const EngineUnderTest& kind) {
    LongModeRig rig(kind);
    rig.memory.put_number(place::idt + 6 * 16, 0);
    rig.memory.put_number(place::idt + 13 * 16, 0);
    rig.put_code({0x0f, 0x0b});  // ud2
    rig.run_until(ExitKind::halted);
    CHECK(rig.engine->state().rip == LongModeRig::halted_in(8));
    CHECK(rig.frame(true).code == 0);
    CHECK(rig.frame(true).rip == place::code);
  });
}

}  // namespace lockstitch::test

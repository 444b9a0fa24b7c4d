// Memory that is none: registers of devices in holes, and ROM.
#include <cstring>

#include "tests/contract/engine/long_mode_rig.h"

namespace lockstitch::test {
namespace {

using enum Gpr;

constexpr std::uint32_t device = place::mapped + 0x10;

struct Access {
  std::string text;
  GuestCode code;
  std::string exits;
  std::uint64_t rax;  ///< afterwards
};

constexpr std::uint64_t rax_before = 0x8182'8384'8586'8788;

GuestCode on_device(std::initializer_list<std::uint8_t> opcode, unsigned reg = 0) {
  return GuestCode().memory(opcode, reg, device);
}

void check_accesses(std::initializer_list<Access> accesses) {
  for_each_engine([&](const EngineUnderTest& kind) {
    for (const Access& access : accesses) {
      CAPTURE(access.text);
      LongModeRig rig(kind);
      rig.put_code(GuestCode().append(access.code).hlt());
      rig.change([](CpuState& s) { s.gpr[unsigned(rax)] = rax_before; });
      rig.door.values = {0x71};
      rig.run_until(ExitKind::halted);
      CHECK(rig.door.text() == access.exits);
      CHECK(rig.gpr(rax) == access.rax);
      CHECK(rig.engine->state().rip == place::code + access.code.size() + 1);
    }
  });
}

// The bytes of accesses that together must cover `bytes` in ascending order, however they are split.
void check_covers(const std::vector<Exit>& seen, ExitKind kind, std::uint64_t from, unsigned bytes,
                  const std::uint8_t* written) {
  std::uint64_t at = from;
  for (const Exit& exit : seen) {
    CHECK(exit.kind == kind);
    CHECK(exit.address == at);
    if (written != nullptr && at - from + exit.width <= bytes)
      CHECK(std::memcmp(&exit.value, written + (at - from), exit.width) == 0);
    at += exit.width;
  }
  CHECK(at == from + bytes);
}

}  // namespace

TEST_CASE("a read where no memory is leaves as memory_read with its width and gets the reply") {
  check_accesses({
      {"mov al, [device]", on_device({0x8a}), "memory_read 500010/1\n", 0x8182'8384'8586'8771},
      {"mov ax, [device]", on_device({0x66, 0x8b}), "memory_read 500010/2\n", 0x8182'8384'8586'0071},
      {"mov eax, [device]", on_device({0x8b}), "memory_read 500010/4\n", 0x71},
      {"mov rax, [device]", on_device({0x48, 0x8b}), "memory_read 500010/8\n", 0x71},
      {"movzx eax, byte [device]", on_device({0x0f, 0xb6}), "memory_read 500010/1\n", 0x71},
      {"movsxd rax, dword [device]", on_device({0x48, 0x63}), "memory_read 500010/4\n", 0x71},
      {"add rax, [device]", on_device({0x48, 0x03}), "memory_read 500010/8\n", rax_before + 0x71},
  });
}

TEST_CASE("a write where no memory is leaves as memory_write with its width and value") {
  check_accesses({
      {"mov [device], al", on_device({0x88}), "memory_write 500010/1 = 88\n", rax_before},
      {"mov [device], ax", on_device({0x66, 0x89}), "memory_write 500010/2 = 8788\n", rax_before},
      {"mov [device], eax", on_device({0x89}), "memory_write 500010/4 = 85868788\n", rax_before},
      {"mov [device], rax", on_device({0x48, 0x89}), "memory_write 500010/8 = 8182838485868788\n", rax_before},
      {"mov dword [device], 12345678h", on_device({0xc7}).number(0x1234'5678, 4), "memory_write 500010/4 = 12345678\n",
       rax_before},
  });
}

TEST_CASE("an instruction that reads and writes a device's register makes one read and one write") {
  check_accesses({
      {"add dword [device], 5", on_device({0x83}).number(5, 1), "memory_read 500010/4\nmemory_write 500010/4 = 76\n",
       rax_before},
      {"or [device], al", on_device({0x08}), "memory_read 500010/1\nmemory_write 500010/1 = f9\n", rax_before},
      {"inc qword [device]", on_device({0x48, 0xff}), "memory_read 500010/8\nmemory_write 500010/8 = 72\n", rax_before},
      {"xchg [device], eax", on_device({0x87}), "memory_read 500010/4\nmemory_write 500010/4 = 85868788\n", 0x71},
  });
}

TEST_CASE("a comparison with a device's register sets the flags") {
  for_each_engine([](const EngineUnderTest& kind) {
    LongModeRig rig(kind);
    rig.put_code(GuestCode()
                     .append(on_device({0x81}, 7).number(0x71, 4))  // cmp dword [device], 71h
                     .memory({0x0f, 0x94}, 0, place::results)       // sete [results]
                     .append(on_device({0xf6}).number(0x80, 1))     // test byte [device], 80h
                     .memory({0x0f, 0x95}, 0, place::results + 1)   // setne [results+1]
                     .hlt());
    rig.door.values = {0x71, 0x80};
    rig.run_until(ExitKind::halted);
    CHECK(rig.door.text() == "memory_read 500010/4\nmemory_read 500010/1\n");
    CHECK(rig.memory.number(place::results, 2) == 0x0101);
  });
}

TEST_CASE("PUSH, POP and string moves reach devices as well") {
  for_each_engine([](const EngineUnderTest& kind) {
    LongModeRig rig(kind);
    rig.memory.put_number(place::data, 0x1234'5678'9abc'def0);
    rig.memory.put_number(place::data + 8, 0x0fed'cba9'8765'4321);
    rig.put_code(GuestCode()
                     .append(on_device({0xff}, 6))  // push qword [device]
                     .set(rsi, device)
                     .set(rdi, place::results)
                     .raw({0x48, 0xa5})  // movsq
                     .set(rsi, place::data)
                     .set(rdi, device)
                     .raw({0x48, 0xa5})          // movsq
                     .append(on_device({0x8f}))  // pop qword [device]
                     .set(rsi, place::data)
                     .set(rdi, device + 0x100)
                     .set(rcx, 3)
                     .raw({0xf3, 0xa5})  // rep movsd
                     .set(rsi, device + 0x200)
                     .set(rdi, place::results + 8)
                     .set(rcx, 2)
                     .raw({0xf3, 0xa5})  // rep movsd
                     .hlt());
    rig.door.values = {0xa1a2'a3a4'a5a6'a7a8, 0xb1b2'b3b4'b5b6'b7b8, 0xc1c2'c3c4, 0xd1d2'd3d4};
    rig.run_until(ExitKind::halted);
    CHECK(rig.door.text() ==
          "memory_read 500010/8\n"
          "memory_read 500010/8\n"
          "memory_write 500010/8 = 123456789abcdef0\n"
          "memory_write 500010/8 = a1a2a3a4a5a6a7a8\n"
          "memory_write 500110/4 = 9abcdef0\n"
          "memory_write 500114/4 = 12345678\n"
          "memory_write 500118/4 = 87654321\n"
          "memory_read 500210/4\n"
          "memory_read 500214/4\n");
    CHECK(rig.memory.number(place::stack_top - 8) == 0xa1a2'a3a4'a5a6'a7a8);
    CHECK(rig.memory.number(place::results) == 0xb1b2'b3b4'b5b6'b7b8);
    CHECK(rig.memory.number(place::results + 8) == 0xd1d2'd3d4'c1c2'c3c4);
    CHECK(rig.gpr(rsp) == place::stack_top);
    CHECK(rig.gpr(rcx) == 0);
    CHECK(rig.gpr(rsi) == device + 0x208);
    CHECK(rig.gpr(rdi) == place::results + 16);
  });
}

TEST_CASE("SSE loads and stores of a device's registers cover their bytes in ascending order") {
  for_each_engine([](const EngineUnderTest& kind) {
    LongModeRig rig(kind);
    rig.put_code(GuestCode().append(on_device({0xf3, 0x0f, 0x6f}, 1)).hlt());  // movdqu xmm1, [device]
    rig.run_until(ExitKind::halted);
    check_covers(rig.door.seen, ExitKind::memory_read, device, 16, nullptr);
    const CpuState s = rig.engine->state();
    for (unsigned i = 0; i < 16; ++i) CHECK(s.xmm[1][i] == pattern(device + i, 1));

    rig.door.seen.clear();
    rig.put_code(GuestCode().append(on_device({0xf3, 0x0f, 0x7f}, 1)).hlt());  // movdqu [device], xmm1
    rig.go_to(place::code);
    rig.run_until(ExitKind::halted);
    check_covers(rig.door.seen, ExitKind::memory_write, device, 16, s.xmm[1].data());
  });
}

TEST_CASE("a stretch of accesses goes on behind each with its own reply") {
  for_each_engine([](const EngineUnderTest& kind) {
    LongModeRig rig(kind);
    GuestCode code;
    code.set(rbx, 0);
    for (unsigned i = 0; i < 20; ++i)  // mov eax, [device+4i]; add rbx, rax
      code.memory({0x8b}, 0, device + 4 * i).raw({0x48, 0x01, 0xc3});
    rig.put_code(code.hlt());
    rig.run_until(ExitKind::halted);
    std::uint64_t sum = 0;
    for (unsigned i = 0; i < 20; ++i) sum += pattern(device + 4 * i, 4);
    CHECK(rig.gpr(rbx) == sum);
    CHECK(rig.door.seen.size() == 20);
  });
}

TEST_CASE("a read of ROM does not leave, and code in ROM runs") {
  for_each_engine([](const EngineUnderTest& kind) {
    LongModeRig rig(kind);
    const GuestCode in_rom = GuestCode().load(rbx, place::rom + 0x20).hlt();
    std::memcpy(rig.memory.backing(place::rom + 0x1000), in_rom.bytes().data(), in_rom.size());
    rig.put_code(GuestCode().load(rax, place::rom + 0x10).set(rcx, place::rom + 0x1000).raw({0xff, 0xe1}));  // jmp rcx
    rig.run_until(ExitKind::halted);
    CHECK(rig.door.text() == "");
    CHECK(rig.gpr(rax) == rig.memory.number(place::rom + 0x10));
    CHECK(rig.gpr(rbx) == rig.memory.number(place::rom + 0x20));
  });
}

TEST_CASE("a write to ROM leaves as memory_write and changes nothing") {
  for_each_engine([](const EngineUnderTest& kind) {
    LongModeRig rig(kind);
    const auto before = rig.memory.contents();
    rig.put_code(GuestCode()
                     .load(rcx, place::rom)
                     .set(rax, 0x1122'3344'5566'7788)
                     .memory({0x88}, 0, place::rom + 1)  // mov [rom+1], al
                     .memory({0x89}, 0, place::rom + 4)  // mov [rom+4], eax
                     .store(place::rom + 8, rax)
                     .load(rbx, place::rom)
                     .hlt());
    rig.run_until(ExitKind::halted);
    CHECK(rig.door.text() ==
          "memory_write 300001/1 = 88\n"
          "memory_write 300004/4 = 55667788\n"
          "memory_write 300008/8 = 1122334455667788\n");
    CHECK(rig.gpr(rbx) == rig.gpr(rcx));
    const auto after = rig.memory.contents();
    CHECK(std::equal(after.begin() + place::rom, after.begin() + place::rom + place::rom_bytes,
                     before.begin() + place::rom));
  });
}

TEST_CASE("an instruction that reads and writes ROM leaves for the write alone") {
  for_each_engine([](const EngineUnderTest& kind) {
    LongModeRig rig(kind);
    const std::uint64_t was = rig.memory.number(place::rom + 0x40, 4);
    rig.put_code(GuestCode().memory({0x83}, 0, place::rom + 0x40).number(5, 1).hlt());  // add dword [rom+40h], 5
    rig.run_until(ExitKind::halted);
    REQUIRE(rig.door.seen.size() == 1);
    CHECK(rig.door.seen[0].kind == ExitKind::memory_write);
    CHECK(rig.door.seen[0].address == place::rom + 0x40);
    CHECK(rig.door.seen[0].width == 4);
    CHECK(rig.door.seen[0].value == was + 5);
    CHECK(rig.memory.number(place::rom + 0x40, 4) == was);
  });
}

}  // namespace lockstitch::test

// Ports: what leaves through the door, what comes back.
#include "tests/contract/engine/long_mode_rig.h"

namespace lockstitch::test {

using enum Gpr;

TEST_CASE("OUT leaves as port_write with its width and value") {
  for_each_engine([](const EngineUnderTest& kind) {
    LongModeRig rig(kind);
    rig.put_code(GuestCode()
                     .set(rax, 0x1122'3344'8899'aabb)
                     .set(rdx, 0x3456'0cf8)
                     .raw({0xe6, 0x80})        // out 80h, al
                     .raw({0x66, 0xe7, 0x82})  // out 82h, ax
                     .raw({0xe7, 0x84})        // out 84h, eax
                     .raw({0xee})              // out dx, al
                     .raw({0x66, 0xef})        // out dx, ax
                     .raw({0xef})              // out dx, eax
                     .hlt());
    rig.run_until(ExitKind::halted);
    CHECK(rig.door.text() ==
          "port_write 80/1 = bb\n"
          "port_write 82/2 = aabb\n"
          "port_write 84/4 = 8899aabb\n"
          "port_write cf8/1 = bb\n"
          "port_write cf8/2 = aabb\n"
          "port_write cf8/4 = 8899aabb\n");
    CHECK(rig.gpr(rax) == 0x1122'3344'8899'aabb);
    CHECK(rig.gpr(rdx) == 0x3456'0cf8);
  });
}

TEST_CASE("IN gets the reply: 8 and 16 bits keep what is above, 32 bits clear it") {
  struct Form {
    std::string text;
    GuestCode code;
    std::uint64_t reply;
    std::string exit;
    std::uint64_t rax;
  };
  const Form forms[] = {
      {"in al, 71h", {0xe4, 0x71}, 0xc1, "port_read 71/1\n", 0x1122'3344'5566'77c1},
      {"in ax, 71h", {0x66, 0xe5, 0x71}, 0xc1c2, "port_read 71/2\n", 0x1122'3344'5566'c1c2},
      {"in eax, 71h", {0xe5, 0x71}, 0xc1c2'c3c4, "port_read 71/4\n", 0xc1c2'c3c4},
      {"in al, dx", {0xec}, 0xc1, "port_read 3f8/1\n", 0x1122'3344'5566'77c1},
      {"in ax, dx", {0x66, 0xed}, 0xc1c2, "port_read 3f8/2\n", 0x1122'3344'5566'c1c2},
      {"in eax, dx", {0xed}, 0xc1c2'c3c4, "port_read 3f8/4\n", 0xc1c2'c3c4},
  };
  for_each_engine([&](const EngineUnderTest& kind) {
    for (const Form& form : forms) {
      CAPTURE(form.text);
      LongModeRig rig(kind);
      rig.put_code(GuestCode().set(rax, 0x1122'3344'5566'7788).set(rdx, 0x3f8).append(form.code).hlt());
      rig.door.values = {form.reply};
      rig.run_until(ExitKind::halted);
      CHECK(rig.door.text() == form.exit);
      CHECK(rig.gpr(rax) == form.rax);
    }
  });
}

TEST_CASE("REP OUTS makes one access for each element and ends with RCX 0") {
  for_each_engine([](const EngineUnderTest& kind) {
    // Also across the end of a page.
    for (const std::uint32_t from : {place::data + 0x10u, place::data + 0xffdu}) {
      CAPTURE(from);
      LongModeRig rig(kind);
      rig.memory.put(from, {0x11, 0x22, 0x33, 0x44, 0x55});
      rig.put_code(GuestCode().set(rsi, from).set(rcx, 5).set(rdx, 0x1f0).raw({0xf3, 0x6e}).hlt());  // rep outsb
      rig.run_until(ExitKind::halted);
      CHECK(rig.door.text() ==
            "port_write 1f0/1 = 11\n"
            "port_write 1f0/1 = 22\n"
            "port_write 1f0/1 = 33\n"
            "port_write 1f0/1 = 44\n"
            "port_write 1f0/1 = 55\n");
      CHECK(rig.gpr(rcx) == 0);
      CHECK(rig.gpr(rsi) == from + 5);
    }
  });
}

TEST_CASE("REP INS makes one access for each element and ends with RCX 0") {
  for_each_engine([](const EngineUnderTest& kind) {
    for (const std::uint32_t to : {place::data + 0x10u, place::data + 0xffcu}) {
      CAPTURE(to);
      LongModeRig rig(kind);
      rig.put_code(GuestCode().set(rdi, to).set(rcx, 4).set(rdx, 0x1f0).raw({0x66, 0xf3, 0x6d}).hlt());  // rep insw
      rig.door.values = {0x1122, 0x3344, 0x5566, 0x7788};
      rig.run_until(ExitKind::halted);
      CHECK(rig.door.text() == "port_read 1f0/2\nport_read 1f0/2\nport_read 1f0/2\nport_read 1f0/2\n");
      CHECK(rig.memory.number(to) == 0x7788'5566'3344'1122);
      CHECK(rig.memory.number(to + 8) == 0);
      CHECK(rig.gpr(rcx) == 0);
      CHECK(rig.gpr(rdi) == to + 8);
    }
  });
}

TEST_CASE("string port instructions of bytes and doublewords, alone and backwards") {
  for_each_engine([](const EngineUnderTest& kind) {
    LongModeRig rig(kind);
    rig.memory.put_number(place::data, 0x8877'6655'4433'2211);
    rig.put_code(GuestCode()
                     .set(rdx, 0x1f0)
                     .set(rsi, place::data)
                     .set(rdi, place::data + 0x20)
                     .raw({0x6f})  // outsd
                     .raw({0x6c})  // insb
                     .raw({0xfd})  // std
                     .set(rcx, 2)
                     .raw({0xf3, 0x6e})  // rep outsb
                     .raw({0xfc})        // cld
                     .set(rcx, 3)
                     .raw({0xf3, 0x6c})  // rep insb
                     .set(rcx, 0)
                     .raw({0xf3, 0x6c, 0xf3, 0x6f})  // rep insb; rep outsd: of nothing
                     .hlt());
    rig.door.values = {0xa1, 0xa2, 0xa3, 0xa4};
    rig.run_until(ExitKind::halted);
    CHECK(rig.door.text() ==
          "port_write 1f0/4 = 44332211\n"
          "port_read 1f0/1\n"
          "port_write 1f0/1 = 55\n"
          "port_write 1f0/1 = 44\n"
          "port_read 1f0/1\n"
          "port_read 1f0/1\n"
          "port_read 1f0/1\n");
    CHECK(rig.memory.number(place::data + 0x20) == 0xa4a3'a2a1);
    CHECK(rig.gpr(rsi) == place::data + 2);
    CHECK(rig.gpr(rdi) == place::data + 0x24);
  });
}

}  // namespace lockstitch::test

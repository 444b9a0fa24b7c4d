// Memory that others change under the engine, and what the engine tells of its own writes.
#include <algorithm>
#include <cstring>

#include "tests/contract/engine/long_mode_rig.h"

namespace lockstitch::test {
namespace {

using enum Gpr;
using Kind = RigMemory::Kind;

constexpr Gpa page(unsigned n) { return place::data + n * page_bytes; }

constexpr std::uint8_t vector = 0x41;

void restart(LongModeRig& rig) {
  rig.door.seen.clear();
  rig.go_to(place::code);
  rig.run_until(ExitKind::halted);
}

// again: body; hlt; jmp again
GuestCode looped(const GuestCode& body) {
  const std::uint64_t length = body.size() + 6;
  return GuestCode().append(body).hlt().raw({0xe9}).number(0 - length, 4);
}

// A loop's next round, in which nobody loads any state: that would make engines forget what they have cached.
void next_round(LongModeRig& rig) {
  rig.door.seen.clear();
  if (rig.engine->activity() != Activity::halted) {
    rig.put_handler(vector, GuestCode().iretq());
    rig.change([](CpuState& s) { s.rflags |= 0x200; });
    rig.run_until(ExitKind::halted);
    return;
  }
  REQUIRE(rig.engine->accepts_interrupt());
  rig.engine->wake();
  RunRequest request;
  request.interrupt = vector;
  rig.run_until(ExitKind::halted, request);
}

// Pages whose contents are not what they were.
std::vector<Gpa> changed_pages(const std::vector<std::uint8_t>& before, const std::vector<std::uint8_t>& after) {
  std::vector<Gpa> pages;
  for (Gpa at = 0; at < before.size(); at += page_bytes)
    if (std::memcmp(before.data() + at, after.data() + at, page_bytes) != 0) pages.push_back(at);
  return pages;
}

void check_marked(const std::set<Gpa>& dirty, std::initializer_list<Gpa> pages) {
  for (const Gpa at : pages) {
    CAPTURE(at);
    CHECK(dirty.count(at) == 1);
  }
}
void check_not_marked(const std::set<Gpa>& dirty, std::initializer_list<Gpa> pages) {
  for (const Gpa at : pages) {
    CAPTURE(at);
    CHECK(dirty.count(at) == 0);
  }
}

}  // namespace

TEST_CASE("code that somebody else has written between two runs is executed") {
  for_each_engine([](const EngineUnderTest& kind) {
    LongModeRig rig(kind);
    for (unsigned round = 1; round <= 5; ++round) {
      rig.put_code(looped(GuestCode().set(rax, round).set(rbx, 0x100 - round)));
      next_round(rig);
      CHECK(rig.gpr(rax) == round);
      CHECK(rig.gpr(rbx) == 0x100 - round);
    }
    rig.memory.put(place::code + 2, {0x77});  // a part of an instruction
    next_round(rig);
    CHECK(rig.gpr(rax) == 0x77);
  });
}

TEST_CASE("data that somebody else has written between two runs is seen") {
  for_each_engine([](const EngineUnderTest& kind) {
    LongModeRig rig(kind);
    rig.put_code(looped(GuestCode().load(rax, page(0)).load(rbx, page(1) - 4).store(page(2), rax)));
    for (unsigned round = 1; round <= 5; ++round) {
      rig.memory.put_number(page(0), round * 0x1111'1111'1111);
      rig.memory.put_number(page(1) - 4, round * 0x2222'2222'2222);
      next_round(rig);
      CHECK(rig.gpr(rax) == round * 0x1111'1111'1111);
      CHECK(rig.gpr(rbx) == round * 0x2222'2222'2222);
      std::uint64_t stored = 0;
      REQUIRE(rig.memory.read(page(2), MutableBytes(reinterpret_cast<std::uint8_t*>(&stored), 8)));
      CHECK(stored == round * 0x1111'1111'1111);
    }
  });
}

TEST_CASE("code and data that a device writes while it is accessed count for the next instruction") {
  for_each_engine([](const EngineUnderTest& kind) {
    LongModeRig rig(kind);
    rig.put_code(GuestCode().load(rcx, page(0)).out(0x80).set(rax, 1).load(rbx, page(0)).hlt());
    rig.door.answer = [&](const Exit& exit, ExitReply&) {
      rig.memory.put(place::code + 8 + 2 + 2, {0x42});
      rig.memory.put_number(page(0), 0x4343);
    };
    restart(rig);
    CHECK(rig.gpr(rax) == 0x42);
    CHECK(rig.gpr(rbx) == 0x4343);
    CHECK(rig.gpr(rcx) == 0);
  });
}

TEST_CASE("code that the guest writes is executed") {
  for_each_engine([](const EngineUnderTest& kind) {
    LongModeRig rig(kind);
    GuestCode code;
    code.memory({0xc6}, 0, place::code + 10).number(0x42, 1);  // mov byte [], 42h: the operand below
    code.set(rax, 1).hlt();
    rig.put_code(code);
    restart(rig);
    CHECK(rig.gpr(rax) == 0x42);
    // Elsewhere, and again after it has run.
    constexpr std::uint32_t elsewhere = place::data + 0x800;
    const std::uint64_t first = 0xc3'0000'0001b8, second = 0xc3'0000'0002b8;  // mov eax, 1 or 2; ret
    rig.put_code(GuestCode()
                     .set(rcx, elsewhere)
                     .set(rdx, first)
                     .store(elsewhere, rdx)
                     .raw({0xff, 0xd1, 0x89, 0xc3})  // call rcx; mov ebx, eax
                     .set(rdx, second)
                     .store(elsewhere, rdx)
                     .raw({0xff, 0xd1})  // call rcx
                     .hlt());
    restart(rig);
    CHECK(rig.gpr(rbx) == 1);
    CHECK(rig.gpr(rax) == 2);
  });
}

TEST_CASE("a page that has become a hole leaves through the door, and one that has become RAM does not") {
  for_each_engine([](const EngineUnderTest& kind) {
    LongModeRig rig(kind);
    // mov [spare], bl; mov al, [spare]
    rig.put_code(looped(GuestCode().memory({0x88}, 3, place::spare).memory({0x8a}, 0, place::spare)));
    rig.change([](CpuState& s) { s.gpr[unsigned(rbx)] = 0x99; });
    const std::string as_device = "memory_write 400000/1 = 99\nmemory_read 400000/1\n";
    const std::uint64_t reply = pattern(place::spare, 1);
    for (unsigned round = 0; round < 3; ++round) {
      CAPTURE(round);
      next_round(rig);
      CHECK(rig.door.text() == as_device);
      CHECK(rig.gpr(rax) == reply);

      rig.memory.map(place::spare, page_bytes, Kind::ram);
      rig.memory.put(place::spare, {0});
      next_round(rig);
      CHECK(rig.door.text() == "");
      CHECK(rig.gpr(rax) == 0x99);
      CHECK(*rig.memory.backing(place::spare) == 0x99);

      rig.memory.put(place::spare, {0x17});
      rig.memory.map(place::spare, page_bytes, Kind::rom);
      next_round(rig);
      CHECK(rig.door.text() == "memory_write 400000/1 = 99\n");
      CHECK(rig.gpr(rax) == 0x17);

      rig.memory.map(place::spare, page_bytes, Kind::hole);
    }
    CHECK(*rig.memory.backing(place::spare) == 0x17);
  });
}

TEST_CASE("a page that is mapped to other memory has that memory's code and data") {
  for_each_engine([](const EngineUnderTest& kind) {
    LongModeRig rig(kind);
    constexpr Gpa other = place::spare + 0x8000;
    const auto fill = [&](Gpa at, std::uint8_t number) {
      const GuestCode code = GuestCode().set(rax, number).load(rbx, place::spare + 0x100).raw({0xc3});  // ret
      std::memcpy(rig.memory.backing(at), code.bytes().data(), code.size());
      *rig.memory.backing(at + 0x100) = number;
    };
    fill(place::spare, 1);
    fill(other, 2);
    rig.put_code(looped(GuestCode().set(rcx, place::spare).raw({0xff, 0xd1})));  // call rcx
    for (unsigned round = 0; round < 3; ++round) {
      rig.memory.map(place::spare, page_bytes, Kind::ram);
      next_round(rig);
      CHECK(rig.gpr(rax) == 1);
      CHECK(rig.gpr(rbx) == 1);
      rig.memory.map(place::spare, page_bytes, round % 2 ? Kind::ram : Kind::rom, other);
      next_round(rig);
      CHECK(rig.gpr(rax) == 2);
      CHECK(rig.gpr(rbx) == 2);
    }
  });
}

TEST_CASE("a map that an access changes counts for the next instruction") {
  for_each_engine([](const EngineUnderTest& kind) {
    LongModeRig rig(kind);
    *rig.memory.backing(place::spare) = 0x17;
    // mov al, [spare]; out 1, al; mov al, [spare]; out 2, al; mov al, [spare]; hlt
    rig.put_code(GuestCode()
                     .memory({0x8a}, 0, place::spare)
                     .out(1)
                     .memory({0x8a}, 0, place::spare)
                     .out(2)
                     .memory({0x8a}, 0, place::spare)
                     .hlt());
    rig.door.answer = [&](const Exit& exit, ExitReply&) {
      if (exit.kind != ExitKind::port_write) return;
      rig.memory.map(place::spare, page_bytes, exit.address == 1 ? Kind::ram : Kind::hole);
    };
    rig.door.values = {0x61, 0x62};
    restart(rig);
    CHECK(rig.door.text() ==
          "memory_read 400000/1\n"
          "port_write 1/1 = 61\n"
          "port_write 2/1 = 17\n"
          "memory_read 400000/1\n");
    CHECK(rig.gpr(rax) == 0x62);
  });
}

TEST_CASE("every page that the guest has written is marked dirty, and none that it has not touched") {
  for_each_engine([](const EngineUnderTest& kind) {
    LongModeRig rig(kind);
    rig.put_code(GuestCode()
                     .set(rax, 0x1122'3344'5566'7788)
                     .memory({0x88}, 0, page(0) + 5)                // mov [], al
                     .store(page(3) - 4, rax)                       // into two pages
                     .memory({0xf3, 0x0f, 0x7f}, 0, page(5))        // movdqu [], xmm0
                     .memory({0xf0, 0x48, 0x0f, 0xc1}, 0, page(6))  // lock xadd [], rax
                     .set(rdi, page(8) + 0x800)
                     .set(rcx, 0x1000)
                     .raw({0xf3, 0xaa})  // rep stosb: two pages
                     .set(rdi, page(11))
                     .set(rcx, 4)
                     .set(rdx, 0x1f0)
                     .raw({0xf3, 0x6c})  // rep insb
                     .raw({0x50})        // push rax
                     .hlt());
    rig.memory.clear_dirty();
    const auto before = rig.memory.contents();
    restart(rig);
    const std::set<Gpa> dirty = rig.memory.dirty();
    check_marked(dirty, {page(0), page(2), page(3), page(5), page(6), page(8), page(9), page(11),
                         place::stack_top - page_bytes});
    check_not_marked(dirty, {page(1), page(4), page(7), page(10), page(12), page(15), place::results, 0x10'0000,
                             place::ram_end - page_bytes, place::rom});
    for (const Gpa at : changed_pages(before, rig.memory.contents())) check_marked(dirty, {at});
  });
}

TEST_CASE("what the processor writes by itself is marked dirty: frames, and bits in page tables") {
  for_each_engine([](const EngineUnderTest& kind) {
    LongModeRig rig(kind);
    rig.memory.put_number(LongModeRig::entry(page(0)), page(0) | 7);  // neither accessed nor dirty
    rig.put_handler(0x80, GuestCode().iretq());
    rig.put_code(GuestCode().memory({0x88}, 0, page(0)).raw({0xcd, 0x80, 0x0f, 0x0b}));  // mov [], al; int 80h; ud2
    rig.memory.clear_dirty();
    const auto before = rig.memory.contents();
    restart(rig);
    const std::set<Gpa> dirty = rig.memory.dirty();
    CHECK((rig.memory.number(LongModeRig::entry(page(0))) & 0x60) == 0x60);
    check_marked(dirty, {page(0), LongModeRig::entry(page(0)) & ~page_mask, place::stack_top - page_bytes,
                         place::fault_stack_top - page_bytes});
    for (const Gpa at : changed_pages(before, rig.memory.contents())) check_marked(dirty, {at});
  });
}

TEST_CASE("a page that is written again after the dirty bits were cleared is marked again") {
  for_each_engine([](const EngineUnderTest& kind) {
    LongModeRig rig(kind);
    // By turns page 0 and 1, and page 1 and 2.
    rig.put_code(looped(GuestCode()
                            .memory({0x88}, 0, page(0))
                            .memory({0x88}, 0, page(1))
                            .hlt()
                            .memory({0x88}, 0, page(1))
                            .memory({0x88}, 0, page(2))));
    rig.memory.clear_dirty();  // an engine may not know what was written before somebody asked
    for (unsigned round = 0; round < 8; ++round) {
      CAPTURE(round);
      next_round(rig);
      const std::set<Gpa> dirty = rig.memory.dirty();
      check_marked(dirty, {page(1), round % 2 ? page(2) : page(0)});
      check_not_marked(dirty, {round % 2 ? page(0) : page(2)});
      rig.memory.clear_dirty();
      check_not_marked(rig.memory.dirty(), {page(0), page(1), page(2)});
    }
  });
}

TEST_CASE("a loop that goes on writing marks its page after every clearing") {
  for_each_engine([](const EngineUnderTest& kind) {
    LongModeRig rig(kind);
    // again: inc qword [page]; out 80h, al; jmp again
    rig.put_code(GuestCode().memory({0x48, 0xff}, 0, page(0)).out(0x80).raw({0xeb, 0xf4}));
    for (unsigned round = 1; round <= 10; ++round) {
      rig.door.seen.clear();
      rig.run_until_seen(3);
      check_marked(rig.memory.dirty(), {page(0)});
      rig.memory.clear_dirty();
    }
    CHECK(rig.memory.number(page(0)) >= 30);
  });
}

TEST_CASE("a write through another mapping marks the memory behind it") {
  for_each_engine([](const EngineUnderTest& kind) {
    LongModeRig rig(kind);
    constexpr Gpa other = place::spare + 0x8000;
    rig.memory.map(place::spare, page_bytes, Kind::ram, other);
    rig.put_code(GuestCode().memory({0x88}, 0, place::spare).hlt());
    rig.memory.clear_dirty();
    restart(rig);
    // It may be elsewhere by the time that somebody asks.
    rig.memory.map(place::spare, page_bytes, Kind::hole);
    check_marked(rig.memory.dirty(), {other});
    check_not_marked(rig.memory.dirty(), {place::spare});
  });
}

}  // namespace lockstitch::test

// The debugger's page walk against tables made by hand, and against what the interpreter does with random ones.
#include "vmm/debug/page_walk.h"

#include <doctest/doctest.h>

#include <cstdlib>
#include <random>

#include "tests/unit/interp/rig.h"
#include "vmm/machine/memory.h"

namespace lockstitch::test {
namespace {

using debug::PageWalk;
using debug::read_linear;
using debug::translate;
using debug::walk_pages;

constexpr std::uint64_t p = 1, w = 2, u = 4, ps = 0x80, nx = 1ull << 63;

class Tables {
 public:
  explicit Tables(std::size_t bytes = 1 << 20) : memory(bytes) {}
  void put(Gpa at, std::uint64_t value, unsigned bytes) {
    std::uint8_t raw[8];
    std::memcpy(raw, &value, 8);
    if (!memory.write(at, Bytes(raw, bytes))) FAIL("outside of memory: ", at);
  }
  void put64(Gpa at, std::uint64_t value) { put(at, value, 8); }
  void put32(Gpa at, std::uint64_t value) { put(at, value, 4); }
  RigMemory memory;
};

CpuState long_mode(Gpa cr3) {
  CpuState cpu;
  cpu.cr0 = 0x8000'0011;
  cpu.cr3 = cr3;
  cpu.cr4 = 0x20;
  cpu.efer = 0xd00;
  return cpu;
}

}  // namespace

TEST_CASE("without paging a linear address is physical, up to 4 GiB") {
  Tables t;
  CpuState cpu;
  cpu.cr0 = 0x11;
  const PageWalk walk = walk_pages(cpu, t.memory, 0x1'0000'1234);
  CHECK(walk.gpa == 0x1234);
  CHECK(walk.steps.empty());
  CHECK(to_text(walk, 0x1234).starts_with("paging is off\n"));
}

TEST_CASE("a 4-level walk says each entry, what is permitted and how large the page is") {
  Tables t;
  const std::uint64_t linear = 0xffff'8123'4567'89ab;
  const auto index = [&](unsigned shift) { return (linear >> shift & 511) * 8; };
  t.put64(0x1000 + index(39), 0x2000 | p | w | u);
  t.put64(0x2000 + index(30), 0x3000 | p | w | u);
  t.put64(0x3000 + index(21), 0x4000 | p | w);
  t.put64(0x4000 + index(12), 0x12'3456'7000 | p | w | u | nx | 0x120);
  PageWalk walk = walk_pages(long_mode(0x1000), t.memory, linear);
  REQUIRE(walk.steps.size() == 4);
  CHECK(walk.steps[0].at == 0x1000 + index(39));
  CHECK(walk.steps[3].entry == (0x12'3456'7000 | p | w | u | nx | 0x120));
  CHECK(walk.gpa == 0x12'3456'79ab);
  CHECK(walk.page_bytes == 4096);
  CHECK(walk.writable);
  CHECK_FALSE(walk.user);
  CHECK_FALSE(walk.executable);
  const std::string text = to_text(walk, linear);
  CHECK(text.find("PML4E  at 0x0000001810: 0x0000000000002007  P W U\n") != std::string::npos);
  CHECK(text.find("P W U A G NX\n") != std::string::npos);
  CHECK(text.find("is physical 0x12345679ab, in a page of 4 KiB: writable, for supervisors, not executable") !=
        std::string::npos);

  t.put64(0x3000 + index(21), 0x4000'0000 | p | u | ps);
  walk = walk_pages(long_mode(0x1000), t.memory, linear);
  CHECK(walk.gpa == (0x4000'0000 | (linear & 0x1f'ffff)));
  CHECK(walk.page_bytes == 2 << 20);
  CHECK_FALSE(walk.writable);
  CHECK(walk.executable);

  t.put64(0x2000 + index(30), 0x40'0000'0000 | p | ps);
  walk = walk_pages(long_mode(0x1000), t.memory, linear);
  CHECK(walk.gpa == (0x40'0000'0000 | (linear & 0x3fff'ffff)));
  CHECK(walk.page_bytes == 1 << 30);
}

TEST_CASE("32-bit tables have pages of 4 KiB, and with PSE of 4 MiB above 4 GiB") {
  Tables t;
  CpuState cpu;
  cpu.cr0 = 0x8000'0011;
  cpu.cr3 = 0x1000;
  const std::uint64_t linear = 0x1234'5678;
  t.put32(0x1000 + (linear >> 22) * 4, 0x2000 | p | w);
  t.put32(0x2000 + (linear >> 12 & 1023) * 4, 0x0009'9000 | p);
  PageWalk walk = walk_pages(cpu, t.memory, linear);
  CHECK(walk.gpa == 0x9'9678);
  CHECK(walk.page_bytes == 4096);
  CHECK_FALSE(walk.writable);
  CHECK(walk.executable);
  t.put32(0x1000 + (linear >> 22) * 4, 0x0080'0000 | 5 << 13 | p | w | ps);
  cpu.cr4 = 0x10;
  walk = walk_pages(cpu, t.memory, linear);
  CHECK(walk.gpa == (5ull << 32 | 0x0080'0000 | (linear & 0x3f'ffff)));
  CHECK(walk.page_bytes == 4 << 20);
}

TEST_CASE("a PAE walk begins in one of four pointers, which have no rights") {
  Tables t;
  CpuState cpu;
  cpu.cr0 = 0x8000'0011;
  cpu.cr3 = 0x1020;
  cpu.cr4 = 0x20;
  cpu.efer = 0x800;
  const std::uint64_t linear = 0xc034'5678;
  t.put64(0x1020 + 3 * 8, 0x2000 | p);
  t.put64(0x2000 + (linear >> 21 & 511) * 8, 0x3000 | p | w | u);
  t.put64(0x3000 + (linear >> 12 & 511) * 8, 0x7'0000'1000 | p | w | u);
  const PageWalk walk = walk_pages(cpu, t.memory, linear);
  CHECK(walk.gpa == 0x7'0000'1678);
  CHECK(walk.writable);
  CHECK(walk.user);
}

TEST_CASE("an address without a page says where the walk ended and why") {
  Tables t;
  t.put64(0x1000, 0x2000 | p);
  t.put64(0x2000, 0x3000 | p);
  CHECK(walk_pages(long_mode(0x1000), t.memory, 0x5000).why_not == "the PDE is not present");
  CHECK(walk_pages(long_mode(0x1000), t.memory, 1ull << 47).why_not == "the address is not canonical");
  t.put64(0x3000, 0x4000 | p | 1ull << 45);
  CHECK(walk_pages(long_mode(0x1000), t.memory, 0x5000).why_not == "reserved bits are set in the PDE");
  t.put64(0x3000, 0x80'0000'0000 | p);
  const PageWalk walk = walk_pages(long_mode(0x1000), t.memory, 0x5000);
  CHECK(walk.why_not == "the PTE would lie outside of RAM, at 0x8000000028");
  CHECK(walk.steps.size() == 3);
  CHECK_FALSE(walk.gpa);
  CHECK(to_text(walk, 0x5000).ends_with("0x5000 is not mapped: the PTE would lie outside of RAM, at 0x8000000028\n"));
}

TEST_CASE("reading goes over pages and ROM and ends where nothing is mapped or a device answers") {
  Memory memory(64 << 20);
  const std::vector<std::uint8_t> rom(page_bytes, 0x55);
  memory.add_rom(0xf'0000, rom);
  memory.add_hole(0xa'0000, 0x2'0000);
  const auto put64 = [&](Gpa at, std::uint64_t value) {
    std::uint8_t raw[8];
    std::memcpy(raw, &value, 8);
    memory.write(at, raw);
  };
  put64(0x1000, 0x2000 | p);
  put64(0x2000, 0x3000 | p);
  put64(0x3000, 0x4000 | p);
  put64(0x4000 + 8 * 1, 0x20'0000 | p);
  put64(0x4000 + 8 * 2, 0xf'0000 | p);
  put64(0x4000 + 8 * 3, 0x10'0000 | p);
  put64(0x4000 + 8 * 5, 0xa'0000 | p);
  memory.write(0x20'0ffe, std::vector<std::uint8_t>{1, 2});
  memory.write(0x10'0000, std::vector<std::uint8_t>{7});
  std::vector<std::uint64_t> dirty;
  memory.take_dirty(DirtySince::digest, dirty);

  const CpuState cpu = long_mode(0x1000);
  std::vector<std::uint8_t> out(0x1003, 0xee);
  CHECK(read_linear(cpu, memory, 0x1ffe, out) == out.size());
  CHECK(out[0] == 1);
  CHECK(out[1] == 2);
  CHECK(out[2] == 0x55);
  CHECK(out[0x1001] == 0x55);
  CHECK(out[0x1002] == 7);
  CHECK(read_linear(cpu, memory, 0x3ff0, out) == 0x10);
  CHECK(read_linear(cpu, memory, 0x5000, out) == 0);
  CHECK(translate(cpu, memory, 0x5010) == 0xa'0010);
  CHECK(translate(cpu, memory, 0x4000) == std::nullopt);
  memory.take_dirty(DirtySince::digest, dirty);
  CHECK(dirty.empty());
}

namespace {

constexpr Gpa code_gpa = 0x1000, table_gpa = 0x2000;
constexpr unsigned table_count = 12;

struct Mode {
  const char* name;
  std::uint64_t cr0, cr4, efer;
  unsigned entry_bytes, levels;
  std::uint32_t code_attributes;
};
constexpr Mode modes[] = {
    {"none", 0x31, 0, 0, 4, 0, 0xc09b},
    {"32-bit", 0x8000'0031, 0, 0, 4, 2, 0xc09b},
    {"32-bit with PSE", 0x8000'0031, 0x10, 0, 4, 2, 0xc09b},
    {"PAE", 0x8000'0031, 0x20, 0, 8, 3, 0xc09b},
    {"PAE with NX", 0x8000'0031, 0x20, 0x800, 8, 3, 0xc09b},
    {"4-level", 0x8000'0031, 0x20, 0x500, 8, 4, 0xa09b},
    {"4-level with NX", 0x8001'0031, 0x20, 0xd00, 8, 4, 0xa09b},
};

std::uint64_t seed() {
  const char* text = std::getenv("LOCKSTITCH_SEED");
  return text != nullptr ? std::strtoull(text, nullptr, 0) : 20261123;
}

}  // namespace

TEST_CASE("a supervisor reads where the walk says, with random tables of every mode") {
  constexpr std::size_t memory_bytes = 1 << 20;
  std::mt19937_64 random(seed());
  INFO("LOCKSTITCH_SEED=", seed());
  const auto chance = [&](unsigned percent) { return random() % 100 < percent; };
  unsigned mapped = 0, devices = 0, refused = 0;
  for (const Mode& mode : modes) {
    INFO("mode ", std::string(mode.name));
    Rig rig;
    Tables t(memory_bytes);
    for (Gpa at = 0; at < memory_bytes; at += 8) t.put64(at, at * 0x9e37'79b9'7f4a'7c15 ^ at);
    auto engine = std::make_unique<interp::Interp>(t.memory);
    t.memory.observe(*engine);
    for (unsigned round = 0; round < 20; ++round) {
      const auto entry = [&](unsigned level) -> std::uint64_t {
        std::uint64_t value = chance(65)   ? table_gpa + random() % table_count * page_bytes
                              : chance(90) ? random() % memory_bytes & ~page_mask
                                           : random() & 0x00ff'ffff'f000;
        const bool pointer = mode.levels == 3 && level == 3;
        if (!pointer || chance(10)) value |= random() & 0x67;
        if (!pointer && chance(30)) value |= ps;
        if (chance(5)) value |= nx;
        if (chance(3)) value |= 1ull << (13 + random() % 50);
        return chance(92) ? value | p : value;
      };
      for (Gpa at = 0; at < table_count * page_bytes; at += mode.entry_bytes) {
        t.put(table_gpa + at, entry(at < page_bytes ? mode.levels : 1), mode.entry_bytes);
      }
      // The program's own page, through tables that nothing else was put into.
      const Gpa private_gpa = table_gpa + table_count * page_bytes;
      Gpa table = table_gpa;
      for (unsigned level = mode.levels; level > 0; --level) {
        const Gpa next = level == 1 ? code_gpa : private_gpa + level * page_bytes;
        const bool pointer = mode.levels == 3 && level == 3;
        t.put(table + (level == 1 ? mode.entry_bytes : 0), next | p | (pointer ? 0 : w | u), mode.entry_bytes);
        table = next;
      }
      t.put64(code_gpa, 0xf4'038b48);  // 64-bit: mov rax, [rbx]; hlt. 32-bit: dec eax; mov eax, [ebx]; hlt

      const auto tables_end = t.memory.bytes().begin() + private_gpa + 5 * page_bytes;
      const std::vector<std::uint8_t> fresh(t.memory.bytes().begin(), tables_end);
      for (unsigned i = 0; i < 40; ++i) {
        t.memory.write(0, fresh);  // without the A bits of the walk before, which may lie in entries that have none
        std::uint64_t linear = random() & ~7ull;
        if (mode.levels == 4) linear = static_cast<std::uint64_t>(static_cast<std::int64_t>(linear << 16) >> 16);
        if (mode.levels != 4) linear &= 0xffff'ffff;
        if (mode.levels == 0 && chance(50)) linear %= memory_bytes;
        INFO("linear ", linear);
        CpuState cpu = rig.initial();
        cpu.cr0 = mode.cr0;
        cpu.cr3 = table_gpa;
        cpu.cr4 = mode.cr4;
        cpu.efer = mode.efer;
        cpu.idtr = {0, 0};  // every fault ends it
        cpu.segment[unsigned(SegmentName::cs)].attributes = mode.code_attributes;
        cpu.rip = code_gpa;
        cpu.gpr[unsigned(Gpr::rbx)] = linear;
        cpu.cr2 = 0x1111;

        const std::vector<std::uint8_t> before = t.memory.bytes();
        t.memory.dirty.clear();
        const PageWalk walk = walk_pages(cpu, t.memory, linear);
        REQUIRE(translate(cpu, t.memory, linear) == walk.gpa);
        REQUIRE(walk.gpa.has_value() == walk.why_not.empty());
        REQUIRE(t.memory.bytes() == before);
        REQUIRE(t.memory.dirty.empty());

        engine->set_state(cpu);
        RigDoor door;
        RunRequest request;
        request.start = Tick{0};
        request.bound = door.bound = Tick{10};
        const Exit exit = engine->run(request, door);
        const CpuState after = engine->state();
        if (!walk.gpa) {
          ++refused;
          REQUIRE(exit.kind == ExitKind::shutdown);
          REQUIRE(after.cr2 == linear);
          continue;
        }
        REQUIRE(exit.kind == ExitKind::halted);
        if (*walk.gpa >= memory_bytes) {
          ++devices;
          REQUIRE(door.seen.size() == 1);
          REQUIRE(door.seen[0].kind == ExitKind::memory_read);
          REQUIRE(door.seen[0].address == *walk.gpa);
          continue;
        }
        ++mapped;
        std::uint64_t there = 0;
        REQUIRE(
            t.memory.read(*walk.gpa, MutableBytes(reinterpret_cast<std::uint8_t*>(&there), mode.levels == 4 ? 8 : 4)));
        REQUIRE(after.gpr[unsigned(Gpr::rax)] == there);
      }
    }
  }
  CHECK(mapped > 500);
  CHECK(devices > 30);
  CHECK(refused > 500);
}

}  // namespace lockstitch::test

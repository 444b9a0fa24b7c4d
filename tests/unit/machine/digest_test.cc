// Claims about digests.
#include <doctest/doctest.h>

#include <cstdlib>
#include <random>

#include "tests/unit/machine/toy_board.h"
#include "tests/unit/machine/toy_world.h"
#include "vmm/machine/memory_digest.h"
#include "vmm/machine/quiet_source.h"

using namespace lockstitch;

namespace {

unsigned long seed_of_run() {
  const char* text = std::getenv("LOCKSTITCH_SEED");
  return text != nullptr ? std::strtoul(text, nullptr, 0) : 20240602;
}

void write_byte(Memory& memory, Gpa gpa, std::uint8_t value) { REQUIRE(memory.write(gpa, {&value, 1})); }

}  // namespace

TEST_CASE("the incremental digest of memory equals the digest from scratch") {
  const unsigned long seed = seed_of_run();
  INFO("repeat with LOCKSTITCH_SEED=", seed);
  std::mt19937_64 random(seed);
  Memory memory(50 * page_bytes);
  MemoryDigest digest(memory);
  CHECK(digest.update() == Digest{});
  for (unsigned round = 0; round < 300; ++round) {
    for (unsigned i = random() % 8; i > 0; --i) {
      // Now and then zeros, so that pages return to what they were.
      write_byte(memory, random() % memory.ram_bytes() & ~1023ull, static_cast<std::uint8_t>(random() % 3));
    }
    CHECK(digest.update() == MemoryDigest::of(memory));
  }
}

TEST_CASE("the digest of memory depends on contents and place, not on the way there") {
  Memory a(8 * page_bytes);
  Memory b(8 * page_bytes);
  MemoryDigest of_a(a);
  MemoryDigest of_b(b);
  write_byte(a, 0x1000, 1);
  of_a.update();
  write_byte(a, 0x3000, 2);
  write_byte(b, 0x3000, 2);
  of_b.update();
  write_byte(b, 0x1000, 9);
  of_b.update();
  write_byte(b, 0x1000, 1);
  CHECK(of_a.update() == of_b.update());

  // The same pages in exchanged places.
  Memory c(8 * page_bytes);
  MemoryDigest of_c(c);
  write_byte(c, 0x3000, 1);
  write_byte(c, 0x1000, 2);
  CHECK(!(of_c.update() == of_a.update()));

  write_byte(a, 0x1000, 0);
  write_byte(a, 0x3000, 0);
  CHECK(of_a.update() == Digest{});
}

TEST_CASE("the digest of a machine covers memory, CPU, devices, clock and effects") {
  const auto make = [] { return std::make_unique<toy::Board>(toy::Program{{{toy::OpKind::jump, 0}}, 0, 0}); };
  const Digest fresh = make()->machine.digest();
  CHECK(make()->machine.digest() == fresh);
  std::vector<Digest> seen{fresh};
  const auto differs = [&](toy::Board& board) {
    const Digest digest = board.machine.digest();
    for (const Digest& other : seen) CHECK(!(digest == other));
    seen.push_back(digest);
    CHECK(board.machine.digest() == digest);
  };
  auto board = make();
  write_byte(board->machine.memory(), 0x2000, 1);
  differs(*board);
  CpuState cpu = board->machine.cpu();
  cpu.gpr[9] = 1;
  board->machine.set_cpu(cpu);
  differs(*board);
  board->machine.bus().write_memory(toy::mmio_dma, 4, 0);
  differs(*board);
  board->machine.bus().write_port(toy::port_timer0, 4, 5000);  // alarm
  differs(*board);
  board->timer0.alarm();  // line
  differs(*board);
  toy::KeepingSink sink;
  QuietSource quiet;
  board->machine.run(quiet, sink, {7});
  differs(*board);
}

TEST_CASE("an effect stays in the digest") {
  const auto digest_after = [](std::uint64_t text) {
    toy::Board board({{{toy::OpKind::out, toy::port_console, text}, {toy::OpKind::jump, 1}}, 0, 0});
    toy::KeepingSink sink;
    QuietSource quiet;
    board.machine.run(quiet, sink, {50});
    CHECK(sink.effects.size() == 1);
    return board.machine.digest();
  };
  CHECK(digest_after(1) == digest_after(1));
  CHECK(!(digest_after(1) == digest_after(2)));
}

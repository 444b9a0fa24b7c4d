// Split rings: what chains the device sees, and everything a broken ring can be.
#include "devices/virtio/virtqueue.h"

#include <doctest/doctest.h>

#include <functional>

#include "tests/contract/support/bench.h"
#include "tests/contract/support/random.h"

using namespace lockstitch;
using namespace lockstitch::test;

namespace {
struct Ring {
  static constexpr Gpa descriptors = 0x1000, available = 0x2000, used = 0x3000, table = 0x4000;
  static constexpr std::uint16_t size = 8;
  TestMemory memory{0x10000};
  Virtqueue queue{memory};
  DescriptorChain chain;
  std::uint16_t index = 0;

  Ring() {
    queue.set_size(size);
    queue.descriptors = descriptors;
    queue.available = available;
    queue.used = used;
    REQUIRE(queue.enable());
  }
  void put(Gpa gpa, unsigned width, std::uint64_t value) {
    for (unsigned i = 0; i < width; ++i) memory.ram.at(gpa + i) = static_cast<std::uint8_t>(value >> (8 * i));
  }
  std::uint64_t get(Gpa gpa, unsigned width) {
    std::uint64_t value = 0;
    for (unsigned i = 0; i < width; ++i) value |= std::uint64_t{memory.ram.at(gpa + i)} << (8 * i);
    return value;
  }
  void descriptor(Gpa base, unsigned n, Gpa gpa, std::uint64_t bytes, unsigned flags = 0, unsigned next = 0) {
    put(base + 16 * n, 8, gpa);
    put(base + 16 * n + 8, 4, bytes);
    put(base + 16 * n + 12, 2, flags);
    put(base + 16 * n + 14, 2, next);
  }
  void offer(unsigned head) {
    put(available + 4 + 2 * (index % size), 2, head);
    put(available + 2, 2, ++index);
  }
  Virtqueue::Found take(bool indirect = true) { return queue.take(chain, indirect); }
};
constexpr unsigned next_flag = 1, write_flag = 2, indirect_flag = 4;
using Found = Virtqueue::Found;
}  // namespace

TEST_CASE("an empty ring has nothing; an offered chain is found once, in order") {
  Ring r;
  CHECK_EQ(r.take(), Found::nothing);
  r.descriptor(Ring::descriptors, 5, 0x8000, 10);
  r.descriptor(Ring::descriptors, 2, 0x9000, 20);
  r.offer(5);
  r.offer(2);
  CHECK_EQ(r.take(), Found::chain);
  CHECK_EQ(r.chain.head(), 5);
  CHECK_EQ(r.take(), Found::chain);
  CHECK_EQ(r.chain.head(), 2);
  CHECK_EQ(r.take(), Found::nothing);
  r.queue.give_back(1);
  CHECK_EQ(r.take(), Found::chain);
  CHECK_EQ(r.chain.head(), 2);
}

TEST_CASE("a chain reads and writes across its descriptors, empty ones included") {
  Ring r;
  r.descriptor(Ring::descriptors, 0, 0x8000, 3, next_flag, 4);
  r.descriptor(Ring::descriptors, 4, 0, 0, next_flag, 1);
  r.descriptor(Ring::descriptors, 1, 0x9000, 5, next_flag, 7);
  r.descriptor(Ring::descriptors, 7, 0xa000, 2, next_flag | write_flag, 6);
  r.descriptor(Ring::descriptors, 6, 0xb000, 4, write_flag);
  for (unsigned i = 0; i < 8; ++i) r.put(i < 3 ? 0x8000 + i : 0x9000 + i - 3, 1, 100 + i);
  r.offer(0);
  REQUIRE_EQ(r.take(), Found::chain);
  CHECK_EQ(r.chain.readable_bytes(), 8);
  CHECK_EQ(r.chain.writable_bytes(), 6);
  std::array<std::uint8_t, 4> middle;
  CHECK(r.chain.read(r.memory, 1, middle));
  CHECK_EQ(middle, std::array<std::uint8_t, 4>{101, 102, 103, 104});
  CHECK(r.chain.write(r.memory, 1, middle));
  CHECK_EQ(r.get(0xa000, 2), 101 << 8);
  CHECK_EQ(r.get(0xb000, 4), 0x00'68'67'66);
  CHECK_FALSE(r.chain.read(r.memory, 5, middle));   // beyond the end
  CHECK_FALSE(r.chain.write(r.memory, 3, middle));
}

TEST_CASE("an indirect table is one chain, alone or after ordinary descriptors") {
  Ring r;
  r.descriptor(Ring::table, 0, 0x8000, 16, next_flag, 2);
  r.descriptor(Ring::table, 2, 0x9000, 32, write_flag);
  r.descriptor(Ring::descriptors, 3, Ring::table, 48, indirect_flag);
  r.descriptor(Ring::descriptors, 1, 0xa000, 8, next_flag, 3);
  r.offer(3);
  r.offer(1);
  REQUIRE_EQ(r.take(), Found::chain);
  CHECK_EQ(r.chain.readable_bytes(), 16);
  CHECK_EQ(r.chain.writable_bytes(), 32);
  REQUIRE_EQ(r.take(), Found::chain);
  CHECK_EQ(r.chain.readable_bytes(), 24);
}

TEST_CASE("a chain may be as long as the ring, and an indirect one as long as the limit") {
  Ring r;
  for (unsigned i = 0; i < Ring::size; ++i)
    r.descriptor(Ring::descriptors, i, 0x8000, 1, i + 1 < Ring::size ? next_flag : 0, i + 1);
  r.offer(0);
  CHECK_EQ(r.take(), Found::chain);
  CHECK_EQ(r.chain.readable_bytes(), Ring::size);
  const unsigned most = limits::virtqueue_max_entries;
  for (unsigned i = 0; i < most; ++i)
    r.descriptor(Ring::table, i, 0x8000, 1, i + 1 < most ? next_flag : 0, i + 1);
  r.descriptor(Ring::descriptors, 0, Ring::table, 16 * most, indirect_flag);
  r.offer(0);
  CHECK_EQ(r.take(), Found::chain);
  CHECK_EQ(r.chain.readable_bytes(), most);
}

TEST_CASE("broken rings are found out") {
  struct Case {
    const char* name;
    std::function<void(Ring&)> make;
  };
  const Gpa d = Ring::descriptors, t = Ring::table;
  const std::vector<Case> cases = {
      {"head beyond the table", [](Ring& r) { r.offer(Ring::size); }},
      {"next beyond the table", [=](Ring& r) { r.descriptor(d, 0, 0x8000, 1, next_flag, Ring::size); }},
      {"a loop onto itself", [=](Ring& r) { r.descriptor(d, 0, 0x8000, 0, next_flag, 0); }},
      {"a longer loop",
       [=](Ring& r) {
         r.descriptor(d, 0, 0x8000, 1, next_flag, 1);
         r.descriptor(d, 1, 0x8000, 1, next_flag, 2);
         r.descriptor(d, 2, 0x8000, 1, next_flag, 1);
       }},
      {"more offered than the ring holds", [](Ring& r) { r.put(Ring::available + 2, 2, Ring::size + 1); }},
      {"an index that ran backwards", [](Ring& r) { r.put(Ring::available + 2, 2, 0xffff); }},
      {"reading after writing",
       [=](Ring& r) {
         r.descriptor(d, 0, 0x8000, 1, next_flag | write_flag, 1);
         r.descriptor(d, 1, 0x8000, 1);
       }},
      {"a buffer that wraps around", [=](Ring& r) { r.descriptor(d, 0, ~Gpa{0} - 3, 8); }},
      {"more than 4 GiB in total",
       [=](Ring& r) {
         r.descriptor(d, 0, 0x8000, 0xffff'ffff, next_flag, 1);
         r.descriptor(d, 1, 0x8000, 1);
       }},
      {"an indirect table of no entries", [=](Ring& r) { r.descriptor(d, 0, t, 0, indirect_flag); }},
      {"an indirect table of half an entry", [=](Ring& r) { r.descriptor(d, 0, t, 24, indirect_flag); }},
      {"an indirect table above the limit",
       [=](Ring& r) { r.descriptor(d, 0, t, 16 * (limits::virtqueue_max_entries + 1), indirect_flag); }},
      {"an indirect table outside RAM", [=](Ring& r) { r.descriptor(d, 0, 0xfff8, 16, indirect_flag); }},
      {"an indirect table that wraps around", [=](Ring& r) { r.descriptor(d, 0, ~Gpa{0} - 7, 16, indirect_flag); }},
      {"an indirect descriptor that goes on",
       [=](Ring& r) { r.descriptor(d, 0, t, 16, indirect_flag | next_flag, 1); }},
      {"an indirect table inside another",
       [=](Ring& r) {
         r.descriptor(d, 0, t, 16, indirect_flag);
         r.descriptor(t, 0, t, 16, indirect_flag);
       }},
      {"a loop in an indirect table",
       [=](Ring& r) {
         r.descriptor(d, 0, t, 32, indirect_flag);
         r.descriptor(t, 0, 0x8000, 1, next_flag, 1);
         r.descriptor(t, 1, 0x8000, 1, next_flag, 0);
       }},
      {"next beyond an indirect table",
       [=](Ring& r) {
         r.descriptor(d, 0, t, 32, indirect_flag);
         r.descriptor(t, 0, 0x8000, 1, next_flag, 2);
       }},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    Ring r;
    c.make(r);
    if (r.get(Ring::available + 2, 2) == 0) r.offer(0);
    CHECK_EQ(r.take(), Found::broken);
  }
}

TEST_CASE("an indirect descriptor that was not negotiated breaks the ring") {
  Ring r;
  r.descriptor(Ring::table, 0, 0x8000, 16);
  r.descriptor(Ring::descriptors, 0, Ring::table, 16, indirect_flag);
  r.offer(0);
  CHECK_EQ(r.take(false), Found::broken);
}

TEST_CASE("a ring outside RAM is broken, not deadly") {
  TestMemory memory{0x4000};
  DescriptorChain chain;
  for (Gpa bad : {Gpa{0x4000}, Gpa{0xffff'fff0}, Gpa{1} << 40}) {
    Virtqueue queue(memory);
    queue.descriptors = 0x1000;
    queue.available = bad;
    queue.used = bad;
    REQUIRE(queue.enable());
    CHECK_EQ(queue.take(chain, true), Found::broken);
    CHECK_FALSE(queue.put_used(0, 0));
    CHECK_FALSE(queue.walk(256, chain, true));
  }
}

TEST_CASE("a buffer outside RAM fails when it is used") {
  Ring r;
  r.descriptor(Ring::descriptors, 0, 0xffff, 2);
  r.offer(0);
  REQUIRE_EQ(r.take(), Found::chain);
  std::array<std::uint8_t, 2> bytes;
  CHECK_FALSE(r.chain.read(r.memory, 0, bytes));
}

TEST_CASE("used chains are put back with their length, and the ring goes round") {
  Ring r;
  for (unsigned i = 0; i < 20; ++i) {
    REQUIRE(r.queue.put_used(static_cast<std::uint16_t>(i % 8), 1000 + i));
    CHECK_EQ(r.get(Ring::used + 2, 2), i + 1);
    CHECK_EQ(r.get(Ring::used + 4 + 8 * (i % 8), 4), i % 8);
    CHECK_EQ(r.get(Ring::used + 8 + 8 * (i % 8), 4), 1000 + i);
  }
}

TEST_CASE("any contents of a ring are safe") {
  const std::uint64_t seed = run_seed();
  CAPTURE(seed);
  Random random(seed);
  unsigned chains = 0;
  for (unsigned round = 0; round < 20000; ++round) {
    static Ring r;
    for (unsigned i = 0; i < Ring::size; ++i) {
      for (Gpa base : {Ring::descriptors, Ring::table}) {
        const Gpa gpa = random.one_in(8) ? random.next() : random.one_in(3) ? Ring::table : random.below(0x11000);
        const std::uint64_t bytes = random.one_in(8) ? random.next() : random.one_in(3) ? 128 : random.below(100);
        r.descriptor(base, i, gpa, bytes, static_cast<unsigned>(random.below(8)),
                     static_cast<unsigned>(random.below(9)));
      }
    }
    r.offer(static_cast<unsigned>(random.below(9)));
    if (r.take() == Found::chain) {
      ++chains;
      std::array<std::uint8_t, 64> bytes{};
      r.chain.read(r.memory, random.below(100), bytes);
      r.chain.write(r.memory, random.below(100), bytes);
      r.queue.put_used(r.chain.head(), 0);
    } else {
      r.queue.give_back(0xffff);  // go on past it
    }
  }
  CHECK_GT(chains, 1000);
}

// Claims about guest memory.
#include "vmm/machine/memory.h"

#include <doctest/doctest.h>

#include <array>
#include <numeric>

#include "lockstitch/limits.h"

using namespace lockstitch;

namespace {

struct Told final : MemoryObserver {
  void memory_written(Gpa gpa, std::uint64_t length) override {
    ++writes;
    last_gpa = gpa;
    last_length = length;
  }
  void memory_remapped() override { ++remaps; }
  void dirty_cleared() override { ++clears; }
  unsigned writes = 0, remaps = 0, clears = 0;
  Gpa last_gpa = 0;
  std::uint64_t last_length = 0;
};

constexpr std::uint64_t GiB = 1ull << 30;

std::vector<std::uint64_t> taken(Memory& memory, DirtySince set) {
  std::vector<std::uint64_t> pages;
  memory.take_dirty(set, pages);
  return pages;
}

}  // namespace

TEST_CASE("RAM beyond the low limit continues at 4 GiB and costs nothing until touched") {
  Memory memory(5 * GiB);
  REQUIRE(memory.regions().size() == 2);
  CHECK(memory.regions()[0].base == 0);
  CHECK(memory.regions()[0].bytes == limits::low_ram_max_bytes);
  CHECK(memory.regions()[1].base == 4 * GiB);
  CHECK(memory.regions()[1].bytes == 2 * GiB);
  CHECK(memory.page(limits::low_ram_max_bytes - 1).writable);
  CHECK(memory.page(limits::low_ram_max_bytes).host == nullptr);
  CHECK(memory.page(4 * GiB - 1).host == nullptr);
  CHECK(memory.page(4 * GiB).writable);
  CHECK(memory.page(6 * GiB - 1).writable);
  CHECK(memory.page(6 * GiB).host == nullptr);
  CHECK(memory.page(~0ull).host == nullptr);
  CHECK(memory.page_gpa(memory.ram_pages() - 1) == 6 * GiB - page_bytes);
  const std::array<std::uint8_t, 2> text{1, 2};
  CHECK(memory.write(4 * GiB, text));
  CHECK(memory.page_contents(limits::low_ram_max_bytes / page_bytes)[1] == 2);
}

TEST_CASE("page() gives the start of the page whatever the offset") {
  Memory memory(16 * page_bytes);
  CHECK(memory.page(0x3abc).host == memory.page(0x3000).host);
  CHECK(memory.page(0x3000).host - memory.page(0x2000).host == 4096);
  CHECK(reinterpret_cast<std::uintptr_t>(memory.page(0).host) % page_bytes == 0);
}

TEST_CASE("transfers cross pages; past the end they stop and say so, with the bytes before transferred") {
  Memory memory(2 * page_bytes);
  Told told;
  memory.observe(told);
  std::array<std::uint8_t, 8> text;
  std::iota(text.begin(), text.end(), std::uint8_t{1});
  CHECK(memory.write(page_bytes - 4, text));
  CHECK(told.writes == 1);
  CHECK(told.last_gpa == page_bytes - 4);
  CHECK(told.last_length == 8);
  std::array<std::uint8_t, 8> back{};
  CHECK(memory.read(page_bytes - 4, back));
  CHECK(back == text);

  CHECK(!memory.write(2 * page_bytes - 3, text));
  CHECK(told.last_length == 3);
  back.fill(0xee);
  CHECK(!memory.read(2 * page_bytes - 3, back));
  CHECK(back[2] == 3);
  CHECK(back[3] == 0xee);
  CHECK(!memory.write(2 * page_bytes, text));
  CHECK(!memory.read(~0ull - 2, back));
  CHECK(told.writes == 2);
  CHECK(memory.read(1ull << 60, {}));
}

TEST_CASE("the two dirty sets are independent, and clearing one tells observers") {
  Memory memory(40 * page_bytes);
  Told told;
  memory.observe(told);
  memory.observe(told);
  CHECK(taken(memory, DirtySince::digest).empty());
  CHECK(told.clears == 0);
  memory.mark_dirty(5 * page_bytes + 77);
  const std::array<std::uint8_t, 1> text{9};
  CHECK(memory.write(39 * page_bytes, text));
  CHECK(taken(memory, DirtySince::digest) == std::vector<std::uint64_t>{5, 39});
  CHECK(told.clears == 1);
  CHECK(taken(memory, DirtySince::digest).empty());
  memory.mark_dirty(0);
  CHECK(taken(memory, DirtySince::checkpoint) == std::vector<std::uint64_t>{0, 5, 39});
  CHECK(taken(memory, DirtySince::checkpoint).empty());
  CHECK(taken(memory, DirtySince::digest) == std::vector<std::uint64_t>{0});
  CHECK(told.remaps == 0);
}

TEST_CASE("ROM hides RAM and ignores writes of devices") {
  Memory memory(16 * page_bytes);
  Told told;
  memory.observe(told);
  const std::vector<std::uint8_t> contents(page_bytes + 10, 0x5a);
  memory.add_rom(4 * page_bytes, contents);
  memory.add_rom(0xfffc'0000, contents);
  CHECK(told.remaps == 2);
  CHECK(!memory.page(4 * page_bytes).writable);
  CHECK(memory.page(4 * page_bytes).host[7] == 0x5a);
  CHECK(memory.page(5 * page_bytes).host[10] == 0);
  CHECK(memory.page(6 * page_bytes).writable);
  CHECK(memory.page(0xfffc'0000).host[0] == 0x5a);
  CHECK(!memory.write(4 * page_bytes, contents));
  CHECK(memory.page(4 * page_bytes).host[0] == 0x5a);
  CHECK(memory.overlaps(0xfffb'f000, 0x1001));
  CHECK(!memory.overlaps(0xfffb'f000, 0x1000));
}

TEST_CASE("RAM below ROM shows through for reads, for writes, or for both, as the shadow says") {
  Memory memory(512 * page_bytes);
  constexpr Gpa at = 0xf'0000;
  const std::vector<std::uint8_t> rom(page_bytes, 0x5a);
  memory.add_rom(at, rom);
  const std::array<std::uint8_t, 2> text{1, 2};
  CHECK(!memory.write_shadowed(at, text));

  memory.set_shadow(at, page_bytes, false, true);
  CHECK(memory.page(at).host[0] == 0x5a);
  CHECK(!memory.page(at).writable);
  CHECK(memory.write_shadowed(at + 4, text));
  CHECK(taken(memory, DirtySince::digest) == std::vector<std::uint64_t>{at / page_bytes});
  CHECK(memory.page(at).host[4] == 0x5a);

  memory.set_shadow(at, page_bytes, true, false);
  CHECK(memory.page(at).host[4] == 1);
  CHECK(!memory.page(at).writable);
  CHECK(!memory.write(at, text));
  CHECK(!memory.write_shadowed(at, text));
  std::array<std::uint8_t, 1> back{};
  CHECK(memory.read(at + 5, back));
  CHECK(back[0] == 2);

  memory.set_shadow(at, page_bytes, true, true);
  CHECK(memory.page(at).writable);
  CHECK(memory.write(at, text));
  memory.set_shadow(at, page_bytes, false, false);
  CHECK(memory.page(at).host[0] == 0x5a);
}

TEST_CASE("a device's memory is state wherever it is placed, and tells engines only where it is") {
  Memory memory(512 * page_bytes);
  Told told;
  memory.observe(told);
  const std::size_t writable = memory.add_device_memory(4 * page_bytes, true);
  const std::size_t read_only = memory.add_device_memory(page_bytes, false);
  CHECK(memory.pages() == 512 + 5);
  const std::array<std::uint8_t, 2> text{1, 2};
  memory.write_device_memory(writable, 2 * page_bytes - 1, text);
  CHECK(taken(memory, DirtySince::digest) == std::vector<std::uint64_t>{513, 514});
  CHECK(told.writes == 0);
  CHECK(memory.page_contents(513)[page_bytes - 1] == 1);

  memory.place_device_memory(writable, 0xe000'0000);
  memory.place_device_memory(read_only, 0xffc0'0000);
  CHECK(memory.page(0xe000'1000).host[page_bytes - 1] == 1);
  CHECK(memory.page(0xe000'1000).writable);
  CHECK(memory.page(0xffc0'0000).host != nullptr);
  CHECK(!memory.page(0xffc0'0000).writable);
  CHECK(memory.overlaps(0xdfff'f000, 2 * page_bytes));
  memory.write_device_memory(writable, 0, text);
  CHECK(told.last_gpa == 0xe000'0000);
  memory.mark_dirty(0xe000'3000);
  CHECK(taken(memory, DirtySince::digest) == std::vector<std::uint64_t>{512, 515});

  memory.remove_device_memory(writable);
  CHECK(memory.page(0xe000'0000).host == nullptr);
  const std::vector<std::uint8_t> page(page_bytes, 7);
  memory.set_page_contents(516, page);
  CHECK(memory.page(0xffc0'0000).host[9] == 7);
}

TEST_CASE("a hole is MMIO") {
  Memory memory(16 * page_bytes);
  memory.add_hole(2 * page_bytes, page_bytes);
  CHECK(memory.page(2 * page_bytes).host == nullptr);
  CHECK(memory.page(3 * page_bytes).writable);
  CHECK(!memory.overlaps(2 * page_bytes, page_bytes));
  CHECK(memory.overlaps(2 * page_bytes, page_bytes + 1));
}

TEST_CASE("a memory size outside the limits is refused in a sentence") {
  CHECK(Memory::create(limits::memory_min_bytes).ok());
  CHECK(Memory::create(limits::memory_min_bytes - page_bytes).error().code == ExitCode::usage);
  CHECK(Memory::create(limits::memory_max_bytes + page_bytes).error().code == ExitCode::usage);
  CHECK(Memory::create(limits::memory_min_bytes + 1).error().code == ExitCode::usage);
}

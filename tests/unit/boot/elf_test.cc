// ELF parsing and the PVH entry.
#include "vmm/boot/elf.h"

#include <doctest/doctest.h>

#include "tests/unit/boot/elf_builder.h"
#include "tests/unit/boot/flat_memory.h"
#include "vmm/boot/pvh.h"

using namespace lockstitch;
using namespace lockstitch::boot;

namespace {

constexpr std::uint64_t ram = 16ull << 20;

struct Bench {
  FlatMemory memory{ram};
  MemoryLayout layout = memory_layout(ram).value();
  std::vector<std::uint8_t> initrd = std::vector<std::uint8_t>(100, 0x42);

  Result<CpuState> load(Bytes image) {
    return load_pvh(
        memory,
        {.kernel = image, .initrd = initrd, .command_line = "hello", .memory_map = layout.regions, .rsdp = 0xe'0000});
  }
};

}  // namespace

TEST_CASE("a PVH kernel of either width is loaded and entered with the start information in EBX") {
  for (const bool wide : {false, true}) {
    CAPTURE(wide);
    Bench bench;
    const auto image = elf_image({.wide = wide});
    const auto result = bench.load(image);
    REQUIRE(result.ok());
    CHECK(result.value().rip == 0x10'0040);
    CHECK(result.value().gpr[unsigned(Gpr::rbx)] == boot_information_gpa);
    CHECK(bench.memory.at(0x10'0000, 1)[0] == 0xaa);
    const Bytes zeroed = bench.memory.at(0x10'0000 + elf_content_bytes, elf_zero_bytes);
    CHECK(std::ranges::all_of(zeroed, [](std::uint8_t b) { return b == 0; }));
    CHECK(bench.memory.untouched(0x10'0000 + elf_content_bytes + elf_zero_bytes, 64));

    const Bytes info = bench.memory.at(boot_information_gpa, page_bytes);
    CHECK(get<std::uint32_t>(info, 0) == 0x336e'c578);
    CHECK(get<std::uint32_t>(info, 4) == 1);
    CHECK(get<std::uint32_t>(info, 12) == 1);
    const Bytes module = bench.memory.at(get<std::uint64_t>(info, 16), 32);
    CHECK(std::ranges::equal(bench.memory.at(get<std::uint64_t>(module, 0), 100), bench.initrd));
    CHECK(get<std::uint64_t>(module, 8) == 100);
    CHECK(bench.memory.text(get<std::uint64_t>(info, 24)) == "hello");
    CHECK(get<std::uint64_t>(info, 32) == 0xe'0000);
    REQUIRE(get<std::uint32_t>(info, 48) == bench.layout.regions.size());
    const Bytes map = bench.memory.at(get<std::uint64_t>(info, 40), 24 * bench.layout.regions.size());
    CHECK(get<std::uint64_t>(map, 24 * 3) == bench.layout.regions[3].base);
  }
}

TEST_CASE("a virtual entry point is translated by the segment that holds it") {
  const auto elf = parse_elf(elf_image({.wide = true, .virtual_base = 0xffff'ffff'8010'0000})).value();
  CHECK(elf.entry == 0x10'0010);
}

TEST_CASE("an ELF file without the note is no PVH kernel") {
  CHECK(is_pvh(elf_image({})));
  CHECK(!is_pvh(elf_image({.note = false})));
}

TEST_CASE("an ELF kernel outside usable memory is refused") {
  Bench bench;
  for (const Gpa place : {Gpa{0}, Gpa{0x8000}, Gpa{0xf'f000}, ram - 16, ram, Gpa{0xfee0'0000}, four_gib - 8}) {
    CAPTURE(place);
    CHECK(!bench.load(elf_image({.wide = true, .physical_base = place})).ok());
  }
  CHECK(!bench.load(elf_image({.wide = true, .physical_base = ~Gpa{0} - 100})).ok());
}

TEST_CASE("an ELF file cut off at any byte is refused") {
  for (const bool wide : {false, true}) {
    const auto whole = elf_image({.wide = wide});
    Bench bench;
    for (std::size_t length = 0; length < whole.size(); ++length) {
      CAPTURE(length);
      CHECK(!bench.load(Bytes(whole).first(length)).ok());
    }
  }
}

TEST_CASE("random damage to ELF headers never does worse than a refusal") {
  Noise noise;
  CAPTURE(noise.seed());
  Bench bench;
  for (int round = 0; round < 4000; ++round) {
    auto image = elf_image({.wide = round % 2 == 0});
    for (int i = 0; i < 3; ++i) image[noise.next() % 0x100] = static_cast<std::uint8_t>(noise.next());
    const auto result = bench.load(image);
    if (!result.ok()) CHECK(!result.error().text.empty());
  }
}

// Multiboot 1, by address fields and by ELF headers.
#include "vmm/boot/multiboot.h"

#include <doctest/doctest.h>

#include "tests/unit/boot/elf_builder.h"
#include "tests/unit/boot/flat_memory.h"

using namespace lockstitch;
using namespace lockstitch::boot;

namespace {

constexpr std::uint64_t ram = 16ull << 20;
constexpr std::uint32_t address_fields = 1 << 16;

void put_header(std::vector<std::uint8_t>& image, std::size_t at, std::uint32_t flags) {
  put<std::uint32_t>(image, at, 0x1bad'b002);
  put<std::uint32_t>(image, at + 4, flags);
  put<std::uint32_t>(image, at + 8, 0u - 0x1bad'b002 - flags);
}

/// Header at 20h; load address 100000h from file offset 10h; 200h bytes of content, then 100h bytes of BSS.
std::vector<std::uint8_t> flat_kernel() {
  std::vector<std::uint8_t> image(0x210);
  for (std::size_t i = 0; i < image.size(); ++i) image[i] = static_cast<std::uint8_t>(i | 1);
  put_header(image, 0x20, address_fields | 3);
  const std::uint32_t fields[] = {0x10'0010, 0x10'0000, 0x10'0200, 0x10'0300, 0x10'0044};
  for (unsigned i = 0; i < 5; ++i) put<std::uint32_t>(image, 0x2c + 4 * i, fields[i]);
  return image;
}

struct Bench {
  FlatMemory memory{ram};
  MemoryLayout layout = memory_layout(ram).value();
  std::vector<std::uint8_t> initrd;

  Result<CpuState> load(Bytes image) {
    return load_multiboot(memory,
                          {.kernel = image, .initrd = initrd, .command_line = "a b", .memory_map = layout.regions});
  }
};

}  // namespace

TEST_CASE("a Multiboot kernel is loaded by its address fields and told of memory, command line and module") {
  Bench bench;
  bench.initrd.assign(5000, 0x42);
  const auto image = flat_kernel();
  const auto result = bench.load(image);
  REQUIRE(result.ok());
  CHECK(result.value().rip == 0x10'0044);
  CHECK(result.value().gpr[unsigned(Gpr::rax)] == 0x2bad'b002);
  CHECK(result.value().gpr[unsigned(Gpr::rbx)] == boot_information_gpa);
  CHECK(std::ranges::equal(bench.memory.at(0x10'0000, 0x200), Bytes(image).subspan(0x10)));
  CHECK(std::ranges::all_of(bench.memory.at(0x10'0200, 0x100), [](std::uint8_t b) { return b == 0; }));
  CHECK(bench.memory.untouched(0x10'0300, 64));

  const Bytes info = bench.memory.at(boot_information_gpa, page_bytes);
  CHECK((get<std::uint32_t>(info, 0) & 0x4d) == 0x4d);
  CHECK(get<std::uint32_t>(info, 4) == 639);
  CHECK(get<std::uint32_t>(info, 8) == 15 * 1024);
  CHECK(bench.memory.text(get<std::uint32_t>(info, 16)) == "a b");
  REQUIRE(get<std::uint32_t>(info, 20) == 1);
  const Bytes module = bench.memory.at(get<std::uint32_t>(info, 24), 16);
  CHECK(get<std::uint32_t>(module, 4) - get<std::uint32_t>(module, 0) == 5000);
  CHECK(std::ranges::equal(bench.memory.at(get<std::uint32_t>(module, 0), 5000), bench.initrd));
  CHECK(bench.memory.text(get<std::uint32_t>(info, 64)) == "lockstitch");

  std::uint32_t at = get<std::uint32_t>(info, 48);
  const std::uint32_t end = at + get<std::uint32_t>(info, 44);
  for (const MemoryRegion& region : bench.layout.regions) {
    REQUIRE(at < end);
    const Bytes entry = bench.memory.at(at, 24);
    CHECK(get<std::uint64_t>(entry, 4) == region.base);
    CHECK(get<std::uint64_t>(entry, 12) == region.length);
    at += get<std::uint32_t>(entry, 0) + 4;
  }
  CHECK(at == end);
}

TEST_CASE("a Multiboot kernel without address fields is loaded as ELF") {
  Bench bench;
  for (const bool wide : {false, true}) {
    auto image = elf_image({.wide = wide, .note = false});
    put_header(image, 0x110, 2);
    const auto result = bench.load(image);
    REQUIRE(result.ok());
    CHECK(result.value().rip == 0x10'0010);
  }
}

TEST_CASE("a header beyond the first 8 KiB, at an odd place or with a wrong sum does not count") {
  std::vector<std::uint8_t> image(16384);
  put_header(image, 8184 - 4, 0);
  CHECK(is_multiboot(image));
  image.assign(16384, 0);
  put_header(image, 8184, 0);
  CHECK(!is_multiboot(image));
  image.assign(16384, 0);
  put_header(image, 0x22, 0);
  CHECK(!is_multiboot(image));
  image.assign(16384, 0);
  put_header(image, 0x20, 0);
  image[0x28] ^= 1;
  CHECK(!is_multiboot(image));
}

TEST_CASE("a required feature that is unknown is refused") {
  Bench bench;
  auto image = flat_kernel();
  put_header(image, 0x20, address_fields | 1 << 5);
  CHECK(!bench.load(image).ok());
}

TEST_CASE("contradicting address fields are refused") {
  Bench bench;
  const struct {
    unsigned field;
    std::uint32_t value;
  } contradictions[] = {{0, 0x10'0021}, {0, 0xf'0000},  {1, 0x10'0011}, {1, 0x1000},
                        {2, 0xf'ffff},  {2, 0x10'0201}, {3, 0x10'01ff}, {3, 0xffff'ffff}};
  for (const auto& [field, value] : contradictions) {
    CAPTURE(field);
    CAPTURE(value);
    auto image = flat_kernel();
    put<std::uint32_t>(image, 0x2c + 4 * field, value);
    CHECK(!bench.load(image).ok());
  }
}

TEST_CASE("a Multiboot kernel cut off at any byte is refused") {
  const auto whole = flat_kernel();
  Bench bench;
  for (std::size_t length = 0; length < whole.size(); ++length) {
    CAPTURE(length);
    CHECK(!bench.load(Bytes(whole).first(length)).ok());
  }
}

TEST_CASE("random damage to a Multiboot header never does worse than a refusal") {
  Noise noise;
  CAPTURE(noise.seed());
  Bench bench;
  for (int round = 0; round < 4000; ++round) {
    auto image = flat_kernel();
    for (int i = 0; i < 2; ++i) image[0x2c + noise.next() % 20] = static_cast<std::uint8_t>(noise.next());
    const auto result = bench.load(image);
    if (!result.ok()) CHECK(!result.error().text.empty());
  }
}

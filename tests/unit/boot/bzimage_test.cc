// The 64-bit Linux boot protocol on a synthetic image.
#include "vmm/boot/bzimage.h"

#include <doctest/doctest.h>

#include "lockstitch/limits.h"
#include "tests/unit/boot/flat_memory.h"
#include "vmm/boot/kernel_image.h"
#include "vmm/boot/little_endian.h"

using namespace lockstitch;
using namespace lockstitch::boot;

namespace {

constexpr std::uint64_t ram = 48ull << 20;

/// Two setup sectors, then 4 KiB of payload whose bytes count up.
std::vector<std::uint8_t> synthetic_kernel() {
  std::vector<std::uint8_t> image(3 * 512 + 4096);
  image[0x1f1] = 2;
  put<std::uint32_t>(image, 0x1f4, 4096 / 16);
  put<std::uint16_t>(image, 0x1fe, 0xaa55);
  image[0x200] = 0xeb;
  image[0x201] = 0x6a;
  put<std::uint32_t>(image, 0x202, 0x5372'6448);
  put<std::uint16_t>(image, 0x206, 0x020f);
  image[0x211] = 0x40;  // a flag of the kernel's own that must survive
  put<std::uint32_t>(image, 0x22c, 0x7fff'ffff);
  put<std::uint32_t>(image, 0x230, 0x20'0000);
  image[0x234] = 1;
  put<std::uint16_t>(image, 0x236, 0x7f);
  put<std::uint32_t>(image, 0x238, 2047);
  put<std::uint64_t>(image, 0x258, 0x100'0000);
  put<std::uint32_t>(image, 0x260, 0x80'0000);
  for (unsigned i = 0; i < 4096; ++i) image[3 * 512 + i] = static_cast<std::uint8_t>(i * 7);
  return image;
}

struct Bench {
  FlatMemory memory{ram};
  MemoryLayout layout = memory_layout(ram).value();
  std::vector<std::uint8_t> image = synthetic_kernel();
  std::vector<std::uint8_t> initrd = std::vector<std::uint8_t>(5000, 0x42);
  std::string command_line = "console=ttyS0";

  Result<CpuState> load() {
    return load_bzimage(memory, {.kernel = image,
                                 .initrd = initrd,
                                 .command_line = command_line,
                                 .memory_map = layout.regions,
                                 .rsdp = 0xe'0000});
  }
  std::string refusal() {
    const auto result = load();
    REQUIRE(!result.ok());
    return result.error().text;
  }
};

bool contains(const std::string& text, std::string_view part) { return text.find(part) != text.npos; }

}  // namespace

TEST_CASE("a bzImage is placed where it prefers, with initrd, command line, map and RSDP in boot_params") {
  Bench bench;
  const auto result = bench.load();
  REQUIRE(result.ok());
  const CpuState& cpu = result.value();
  CHECK(cpu.rip == 0x100'0200);
  CHECK(cpu.gpr[unsigned(Gpr::rsi)] == boot_information_gpa);
  CHECK(std::ranges::equal(bench.memory.at(0x100'0000, 4096), Bytes(bench.image).subspan(3 * 512)));
  const Bytes params = bench.memory.at(boot_information_gpa, page_bytes);
  CHECK(params[0x210] == 0xff);
  CHECK(params[0x211] == 0x41);
  CHECK(get<std::uint64_t>(params, 0x70) == 0xe'0000);
  CHECK(bench.memory.text(get<std::uint32_t>(params, 0x228)) == "console=ttyS0");
  const auto initrd = get<std::uint32_t>(params, 0x218);
  CHECK(get<std::uint32_t>(params, 0x21c) == 5000);
  CHECK(initrd % page_bytes == 0);
  CHECK(initrd == ram - 8192);
  CHECK(std::ranges::equal(bench.memory.at(initrd, 5000), bench.initrd));
  REQUIRE(params[0x1e8] == bench.layout.regions.size());
  for (std::size_t i = 0; i < bench.layout.regions.size(); ++i) {
    CHECK(get<std::uint64_t>(params, 0x2d0 + 20 * i) == bench.layout.regions[i].base);
    CHECK(get<std::uint64_t>(params, 0x2d8 + 20 * i) == bench.layout.regions[i].length);
    CHECK(get<std::uint32_t>(params, 0x2e0 + 20 * i) == static_cast<std::uint32_t>(bench.layout.regions[i].kind));
  }
  CHECK(params[0x1ef] == 0);  // nothing of the boot sector before the header
}

TEST_CASE("a relocatable kernel goes elsewhere when its preferred place is not memory, a fixed one is refused") {
  Bench bench;
  for (const std::uint64_t impossible :
       {ram - 4096, std::uint64_t{four_gib}, ~std::uint64_t{0} - 4095, std::uint64_t{0}}) {
    put<std::uint64_t>(bench.image, 0x258, impossible);
    bench.image[0x234] = 1;
    const auto result = bench.load();
    REQUIRE(result.ok());
    CHECK(result.value().rip == 0x20'0200);
    bench.image[0x234] = 0;
    CHECK(contains(bench.refusal(), "--memory"));
  }
}

TEST_CASE("the initrd stays below the kernel's limit") {
  Bench bench;
  put<std::uint32_t>(bench.image, 0x22c, 0x1ff'ffff);
  REQUIRE(bench.load().ok());
  const auto initrd = get<std::uint32_t>(bench.memory.at(boot_information_gpa, page_bytes), 0x218);
  CHECK(initrd == 0x200'0000 - 8192);
}

TEST_CASE("without an initrd its fields are zero") {
  Bench bench;
  bench.initrd.clear();
  REQUIRE(bench.load().ok());
  CHECK(get<std::uint64_t>(bench.memory.at(boot_information_gpa, page_bytes), 0x218) == 0);
}

TEST_CASE("each way a bzImage can be unusable has its own sentence") {
  Bench bench;
  SUBCASE("protocol too old") {
    put<std::uint16_t>(bench.image, 0x206, 0x020b);
    CHECK(contains(bench.refusal(), "older than 2.12"));
  }
  SUBCASE("no 64-bit entry") {
    bench.image[0x236] = 0;
    CHECK(contains(bench.refusal(), "64-bit"));
  }
  SUBCASE("truncated payload") {
    bench.image.resize(bench.image.size() - 16);
    CHECK(contains(bench.refusal(), "truncated"));
  }
  SUBCASE("kernel larger than memory") {
    put<std::uint32_t>(bench.image, 0x260, ram);
    CHECK(contains(bench.refusal(), "the kernel needs 48 MiB"));
  }
  SUBCASE("initrd larger than what is left") {
    bench.initrd.resize(ram - 0x180'0000 + 1);
    CHECK(contains(bench.refusal(), "initrd"));
  }
  SUBCASE("command line longer than the kernel takes") {
    put<std::uint32_t>(bench.image, 0x238, 12);
    CHECK(contains(bench.refusal(), "13 bytes"));
  }
  SUBCASE("command line longer than any kernel takes") {
    put<std::uint32_t>(bench.image, 0x238, 0xffff'ffff);
    bench.command_line.assign(limits::command_line_max_bytes + 1, 'x');
    CHECK(contains(bench.refusal(), "2048 bytes"));
  }
  SUBCASE("alignment that is not a power of two") {
    put<std::uint32_t>(bench.image, 0x230, 0);
    CHECK(contains(bench.refusal(), "alignment"));
  }
}

TEST_CASE("a command line of exactly the limit is taken") {
  Bench bench;
  bench.command_line.assign(limits::command_line_max_bytes, 'x');
  CHECK(bench.load().ok());
  CHECK(bench.memory.text(command_line_gpa).size() == limits::command_line_max_bytes);
}

TEST_CASE("a bzImage cut off at any byte is refused, but for those that fill its last paragraph") {
  const auto whole = synthetic_kernel();
  Bench bench;
  bench.image.assign(whole.begin(), whole.end() - 15);
  CHECK(bench.load().ok());
  for (std::size_t length = 0; length <= whole.size() - 16; ++length) {
    CAPTURE(length);
    bench.image.assign(whole.begin(), whole.begin() + length);
    CHECK(!bench.load().ok());
  }
}

TEST_CASE("random damage to the setup header never does worse than a refusal") {
  Noise noise;
  CAPTURE(noise.seed());
  Bench bench;
  for (int round = 0; round < 3000; ++round) {
    bench.image = synthetic_kernel();
    for (int i = 0; i < 3; ++i) bench.image[0x1f1 + noise.next() % 0x80] = static_cast<std::uint8_t>(noise.next());
    const auto result = bench.load();
    if (!result.ok()) CHECK(!result.error().text.empty());
  }
}

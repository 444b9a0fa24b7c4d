// Flat images.
#include "vmm/boot/flat.h"

#include <doctest/doctest.h>

#include "tests/unit/boot/flat_memory.h"

using namespace lockstitch;
using namespace lockstitch::boot;

TEST_CASE("a flat image is loaded at 7C00h and entered there as a boot sector is") {
  FlatMemory memory(1 << 20);
  const auto layout = memory_layout(1 << 20).value();
  const std::vector<std::uint8_t> image{0xf4, 1, 2, 3};
  const CpuState cpu = load_flat(memory, {.kernel = image, .memory_map = layout.regions}).value();
  CHECK(std::ranges::equal(memory.at(0x7c00, 4), image));
  CHECK(cpu.segment[unsigned(SegmentName::cs)].base + cpu.rip == 0x7c00);
  CHECK(cpu.gpr[unsigned(Gpr::rdx)] == 0x80);
}

TEST_CASE("a flat image above 64 KiB is entered through its own segment") {
  FlatMemory memory(1 << 20);
  const auto layout = memory_layout(1 << 20).value();
  const std::vector<std::uint8_t> image(100, 0x90);
  const CpuState cpu = load_flat(memory, {.kernel = image, .memory_map = layout.regions}, 0x3'0010).value();
  CHECK(cpu.segment[unsigned(SegmentName::cs)].selector == 0x3001);
  CHECK(cpu.rip == 0);
}

TEST_CASE("a flat image that is empty, too large or at an impossible place is refused") {
  FlatMemory memory(2 << 20);
  const auto layout = memory_layout(2 << 20).value();
  const std::vector<std::uint8_t> image(0xa'0000, 0x90);
  const MemoryMap map = layout.regions;
  CHECK(!load_flat(memory, {.memory_map = map}).ok());
  CHECK(!load_flat(memory, {.kernel = image, .memory_map = map}).ok());
  CHECK(!load_flat(memory, {.kernel = Bytes(image).first(16), .memory_map = map}, 0x2'0008).ok());
  CHECK(!load_flat(memory, {.kernel = Bytes(image).first(16), .memory_map = map}, 0x10'0000).ok());
  CHECK(!load_flat(memory, {.kernel = Bytes(image).first(16), .memory_map = map}, 0xb'0000).ok());
  CHECK(!load_flat(memory, {.kernel = Bytes(image).first(16), .memory_map = map}, ~Gpa{0} - 7).ok());
}

// Recognition of kernel images.
#include "vmm/boot/kernel_image.h"

#include <doctest/doctest.h>

#include "tests/unit/boot/elf_builder.h"
#include "tests/unit/boot/flat_memory.h"

using namespace lockstitch;
using namespace lockstitch::boot;

TEST_CASE("what is no kernel is refused in a sentence that says what it is instead") {
  const struct {
    std::vector<std::uint8_t> image;
    const char* hint;
  } cases[] = {
      {{}, "empty"},
      {{0x1f, 0x8b, 8}, "gzip"},
      {{'M', 'Z'}, "EFI"},
      {elf_image({.note = false}), "ELF"},
      {std::vector<std::uint8_t>(4096, 0x20), "no Linux setup header"},
  };
  for (const auto& [image, hint] : cases) {
    const auto kind = recognise_kernel(image);
    REQUIRE(!kind.ok());
    CHECK(kind.error().code == ExitCode::bad_input);
    CHECK(kind.error().text.find(hint) != std::string::npos);
  }
  std::vector<std::uint8_t> sector(512);
  put<std::uint16_t>(sector, 510, 0xaa55);
  CHECK(recognise_kernel(sector).error().text.find("boot sector") != std::string::npos);
}

TEST_CASE("each kind is recognised by its magic") {
  CHECK(recognise_kernel(elf_image({})).value() == KernelKind::pvh);
  std::vector<std::uint8_t> linux_image(0x300);
  put<std::uint16_t>(linux_image, 0x1fe, 0xaa55);
  put<std::uint32_t>(linux_image, 0x202, 0x5372'6448);
  CHECK(recognise_kernel(linux_image).value() == KernelKind::bzimage);
  auto multiboot = elf_image({.note = false});
  put<std::uint32_t>(multiboot, 0x120, 0x1bad'b002);
  put<std::uint32_t>(multiboot, 0x124, 0);
  put<std::uint32_t>(multiboot, 0x128, 0u - 0x1bad'b002);
  CHECK(recognise_kernel(multiboot).value() == KernelKind::multiboot);
}

TEST_CASE("random bytes are never taken for a kernel that then loads out of bounds") {
  Noise noise;
  CAPTURE(noise.seed());
  FlatMemory memory(4 << 20);
  const auto layout = memory_layout(4 << 20).value();
  for (int round = 0; round < 500; ++round) {
    std::vector<std::uint8_t> image(noise.next() % 20000);
    for (auto& byte : image) byte = static_cast<std::uint8_t>(noise.next() >> 8);
    CHECK(!recognise_kernel(image).ok());
    const LoadRequest request{.kernel = image, .memory_map = layout.regions};
    for (const auto kind : {KernelKind::bzimage, KernelKind::pvh, KernelKind::multiboot})
      CHECK(!load_kernel(memory, request, kind).ok());
  }
}

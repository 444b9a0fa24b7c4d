// Bytes drive a virtio device: configuration space, registers, ring contents, notifications, arrivals and time.
// Whatever the guest does, the device is safe, its state can be saved, and what was saved can be loaded.
#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>

#include "tests/contract/support/choice.h"
#include "tests/contract/support/state_image.h"
#include "tests/contract/virtio/virtio_rigs.h"

using namespace lockstitch;
using namespace lockstitch::test;

namespace {
std::unique_ptr<VirtioRig> make(unsigned kind) {
  switch (kind) {
    case 0: return std::make_unique<BlkRig>();
    case 1: return std::make_unique<NetRig>();
    case 2: return std::make_unique<ConsoleRig>();
    case 3: return std::make_unique<BlkRig>(VirtioRig::memory_bytes, 0x4000, true);
    default: return std::make_unique<RngRig>();
  }
}

void check(const std::string& error) {
  if (!error.empty()) assertion_failed(__FILE__, __LINE__, error.c_str());
}
}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  ByteChoice choice(data, size);
  const auto kind = static_cast<unsigned>(choice.below(5));
  auto rig = make(kind);
  while (!choice.done()) {
    if (choice.one_in(8)) {
      // Raw ring contents, longer than the careless guest's single bytes.
      const std::uint64_t at = choice.below(2) * 0x1000 + choice.below(0x100) * 4;
      const std::uint64_t bytes = choice.below(64);
      for (std::uint64_t i = 0; i < bytes; ++i) rig->memory.ram[at + i] = static_cast<std::uint8_t>(choice.take(1));
    } else {
      random_event(*rig, choice);
    }
  }
  const StateImage image = save(*rig);
  auto other = make(kind);
  check(load(*other, image));
  other->device().loaded();
  check(difference(image, save(*other)));
  rig->bench.advance(1'000'000);
  other->bench.advance(1'000'000);
  check(difference(save(*rig), save(*other)));
  return 0;
}

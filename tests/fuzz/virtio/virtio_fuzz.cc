// Bytes drive a virtio device: configuration space, registers, ring contents, notifications, arrivals and time.
// Whatever the guest does, the device is safe, its state can be saved, and what was saved can be loaded.
#include <memory>

#include "tests/contract/virtio/virtio_rigs.h"
#include "tests/fuzz/device_fuzz.h"

using namespace lockstitch;
using namespace lockstitch::test;

namespace {
std::unique_ptr<VirtioRig> make(unsigned kind) {
  switch (kind) {
    case 0:
      return std::make_unique<BlkRig>();
    case 1:
      return std::make_unique<NetRig>();
    case 2:
      return std::make_unique<ConsoleRig>();
    case 3:
      return std::make_unique<BlkRig>(VirtioRig::memory_bytes, 0x4000, true);
    default:
      return std::make_unique<RngRig>();
  }
}
}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  ByteChoice choice(data, size);
  const auto kind = static_cast<unsigned>(choice.below(5));
  const auto ring = [](ByteChoice& from) { return from.below(2) * 0x1000 + from.below(0x100) * 4; };
  fuzz_device(
      choice, [kind] { return make(kind); }, ring, 1'000'000);
  return 0;
}

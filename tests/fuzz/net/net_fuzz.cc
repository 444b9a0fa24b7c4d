// Bytes drive the network card: configuration space, registers, ring contents, doorbells, frames and time. Whatever the
// guest does, the card is safe, its state can be saved, and what was saved can be loaded.
#include <memory>

#include "tests/contract/net/e1000_rig.h"
#include "tests/fuzz/device_fuzz.h"

using namespace lockstitch::test;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  ByteChoice choice(data, size);
  const auto ring = [](ByteChoice& from) { return from.below(2) * 0x1000 + from.below(16) * 16; };
  fuzz_device(
      choice, [] { return std::make_unique<E1000Rig>(); }, ring, 1'000'000);
  return 0;
}

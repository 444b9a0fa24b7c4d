// Bytes drive the hypervisor interface or the HPET: MSR accesses, pages, timers, time. Halfway the device moves to a
// second bench by save and load and has to go on there.
#include <cstdint>
#include <memory>

#include "lockstitch/assert.h"
#include "tests/contract/hpet/hpet_rigs.h"
#include "tests/contract/hyperv/hyperv_rig.h"
#include "tests/contract/support/choice.h"
#include "tests/contract/support/state_image.h"

using namespace lockstitch::test;

namespace {
std::unique_ptr<Rig> make(std::uint8_t which) {
  if (which & 1) return std::make_unique<HpetRig>();
  return std::make_unique<HypervRig>();
}
}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  auto device = make(data[0]);
  ByteChoice first(data + 1, (size - 1) / 2);
  while (!first.done()) random_event(*device, first);

  auto moved = make(data[0]);
  const StateImage image = save(*device);
  LS_ASSERT(load(*moved, image).empty());
  moved->device().loaded();
  LS_ASSERT(difference(image, save(*moved)).empty());
  device->bench.take_outputs();

  ByteChoice here(data + 1 + (size - 1) / 2, size - 1 - (size - 1) / 2), there = here;
  while (!here.done()) {
    LS_ASSERT(random_event(*device, here) == random_event(*moved, there));
    LS_ASSERT(device->bench.take_outputs() == moved->bench.take_outputs());
  }
  LS_ASSERT(difference(save(*device), save(*moved)).empty());
  return 0;
}

// Bytes drive one legacy device: the first chooses the device, the rest choose accesses, arrivals, time and stimuli.
// Halfway the device moves to a second bench by save and load and has to go on there.
#include <cstdint>
#include <iterator>

#include "lockstitch/assert.h"
#include "tests/contract/legacy/rigs.h"
#include "tests/contract/support/choice.h"
#include "tests/contract/support/state_image.h"

using namespace lockstitch::test;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const NamedRig& rig = legacy_rigs[data[0] % std::size(legacy_rigs)];
  auto device = rig.make();
  ByteChoice first(data + 1, (size - 1) / 2);
  while (!first.done()) random_event(*device, first);

  auto moved = rig.make();
  const StateImage image = save(*device);
  LS_ASSERT(load(*moved, image).empty());
  moved->device().loaded();
  LS_ASSERT(difference(image, save(*moved)).empty());

  ByteChoice here(data + 1 + (size - 1) / 2, size - 1 - (size - 1) / 2), there = here;
  while (!here.done()) LS_ASSERT(random_event(*device, here) == random_event(*moved, there));
  LS_ASSERT(difference(save(*device), save(*moved)).empty());
  return 0;
}

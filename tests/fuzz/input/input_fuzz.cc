// Bytes drive the keyboard controller: accesses to its ports, keys, movements and time. Halfway it moves to a second
// bench by save and load and has to go on there; in the end it must still answer a self-test.
#include <cstdint>
#include <memory>

#include "lockstitch/assert.h"
#include "tests/contract/input/input_rig.h"
#include "tests/contract/support/choice.h"
#include "tests/contract/support/state_image.h"

using namespace lockstitch;
using namespace lockstitch::test;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  auto device = std::make_unique<Guest>();
  ByteChoice first(data, size / 2);
  while (!first.done()) random_event(*device, first);

  auto moved = std::make_unique<Guest>();
  const StateImage image = save(*device);
  LS_ASSERT(load(*moved, image).empty());
  moved->device().loaded();
  LS_ASSERT(difference(image, save(*moved)).empty());

  ByteChoice here(data + size / 2, size - size / 2), there = here;
  while (!here.done()) LS_ASSERT(random_event(*device, here) == random_event(*moved, there));
  LS_ASSERT(difference(save(*device), save(*moved)).empty());
  LS_ASSERT(device->counters() == moved->counters());

  // Whatever happened, a driver that starts anew gets its answers.
  device->command(0xad);
  device->command(0xa7);
  while (device->status() & Guest::full) device->in();
  LS_ASSERT(device->ask(0xaa) == 0x55);
  device->set_command_byte(0x41);
  device->out(0xff);
  LS_ASSERT(device->next() >= 0);  // a byte of a key that was on its way may come before the answer
  return 0;
}

// Bytes drive the display adapter: registers, both memories, modes, time, and looks at the screen. Halfway the adapter
// moves to a second bench by save and load and has to go on there and show the same.
#include <cstdint>

#include "lockstitch/assert.h"
#include "tests/contract/support/choice.h"
#include "tests/contract/support/state_image.h"
#include "tests/contract/video/vga_rig.h"

using namespace lockstitch::test;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  VgaRig rig;
  ByteChoice first(data, size / 2);
  while (!first.done()) random_event(rig, first);
  picture_hash(rig.it);

  VgaRig moved;
  const StateImage image = save(rig);
  LS_ASSERT(load(moved, image).empty());
  moved.it.loaded();
  LS_ASSERT(difference(image, save(moved)).empty());

  ByteChoice here(data + size / 2, size - size / 2), there = here;
  while (!here.done()) LS_ASSERT(random_event(rig, here) == random_event(moved, there));
  LS_ASSERT(difference(save(rig), save(moved)).empty());
  LS_ASSERT(picture_hash(rig.it) == picture_hash(moved.it));
  LS_ASSERT(text_hash(rig.it) == text_hash(moved.it));
  return 0;
}

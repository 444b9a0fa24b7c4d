// Bytes drive the IDE function: the first chooses the drives, the rest choose accesses, commands, packets, media and
// time. Halfway everything moves to a second bench by save and load and has to go on there.
#include <cstdint>

#include "lockstitch/assert.h"
#include "tests/contract/ide/ide_rigs.h"
#include "tests/contract/support/choice.h"
#include "tests/contract/support/state_image.h"

using namespace lockstitch::test;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const IdeDrives drives = data[0] % 16 == 0 ? IdeDrives::none : data[0] % 4 == 0 ? IdeDrives::disks : IdeDrives::all;
  IdeRig rig(drives), moved(drives);
  ByteChoice first(data + 1, (size - 1) / 2);
  while (!first.done()) random_event(rig, first);

  const StateImage image = save(rig);
  LS_ASSERT(load(moved, image).empty());
  moved.device().loaded();
  LS_ASSERT(difference(image, save(moved)).empty());

  ByteChoice here(data + 1 + (size - 1) / 2, size - 1 - (size - 1) / 2), there = here;
  while (!here.done()) LS_ASSERT(random_event(rig, here) == random_event(moved, there));
  LS_ASSERT(difference(save(rig), save(moved)).empty());
  return 0;
}

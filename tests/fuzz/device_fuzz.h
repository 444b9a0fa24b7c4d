// What every target over a device's rig does: bytes become events, then everything moves to a second rig by save and
// load and has to go on there as in the first.
#pragma once
#include <cstdint>
#include <string>

#include "lockstitch/assert.h"
#include "tests/contract/support/choice.h"
#include "tests/contract/support/state_image.h"

namespace lockstitch::test {

inline void fuzz_check(const std::string& error) {
  if (!error.empty()) assertion_failed(__FILE__, __LINE__, error.c_str());
}

/// `make`: a new rig, always the same. `raw_place`: chooses where in the guest's memory raw bytes go, longer than the
/// careless guest's single ones. Unit of `later_ns`: for how long both go on at the end.
template <class Make, class RawPlace>
void fuzz_device(ByteChoice& choice, Make make, RawPlace raw_place, std::uint64_t later_ns) {
  auto rig = make();
  while (!choice.done()) {
    if (choice.one_in(8)) {
      const std::uint64_t at = raw_place(choice), bytes = choice.below(64);
      for (std::uint64_t i = 0; i < bytes; ++i) rig->memory.ram[at + i] = static_cast<std::uint8_t>(choice.take(1));
    } else {
      random_event(*rig, choice);
    }
  }
  const StateImage image = save(*rig);
  auto other = make();
  fuzz_check(load(*other, image));
  other->device().loaded();
  fuzz_check(difference(image, save(*other)));
  rig->bench.take_outputs();
  other->bench.take_outputs();
  rig->bench.advance(later_ns);
  other->bench.advance(later_ns);
  fuzz_check(difference(save(*rig), save(*other)));
  if (rig->bench.take_outputs() != other->bench.take_outputs()) fuzz_check("the copy has other effects");
}

}  // namespace lockstitch::test

// Bytes drive the network card: configuration space, registers, ring contents, doorbells, frames and time. Whatever the
// guest does, the card is safe, its state can be saved, and what was saved can be loaded.
#include <cstdint>
#include <memory>
#include <string>

#include "tests/contract/net/e1000_rig.h"
#include "tests/contract/support/choice.h"
#include "tests/contract/support/state_image.h"

using namespace lockstitch;
using namespace lockstitch::test;

namespace {
void check(const std::string& error) {
  if (!error.empty()) assertion_failed(__FILE__, __LINE__, error.c_str());
}
}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  ByteChoice choice(data, size);
  auto rig = std::make_unique<E1000Rig>();
  while (!choice.done()) {
    if (choice.one_in(8)) {
      // Raw ring contents, longer than the careless guest's single bytes.
      const std::uint64_t at = choice.below(2) * 0x1000 + choice.below(16) * 16;
      const std::uint64_t bytes = choice.below(64);
      for (std::uint64_t i = 0; i < bytes; ++i) rig->memory.ram[at + i] = static_cast<std::uint8_t>(choice.take(1));
    } else {
      random_event(*rig, choice);
    }
  }
  const StateImage image = save(*rig);
  auto other = std::make_unique<E1000Rig>();
  check(load(*other, image));
  other->device().loaded();
  check(difference(image, save(*other)));
  rig->bench.take_outputs();
  other->bench.take_outputs();
  rig->bench.advance(1'000'000);
  other->bench.advance(1'000'000);
  check(difference(save(*rig), save(*other)));
  if (rig->bench.take_outputs() != other->bench.take_outputs()) check("the copy has other effects");
  return 0;
}

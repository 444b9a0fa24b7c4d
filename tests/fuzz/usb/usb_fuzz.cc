// Bytes drive the USB controller and its tablet: registers, lists, raw memory, touches and time. At the end everything
// moves to a second bench by save and load and has to go on there.
#include <cstdint>
#include <memory>

#include "lockstitch/assert.h"
#include "tests/contract/support/choice.h"
#include "tests/contract/support/state_image.h"
#include "tests/contract/usb/usb_rig.h"

using namespace lockstitch;
using namespace lockstitch::test;

namespace {
void check(const std::string& error) {
  if (!error.empty()) assertion_failed(__FILE__, __LINE__, error.c_str());
}
}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  ByteChoice choice(data, size);
  auto rig = std::make_unique<UsbRig>();
  while (!choice.done()) {
    if (choice.one_in(8)) {
      // Raw lists, longer than the careless guest's single bytes.
      const std::uint64_t at = UsbRig::heap + choice.below(64) * 32;
      const std::uint64_t bytes = choice.below(64);
      for (std::uint64_t i = 0; i < bytes; ++i) rig->memory.ram[at + i] = static_cast<std::uint8_t>(choice.take(1));
    } else {
      random_event(*rig, choice);
    }
  }
  const StateImage image = save(*rig);
  auto other = std::make_unique<UsbRig>();
  check(load(*other, image));
  other->device().loaded();
  check(difference(image, save(*other)));
  rig->bench.take_outputs();
  other->bench.take_outputs();
  rig->bench.advance(20'000'000);
  other->bench.advance(20'000'000);
  check(difference(save(*rig), save(*other)));
  if (rig->bench.take_outputs() != other->bench.take_outputs()) check("the copy has other effects");
  return 0;
}

// Bytes drive the USB controller and its tablet: registers, lists, raw memory, touches and time. At the end everything
// moves to a second bench by save and load and has to go on there.
#include <memory>

#include "tests/contract/usb/usb_rig.h"
#include "tests/fuzz/device_fuzz.h"

using namespace lockstitch::test;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  ByteChoice choice(data, size);
  const auto list = [](ByteChoice& from) { return UsbRig::heap + from.below(64) * 32; };
  fuzz_device(
      choice, [] { return std::make_unique<UsbRig>(); }, list, 20'000'000);
  return 0;
}

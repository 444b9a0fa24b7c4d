// See flat_guest.h.
#include "tests/e2e/cli/flat_guest.h"

namespace lockstitch::test {

FlatGuest& FlatGuest::add(std::initializer_list<std::uint8_t> code) {
  bytes_.insert(bytes_.end(), code);
  return *this;
}

FlatGuest& FlatGuest::print(char byte) {
  return add({0xba, 0xf8, 0x03,                       // mov dx, 3f8h
              0xb0, static_cast<std::uint8_t>(byte),  // mov al, byte
              0xee});                                 // out dx, al
}

FlatGuest& FlatGuest::exit(std::uint8_t code) {
  add({0xba, 0x01, 0x05, 0xb0, code, 0xee});  // mov dx, 501h; mov al, code; out dx, al
  return spin();
}

FlatGuest& FlatGuest::exit_with_input() {
  add({0xba, 0xfd, 0x03, 0xec, 0xa8, 0x01, 0x74, 0xf8});  // mov dx, 3fdh; in al, dx; test al, 1; jz to the start
  add({0xba, 0xf8, 0x03, 0xec});                          // mov dx, 3f8h; in al, dx
  add({0xba, 0x01, 0x05, 0xee});                          // mov dx, 501h; out dx, al
  return spin();
}

FlatGuest& FlatGuest::spin() { return add({0xeb, 0xfe}); }

FlatGuest& FlatGuest::halt() { return add({0xfa, 0xf4, 0xeb, 0xfd}); }  // cli; hlt; again

}  // namespace lockstitch::test

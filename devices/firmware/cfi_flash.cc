// See cfi_flash.h.
#include "devices/firmware/cfi_flash.h"

#include <array>

namespace lockstitch {
namespace {
constexpr std::uint64_t block_bytes = 4096;
constexpr std::uint8_t status_ready = 0x80, status_erase_error = 0x20;
}  // namespace

void CfiFlash::enter(Mode mode) {
  if (mode == Mode::array) {
    storage_.map().place(base_);
  } else if (mode_ == Mode::array) {
    storage_.map().remove();
  }
  mode_ = mode;
}

void CfiFlash::reset() {
  enter(Mode::array);
  status_ = status_ready;
}

void CfiFlash::visit(StateVisitor& v) {
  v.field("mode", mode_);
  v.field("status", status_);
  if (v.loading() && mode_ > Mode::erase) v.fail("flash: no such mode");
}

std::uint64_t CfiFlash::read(std::uint64_t, unsigned width) {
  std::uint64_t value = 0;
  for (unsigned i = 0; i < width; ++i) value |= std::uint64_t{status_} << (8 * i);
  return value;
}

void CfiFlash::write(std::uint64_t offset, unsigned width, std::uint64_t value) {
  switch (mode_) {
    case Mode::program: {
      // Programming only clears bits.
      std::array<std::uint8_t, 8> bytes;
      for (unsigned i = 0; i < width; ++i)
        bytes[i] = static_cast<std::uint8_t>(value >> (8 * i)) & storage_.contents()[offset + i];
      storage_.write(offset, Bytes(bytes).first(width));
      status_ |= status_ready;
      return enter(Mode::status);
    }
    case Mode::erase:
      if ((value & 0xff) == 0xd0) {
        std::array<std::uint8_t, block_bytes> erased;
        erased.fill(0xff);
        storage_.write(offset - offset % block_bytes, erased);
        status_ |= status_ready;
      } else {
        status_ |= status_ready | status_erase_error;
      }
      return enter(Mode::status);
    case Mode::array:
    case Mode::status:
      break;
  }
  switch (value & 0xff) {
    case 0x10:
    case 0x40:
      return enter(Mode::program);
    case 0x20:
      return enter(Mode::erase);
    case 0x50:  // zero, not "ready": this is how OVMF tells flash from ROM
      status_ = 0;
      return enter(Mode::array);
    case 0x70:
      return enter(Mode::status);
    case 0xff:
      return enter(Mode::array);
    default:
      return;
  }
}

}  // namespace lockstitch

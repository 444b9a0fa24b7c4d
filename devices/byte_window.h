// A window of 8-bit registers, as ISA devices have. A wider access is split into bytes, lowest address first, which is
// what the bus does for an 8-bit device.
#pragma once
#include "lockstitch/device.h"

namespace lockstitch {

class ByteWindow : public RegisterWindow {
 public:
  std::uint64_t read(std::uint64_t offset, unsigned width) final {
    std::uint64_t value = 0;
    for (unsigned i = 0; i < width; ++i) value |= std::uint64_t{read_byte(offset + i)} << (8 * i);
    return value;
  }
  void write(std::uint64_t offset, unsigned width, std::uint64_t value) final {
    for (unsigned i = 0; i < width; ++i) write_byte(offset + i, static_cast<std::uint8_t>(value >> (8 * i)));
  }

 protected:
  virtual std::uint8_t read_byte(std::uint64_t offset) = 0;
  virtual void write_byte(std::uint64_t offset, std::uint8_t value) = 0;
};

/// A ByteWindow whose two sides are members of a device that has more than one window.
template <class Owner>
class ByteWindowOf final : public ByteWindow {
 public:
  using Read = std::uint8_t (Owner::*)(std::uint64_t offset);
  using Write = void (Owner::*)(std::uint64_t offset, std::uint8_t value);
  ByteWindowOf(Owner& owner, Read reader, Write writer) : owner_(owner), read_(reader), write_(writer) {}

 private:
  std::uint8_t read_byte(std::uint64_t offset) override { return (owner_.*read_)(offset); }
  void write_byte(std::uint64_t offset, std::uint8_t value) override { (owner_.*write_)(offset, value); }

  Owner& owner_;
  Read read_;
  Write write_;
};

}  // namespace lockstitch

// Guest code as bytes, put together without an assembler: raw instructions, and the few forms that programs of the
// suite repeat. 64-bit code, except what is raw.
#pragma once
#include <cstdint>
#include <initializer_list>
#include <vector>

#include "lockstitch/cpu_state.h"

namespace lockstitch::test {

class GuestCode {
 public:
  GuestCode() = default;
  GuestCode(std::initializer_list<std::uint8_t> bytes) : bytes_(bytes) {}

  /// One or more instructions; say in a comment which.
  GuestCode& raw(std::initializer_list<std::uint8_t> bytes) {
    bytes_.insert(bytes_.end(), bytes);
    return *this;
  }
  GuestCode& number(std::uint64_t value, unsigned bytes) {
    for (unsigned i = 0; i < bytes; ++i) bytes_.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
    return *this;
  }
  /// mov reg, value
  GuestCode& set(Gpr reg, std::uint64_t value) {
    raw({rex(true, 0, unsigned(reg)), static_cast<std::uint8_t>(0xb8 | (unsigned(reg) & 7))});
    return number(value, 8);
  }
  /// mov reg, [address]
  GuestCode& load(Gpr reg, std::uint32_t address) {
    return memory({rex(true, unsigned(reg), 0), 0x8b}, unsigned(reg), address);
  }
  /// mov [address], reg
  GuestCode& store(std::uint32_t address, Gpr reg) {
    return memory({rex(true, unsigned(reg), 0), 0x89}, unsigned(reg), address);
  }
  /// An instruction with an absolute 32-bit address as its operand: prefixes and opcode, the ModRM register field.
  GuestCode& memory(std::initializer_list<std::uint8_t> opcode, unsigned reg, std::uint32_t address) {
    raw(opcode).raw({static_cast<std::uint8_t>((reg & 7) << 3 | 4), 0x25});
    return number(address, 4);
  }
  /// out port, al
  GuestCode& out(std::uint8_t port) { return raw({0xe6, port}); }
  GuestCode& hlt() { return raw({0xf4}); }
  GuestCode& iretq() { return raw({0x48, 0xcf}); }
  GuestCode& append(const GuestCode& more) {
    bytes_.insert(bytes_.end(), more.bytes_.begin(), more.bytes_.end());
    return *this;
  }

  const std::vector<std::uint8_t>& bytes() const { return bytes_; }
  std::size_t size() const { return bytes_.size(); }

 private:
  static constexpr std::uint8_t rex(bool wide, unsigned reg, unsigned base) {
    return static_cast<std::uint8_t>(0x40 | (wide ? 8 : 0) | (reg >= 8 ? 4 : 0) | (base >= 8 ? 1 : 0));
  }

  std::vector<std::uint8_t> bytes_;
};

}  // namespace lockstitch::test

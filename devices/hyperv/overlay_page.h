// The form that the hypervisor interface's page registers share: bit 0 enables, bits 63:12 are the page's address.
#pragma once
#include <array>
#include <cstdint>

#include "lockstitch/guest_memory.h"

namespace lockstitch::hyperv {

inline constexpr std::uint64_t page_enable = 1;

constexpr bool page_enabled(std::uint64_t page_register) { return page_register & page_enable; }
constexpr Gpa page_address(std::uint64_t page_register) { return page_register & ~page_mask; }

/// Pages lie in RAM: what the guest had there is overwritten, not hidden. Above 40 bits there is no memory.
inline bool read_page(GuestMemory& memory, std::uint64_t page_register, std::uint64_t offset, MutableBytes out) {
  return page_address(page_register) >> 40 == 0 && memory.read(page_address(page_register) + offset, out);
}
inline bool write_page(GuestMemory& memory, std::uint64_t page_register, std::uint64_t offset, Bytes in) {
  return page_address(page_register) >> 40 == 0 && memory.write(page_address(page_register) + offset, in);
}
/// False: there is no RAM.
inline bool clear_page(GuestMemory& memory, std::uint64_t page_register) {
  static constexpr std::array<std::uint8_t, page_bytes> zeros{};
  return write_page(memory, page_register, 0, zeros);
}

/// Little-endian fields of what lies in such pages.
template <class Buffer>
void put_u32(Buffer& to, std::size_t at, std::uint32_t value) {
  for (unsigned i = 0; i < 4; ++i) to[at + i] = static_cast<std::uint8_t>(value >> (8 * i));
}
template <class Buffer>
void put_u64(Buffer& to, std::size_t at, std::uint64_t value) {
  for (unsigned i = 0; i < 8; ++i) to[at + i] = static_cast<std::uint8_t>(value >> (8 * i));
}

}  // namespace lockstitch::hyperv

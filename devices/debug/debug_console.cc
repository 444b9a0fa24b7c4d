// See debug_console.h.
#include "devices/debug/debug_console.h"

#include <array>

namespace lockstitch {

std::uint64_t DebugConsole::read(std::uint64_t, unsigned width) {
  return (ones(width) & ~std::uint64_t{0xff}) | 0xe9;  // how firmware finds out that somebody listens
}

void DebugConsole::write(std::uint64_t offset, unsigned, std::uint64_t value) {
  if (offset != 0) return;
  const std::array<std::uint8_t, 1> byte{static_cast<std::uint8_t>(value)};
  output_.emit(byte);
}

}  // namespace lockstitch

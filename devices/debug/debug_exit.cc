// See debug_exit.h.
#include "devices/debug/debug_exit.h"

namespace lockstitch {

std::uint64_t DebugExit::read(std::uint64_t, unsigned) { return 0; }

void DebugExit::write(std::uint64_t offset, unsigned, std::uint64_t value) {
  if (offset == 0) power_.debug_exit(static_cast<std::uint8_t>(value));
}

}  // namespace lockstitch

// See pvpanic.h.
#include "devices/debug/pvpanic.h"

#include <array>

namespace lockstitch {
namespace {
constexpr std::uint8_t panicked = 1, crash_loaded = 2;
}

void Pvpanic::visit(StateVisitor& v) {
  v.field("panics", panics_);
  v.field("crash_loads", crash_loads_);
}

std::uint64_t Pvpanic::read(std::uint64_t, unsigned) { return panicked | crash_loaded; }

void Pvpanic::write(std::uint64_t offset, unsigned, std::uint64_t value) {
  if (offset != 0) return;
  for (const std::uint8_t event : {panicked, crash_loaded}) {
    if (!(value & event)) continue;
    ++(event == panicked ? panics_ : crash_loads_);
    events_.emit(std::array<std::uint8_t, 1>{event});
  }
}

}  // namespace lockstitch

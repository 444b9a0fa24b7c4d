// See display.h.
#include "vmm/world/display.h"

#include <utility>

namespace lockstitch::world {

void Display::show(const Screen& screen) {
  // Who asks while it is being drawn may have missed a change, and is drawn another one.
  wanted_.store(false, std::memory_order_release);
  screen.draw(drawn_);
  std::lock_guard lock(mutex_);
  std::swap(drawn_, newest_);
  ++number_;
}

void Display::want() {
  if (!wanted_.exchange(true, std::memory_order_acq_rel)) inbox_.nudge();
}

bool Display::take(Picture& picture, std::uint64_t& seen) const {
  std::lock_guard lock(mutex_);
  if (number_ == seen) return false;
  picture = newest_;
  seen = number_;
  return true;
}

}  // namespace lockstitch::world

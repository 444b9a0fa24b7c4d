// See progress.h.
#include "vmm/app/progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>

namespace lockstitch::app {

Progress::Progress(bool wanted, Tick goal)
    : on_(wanted && goal != tick_never && ::isatty(STDERR_FILENO)), goal_(goal) {}

void Progress::reached(Tick tick) {
  if (!on_ || goal_.value == 0) return;
  const auto now = Clock::now();
  if (now < next_) return;
  next_ = now + std::chrono::seconds(1);
  const double done = static_cast<double>(tick.value) / static_cast<double>(goal_.value);
  const double seconds = std::chrono::duration<double>(now - start_).count();
  fmt::print(stderr, "\rlockstitch: tick {} of {} ({:.0f} %), about {:.0f} s to go \x1b[K", tick.value, goal_.value,
             100 * done, done > 0 ? seconds / done - seconds : 0.0);
  std::fflush(stderr);
  shown_ = true;
}

void Progress::clear() {
  if (!shown_) return;
  fmt::print(stderr, "\r\x1b[K");
  shown_ = false;
}

}  // namespace lockstitch::app

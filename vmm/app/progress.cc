// See progress.h.
#include "vmm/app/progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>

namespace lockstitch::app {

Progress::Progress(bool wanted, Tick start, Tick goal)
    : on_(wanted && goal != tick_never && goal > start && ::isatty(STDERR_FILENO)), start_tick_(start), goal_(goal) {}

void Progress::reached(Moment at) {
  if (!on_) return;
  const auto now = Clock::now();
  if (now < next_) return;
  next_ = now + std::chrono::seconds(1);
  const double done = static_cast<double>(at.tick - start_tick_) / static_cast<double>(goal_ - start_tick_);
  const double seconds = std::chrono::duration<double>(now - start_).count();
  fmt::print(stderr, "\rlockstitch: {:.1f} s of guest time, tick {} of {} ({:.0f} %), about {:.0f} s to go \x1b[K",
             static_cast<double>(at.ns.value) * 1e-9, at.tick.value, goal_.value, 100 * done,
             done > 0 ? seconds / done - seconds : 0.0);
  std::fflush(stderr);
  shown_ = true;
}

void Progress::clear() {
  if (!shown_) return;
  fmt::print(stderr, "\r\x1b[K");
  shown_ = false;
}

}  // namespace lockstitch::app

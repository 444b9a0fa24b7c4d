// See world_trouble.h.
#include "vmm/world/world_trouble.h"

#include <unistd.h>

#include <cstdio>

#include "vmm/world/raw_mode.h"

namespace lockstitch::world {

void PauseOnTrouble::report(const Error& error) {
  std::fprintf(stderr, "lockstitch: %s The machine stands still until this is repaired or it is ended.\n",
               error.text.c_str());
  std::lock_guard lock(mutex_);
  current_ = error.text;
}

void PauseOnTrouble::over() {
  std::fprintf(stderr, "lockstitch: The trouble is over; the machine goes on.\n");
  std::lock_guard lock(mutex_);
  current_.clear();
}

bool PauseOnTrouble::wait_to_retry() { return !stop_.wait_ms(1000); }

void PauseOnTrouble::abandon(const Error& error) {
  leave_raw_mode();
  std::fprintf(stderr, "lockstitch: Ended in the middle of a disk request: %s\n", error.text.c_str());
  if (last_words_) last_words_();
  std::fflush(stderr);
  ::_exit(static_cast<int>(ExitCode::world));
}

std::string PauseOnTrouble::current() const {
  std::lock_guard lock(mutex_);
  return current_;
}

}  // namespace lockstitch::world

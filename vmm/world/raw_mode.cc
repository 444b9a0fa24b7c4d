// See raw_mode.h.
#include "vmm/world/raw_mode.h"

#include <signal.h>
#include <termios.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>

namespace lockstitch::world {

namespace {

termios saved;
int raw_fd = -1;
std::atomic<bool> is_raw{false};
static_assert(std::atomic<bool>::is_always_lock_free, "used in a signal handler");

void leave_and_die(int signal_number) {
  leave_raw_mode();
  // SA_RESETHAND has put the default action back.
  ::raise(signal_number);
}

void guard_fatal_signals() {
  for (const int number : {SIGABRT, SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGQUIT}) {
    struct sigaction current {};
    if (sigaction(number, nullptr, &current) != 0 || current.sa_handler != SIG_DFL) continue;
    struct sigaction guard {};
    guard.sa_handler = leave_and_die;
    guard.sa_flags = SA_RESETHAND;
    sigaction(number, &guard, nullptr);
  }
}

}  // namespace

bool enter_raw_mode(int fd) {
  termios mode{};
  if (!::isatty(fd) || tcgetattr(fd, &mode) != 0) return false;
  if (!is_raw) {
    saved = mode;
    raw_fd = fd;
    guard_fatal_signals();
    [[maybe_unused]] static const int once = std::atexit(leave_raw_mode);
  }
  mode.c_iflag &= ~tcflag_t(IGNBRK | BRKINT | PARMRK | ISTRIP | INLCR | IGNCR | ICRNL | IXON);
  mode.c_oflag |= OPOST;
  mode.c_cflag = (mode.c_cflag & ~tcflag_t(CSIZE | PARENB)) | CS8;
  mode.c_lflag &= ~tcflag_t(ECHO | ECHONL | ICANON | IEXTEN | ISIG);
  mode.c_cc[VMIN] = 1;
  mode.c_cc[VTIME] = 0;
  if (tcsetattr(fd, TCSANOW, &mode) != 0) return false;
  is_raw = true;
  return true;
}

void leave_raw_mode() {
  if (is_raw.exchange(false)) tcsetattr(raw_fd, TCSANOW, &saved);
}

}  // namespace lockstitch::world

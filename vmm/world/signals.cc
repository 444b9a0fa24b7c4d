// See signals.h.
#include "vmm/world/signals.h"

#include <fmt/format.h>
#include <sys/signalfd.h>

#include <cerrno>
#include <cstring>

#include "vmm/world/raw_mode.h"

namespace lockstitch::world {

namespace {

[[noreturn]] void die_of(int number) {
  leave_raw_mode();
  ::signal(number, SIG_DFL);
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, number);
  ::raise(number);
  pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
  ::_exit(128 + number);
}

}  // namespace

Result<std::unique_ptr<Signals>> Signals::open(StopRequest& stop, std::function<void()> continued) {
  std::unique_ptr<Signals> signals(new Signals(stop, std::move(continued)));
  sigset_t set;
  sigemptyset(&set);
  for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGCONT}) sigaddset(&set, number);
  pthread_sigmask(SIG_BLOCK, &set, &signals->before_);
  signals->fd_ = Descriptor(::signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC));
  if (!signals->fd_) {
    return Error{ExitCode::unavailable,
                 fmt::format("The host gives no signalfd ({}); raise its limit of open files.", std::strerror(errno))};
  }
  return signals;
}

Signals::~Signals() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

void Signals::want(std::vector<pollfd>& fds) { fds.push_back({fd_.get(), POLLIN, 0}); }

void Signals::ready(std::span<const pollfd> fds) {
  if (fds[0].revents == 0) return;
  signalfd_siginfo info{};
  while (::read(fd_.get(), &info, sizeof info) == static_cast<ssize_t>(sizeof info)) {
    const int number = static_cast<int>(info.ssi_signo);
    if (number == SIGCONT) {
      if (continued_) continued_();
    } else if (ending_) {
      die_of(number);
    } else {
      ending_ = true;
      stop_.ask(StopReason::signal);
    }
  }
}

}  // namespace lockstitch::world

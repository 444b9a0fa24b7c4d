// See kick.h.
#include "vmm/engine/kvm/kick.h"

#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <csignal>
#include <cstring>

#include "lockstitch/assert.h"

namespace lockstitch::kvm {

namespace {

int kick_signal() { return SIGRTMIN + 5; }

void handle(int, siginfo_t* info, void*) { static_cast<kvm_run*>(info->si_value.sival_ptr)->immediate_exit = 1; }

}  // namespace

std::uint64_t host_now_ns() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<std::uint64_t>(now.tv_nsec);
}

Kick::~Kick() {
  if (thread_ != 0) ::timer_delete(timer_);
}

void Kick::make_timer() {
  const long self = ::syscall(SYS_gettid);
  if (thread_ == self) return;
  if (thread_ != 0) ::timer_delete(timer_);
  struct sigaction action {};
  action.sa_sigaction = handle;
  action.sa_flags = SA_SIGINFO | SA_RESTART;
  ::sigaction(kick_signal(), &action, nullptr);
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, kick_signal());
  ::pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
  sigevent event{};
  event.sigev_notify = SIGEV_THREAD_ID;
  event.sigev_signo = kick_signal();
  event.sigev_value.sival_ptr = &area_;
  event._sigev_un._tid = static_cast<pid_t>(self);
  LS_ASSERT_CMP(::timer_create(CLOCK_MONOTONIC, &event, &timer_), ==, 0);
  thread_ = self;
}

void Kick::arm(std::uint64_t after_ns) {
  make_timer();
  itimerspec when{};
  when.it_value.tv_sec = static_cast<time_t>(after_ns / 1'000'000'000);
  when.it_value.tv_nsec = static_cast<long>(after_ns % 1'000'000'000);
  ::timer_settime(timer_, 0, &when, nullptr);
  armed_ = true;
}

void Kick::disarm() {
  if (!armed_) return;
  const itimerspec never{};
  ::timer_settime(timer_, 0, &never, nullptr);
  armed_ = false;
}

}  // namespace lockstitch::kvm

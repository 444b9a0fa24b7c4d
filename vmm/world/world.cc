// See world.h.
#include "vmm/world/world.h"

#include <fmt/format.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/resource.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <system_error>

#include "lockstitch/assert.h"

namespace lockstitch::world {
namespace {

constexpr int world_nice = -10;

}  // namespace

void World::add(Endpoint& endpoint) {
  LS_ASSERT(!thread_.joinable());
  for (const Endpoint* other : endpoints_) {
    LS_ASSERT(endpoint.port() == control_port || other->port() != endpoint.port());
  }
  endpoints_.push_back(&endpoint);
}

Outcome World::start() {
  LS_ASSERT(!thread_.joinable());
  wake_ = Descriptor(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
  if (!wake_) {
    return Error{ExitCode::unavailable,
                 fmt::format("The host gives no eventfd ({}); raise its limit of open files.", std::strerror(errno))};
  }
  stopping_ = false;
  outbox_.set_wake_fd(wake_.get());
  try {
    thread_ = std::thread([this] { run(); });
  } catch (const std::system_error& error) {
    outbox_.set_wake_fd(-1);
    return Error{ExitCode::unavailable, fmt::format("The host gives no thread ({}); raise its limit.", error.what())};
  }
  return success();
}

void World::stop() {
  if (!thread_.joinable()) return;
  stopping_ = true;
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto written = ::write(wake_.get(), &one, sizeof one);
  thread_.join();
  outbox_.set_wake_fd(-1);
}

void World::run() {
  // Signals belong to the core's thread or to a signalfd (signals.h); SIGPIPE becomes EPIPE.
  sigset_t all;
  sigfillset(&all);
  for (const int fault : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP}) sigdelset(&all, fault);
  pthread_sigmask(SIG_BLOCK, &all, nullptr);
  // Frames pass here in microseconds; behind a core that computes they would wait for milliseconds. Without the right to
  // it things are as they were.
  (void)::setpriority(PRIO_PROCESS, 0, world_nice);

  deliver();
  while (!stopping_) turn(-1);
  deliver();
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(last_words_ms);
  while (anything_unsent() && std::chrono::steady_clock::now() < deadline) turn(last_words_ms / 10);
  withheld_effects_ += held_.size();
}

void World::turn(int timeout_limit_ms) {
  fds_.clear();
  first_fd_.clear();
  fds_.push_back({wake_.get(), POLLIN, 0});
  int timeout_ms = timeout_limit_ms;
  for (Endpoint* endpoint : endpoints_) {
    first_fd_.push_back(fds_.size());
    endpoint->want(fds_);
    const int wish_ms = endpoint->timeout_ms();
    if (wish_ms >= 0) timeout_ms = timeout_ms < 0 ? wish_ms : std::min(timeout_ms, wish_ms);
  }
  first_fd_.push_back(fds_.size());

  if (::poll(fds_.data(), fds_.size(), timeout_ms) < 0) {
    // Not only EINTR: user-mode NAT may hold more sockets than poll takes. Go on, but do not spin.
    if (errno != EINTR) std::this_thread::sleep_for(std::chrono::milliseconds(10));
    for (pollfd& fd : fds_) fd.revents = 0;
  }
  if (fds_[0].revents != 0) {
    std::uint64_t count = 0;
    [[maybe_unused]] const auto got = ::read(wake_.get(), &count, sizeof count);
  }
  for (std::size_t i = 0; i < endpoints_.size(); ++i) {
    endpoints_[i]->ready(std::span(fds_).subspan(first_fd_[i], first_fd_[i + 1] - first_fd_[i]));
  }
  deliver();
}

void World::deliver() {
  if (held_.empty() && outbox_.empty()) return;
  // The gate is asked first: what it lets out was pushed before, but for the last tick (RecordingSink::effect).
  Tick until = gate_ ? gate_() : tick_never;
  if (held_.size() < limits::queue_max_messages) {
    outbox_.take(departures_);
    for (Departure& departure : departures_) held_.push_back(std::move(departure));
    // It may have been shut since: what was let out unasked must have been pushed before that.
    if (gate_ && until == tick_never) until = gate_();
  }
  while (!held_.empty() && (until == tick_never || held_.front().tick < until)) {
    send(held_.front());
    if (until == tick_never) sent_until_.store(held_.front().tick.value, std::memory_order_release);
    held_.pop_front();
  }
  if (until.value > 0 && until != tick_never) sent_until_.store(until.value - 1, std::memory_order_release);
}

void World::send(const Departure& departure) {
  const auto found = std::find_if(endpoints_.begin(), endpoints_.end(), [&](const Endpoint* endpoint) {
    return endpoint->port() == departure.port && departure.port != control_port;
  });
  if (found == endpoints_.end()) {
    ++unclaimed_effects_;
  } else {
    (*found)->send(departure.payload);
  }
}

bool World::anything_unsent() const {
  return std::any_of(endpoints_.begin(), endpoints_.end(), [](const Endpoint* e) { return e->unsent() > 0; });
}

}  // namespace lockstitch::world

// See user_net.h.
#include "vmm/world/user_net.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <libslirp.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <list>

#include "lockstitch/assert.h"

namespace lockstitch::world {

namespace {

constexpr const char* guest_address = "10.0.2.15";
constexpr std::int64_t timer_off = -1;

in_addr address(const char* dotted) {
  in_addr result{};
  LS_ASSERT(inet_pton(AF_INET, dotted, &result) == 1);
  return result;
}

std::int64_t host_ns() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

short to_poll(int events) {
  int result = 0;
  if (events & SLIRP_POLL_IN) result |= POLLIN;
  if (events & SLIRP_POLL_OUT) result |= POLLOUT;
  if (events & SLIRP_POLL_PRI) result |= POLLPRI;
  if (events & SLIRP_POLL_ERR) result |= POLLERR;
  if (events & SLIRP_POLL_HUP) result |= POLLHUP;
  return static_cast<short>(result);
}

int from_poll(short events) {
  int result = 0;
  if (events & POLLIN) result |= SLIRP_POLL_IN;
  if (events & POLLOUT) result |= SLIRP_POLL_OUT;
  if (events & POLLPRI) result |= SLIRP_POLL_PRI;
  if (events & POLLERR) result |= SLIRP_POLL_ERR;
  if (events & POLLHUP) result |= SLIRP_POLL_HUP;
  return result;
}

}  // namespace

struct UserNet::Stack {
  struct Timer {
    SlirpTimerId id;
    void* opaque;
    std::int64_t expire_ms = timer_off;
  };

  explicit Stack(UserNet& owner);
  ~Stack() { slirp_cleanup(slirp); }

  void ring_timers();
  std::uint32_t until_timer_ms(std::uint32_t limit_ms) const;

  UserNet& net;
  SlirpCb callbacks{};
  std::list<Timer> timers;  // libslirp holds pointers to them
  Slirp* slirp = nullptr;
  // During want() and ready().
  std::vector<pollfd>* filling = nullptr;
  std::size_t first = 0;
  std::span<const pollfd> polled;
};

UserNet::Stack::Stack(UserNet& owner) : net(owner) {
  callbacks.send_packet = [](const void* data, std::size_t size, void* opaque) -> ssize_t {
    UserNet& self = static_cast<Stack*>(opaque)->net;
    const auto* bytes = static_cast<const std::uint8_t*>(data);
    if (size > limits::message_max_bytes || !self.inbox_.try_push({self.port_, {}, {bytes, bytes + size}})) {
      ++self.dropped_in_;
    }
    return static_cast<ssize_t>(size);
  };
  callbacks.guest_error = [](const char*, void*) {};
  callbacks.clock_get_ns = [](void*) { return host_ns(); };
  callbacks.timer_new_opaque = [](SlirpTimerId id, void* timer_opaque, void* opaque) -> void* {
    auto& list = static_cast<Stack*>(opaque)->timers;
    return &list.emplace_back(Timer{id, timer_opaque});
  };
  callbacks.timer_free = [](void* timer, void* opaque) {
    static_cast<Stack*>(opaque)->timers.remove_if([&](const Timer& each) { return &each == timer; });
  };
  callbacks.timer_mod = [](void* timer, std::int64_t expire_ms, void*) {
    static_cast<Timer*>(timer)->expire_ms = expire_ms;
  };
  callbacks.register_poll_fd = [](int, void*) {};
  callbacks.unregister_poll_fd = [](int, void*) {};
  callbacks.notify = [](void*) {};  // everything runs on the world thread, which looks again before it sleeps

  SlirpConfig config{};
  config.version = 4;
  config.in_enabled = true;
  config.vnetwork = address("10.0.2.0");
  config.vnetmask = address("255.255.255.0");
  config.vhost = address("10.0.2.2");
  config.vnameserver = address("10.0.2.3");
  config.vdhcp_start = address(guest_address);
  slirp = slirp_new(&config, &callbacks, this);
  LS_ASSERT(slirp != nullptr);
}

void UserNet::Stack::ring_timers() {
  const std::int64_t now_ms = host_ns() / 1'000'000;
  for (Timer& timer : timers) {
    if (timer.expire_ms == timer_off || timer.expire_ms > now_ms) continue;
    timer.expire_ms = timer_off;
    slirp_handle_timer(slirp, timer.id, timer.opaque);
  }
}

std::uint32_t UserNet::Stack::until_timer_ms(std::uint32_t limit_ms) const {
  const std::int64_t now_ms = host_ns() / 1'000'000;
  for (const Timer& timer : timers) {
    if (timer.expire_ms == timer_off) continue;
    const std::int64_t left_ms = std::max<std::int64_t>(timer.expire_ms - now_ms, 0);
    limit_ms = static_cast<std::uint32_t>(std::min<std::int64_t>(limit_ms, left_ms));
  }
  return limit_ms;
}

Result<std::unique_ptr<UserNet>> UserNet::open(PortId port, const std::vector<Forward>& forwards, Inbox& inbox) {
  std::unique_ptr<UserNet> net(new UserNet(port, inbox));
  for (const Forward& forward : forwards) {
    const Outcome added = net->add(forward);
    if (!added) return added.error();
  }
  return net;
}

UserNet::UserNet(PortId port, Inbox& inbox) : port_(port), inbox_(inbox), stack_(std::make_unique<Stack>(*this)) {}

UserNet::~UserNet() = default;

Outcome UserNet::add(const Forward& forward) {
  in_addr host{};
  const std::string shown = forward.host_addr.empty() ? "every address" : forward.host_addr;
  if (!forward.host_addr.empty() && inet_pton(AF_INET, forward.host_addr.c_str(), &host) != 1) {
    return Error{ExitCode::usage, fmt::format("The forward's host address '{}' is not an IPv4 address like 127.0.0.1.",
                                              forward.host_addr)};
  }
  if (forward.host_port == 0 || forward.guest_port == 0) {
    return Error{ExitCode::usage, "A forward's ports are 1 to 65535."};
  }
  errno = 0;
  if (slirp_add_hostfwd(stack_->slirp, forward.udp ? 1 : 0, host, forward.host_port, address(guest_address),
                        forward.guest_port) == 0) {
    return success();
  }
  const char* protocol = forward.udp ? "UDP" : "TCP";
  switch (errno) {
    case EADDRINUSE:
      return Error{ExitCode::unavailable,
                   fmt::format("{} port {} on {} is taken by another program; forward from another "
                               "port.",
                               protocol, forward.host_port, shown)};
    case EACCES:
      return Error{ExitCode::unavailable,
                   fmt::format("You may not listen on {} port {}; forward from a port above 1023.", protocol,
                               forward.host_port)};
    case EADDRNOTAVAIL:
      return Error{ExitCode::unavailable,
                   fmt::format("{} is no address of this host; forward from one that `ip address` shows.", shown)};
    default:
      return Error{ExitCode::unavailable, fmt::format("{} port {} on {} cannot be forwarded ({}).", protocol,
                                                      forward.host_port, shown, std::strerror(errno))};
  }
}

void UserNet::want(std::vector<pollfd>& fds) {
  stack_->filling = &fds;
  stack_->first = fds.size();
  std::uint32_t wait_ms = UINT32_MAX;
  slirp_pollfds_fill(
      stack_->slirp, &wait_ms,
      [](int fd, int events, void* opaque) -> int {
        auto& stack = *static_cast<Stack*>(opaque);
        stack.filling->push_back({fd, to_poll(events), 0});
        return static_cast<int>(stack.filling->size() - 1 - stack.first);
      },
      stack_.get());
  wait_ms = stack_->until_timer_ms(wait_ms);
  timeout_ms_ = wait_ms > INT32_MAX ? -1 : static_cast<int>(wait_ms);
}

void UserNet::ready(std::span<const pollfd> fds) {
  stack_->ring_timers();
  stack_->polled = fds;
  slirp_pollfds_poll(
      stack_->slirp, 0,
      [](int index, void* opaque) -> int {
        return from_poll(static_cast<Stack*>(opaque)->polled[static_cast<std::size_t>(index)].revents);
      },
      stack_.get());
}

void UserNet::send(Bytes payload) { slirp_input(stack_->slirp, payload.data(), static_cast<int>(payload.size())); }

}  // namespace lockstitch::world

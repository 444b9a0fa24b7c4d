// See tap.h.
#include "vmm/world/tap.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <sys/ioctl.h>

#include <cerrno>
#include <cstring>

namespace lockstitch::world {

namespace {

/// Frames per turn, so that one busy network does not starve the terminal.
constexpr int burst = 64;

Error no_driver() {
  if (errno == EACCES || errno == EPERM) {
    return {ExitCode::unavailable,
            "You may not open /dev/net/tun; ask for permission on that file, or use user-mode networking."};
  }
  return {ExitCode::unavailable, fmt::format("The host has no TUN driver: /dev/net/tun cannot be opened ({}); load the "
                                             "module 'tun', or use user-mode networking.",
                                             std::strerror(errno))};
}

Error no_attachment(const std::string& name) {
  switch (errno) {
    case EBUSY:
      return {
          ExitCode::unavailable,
          fmt::format("The TAP interface '{}' is in use by another process; end that one or make another TAP.", name)};
    case EPERM:
    case EACCES:
      return {ExitCode::unavailable,
              fmt::format("You may not use the TAP interface '{0}'; make it yours with `ip tuntap add dev {0} mode tap "
                          "user $USER`.",
                          name)};
    case EINVAL:
      return {ExitCode::bad_input,
              fmt::format("The interface '{}' is not a TAP (or one with several queues); make one with `ip tuntap add "
                          "mode tap`.",
                          name)};
    default:
      return {ExitCode::unavailable,
              fmt::format("The TAP interface '{}' cannot be attached ({}).", name, std::strerror(errno))};
  }
}

}  // namespace

Result<std::unique_ptr<Tap>> Tap::open(const std::string& name, PortId port, Inbox& inbox) {
  if (name.empty() || name.size() >= IFNAMSIZ) {
    return Error{ExitCode::usage,
                 fmt::format("'{}' cannot be the name of an interface: 1 to {} characters.", name, IFNAMSIZ - 1)};
  }
  // TUNSETIFF would make an interface of a new name, which then leads nowhere.
  if (::if_nametoindex(name.c_str()) == 0) {
    return Error{
        ExitCode::missing_input,
        fmt::format("There is no interface '{0}'; make it with `ip tuntap add dev {0} mode tap user $USER` and "
                    "`ip link set {0} up`.",
                    name)};
  }
  Descriptor fd(::open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC));
  if (!fd) return no_driver();
  ifreq request{};
  std::memcpy(request.ifr_name, name.c_str(), name.size());
  request.ifr_flags = IFF_TAP | IFF_NO_PI;
  if (::ioctl(fd.get(), TUNSETIFF, &request) != 0) return no_attachment(name);
  return std::unique_ptr<Tap>(new Tap(std::move(fd), port, inbox));
}

Tap::Tap(Descriptor fd, PortId port, Inbox& inbox)
    : fd_(std::move(fd)), port_(port), inbox_(inbox), frame_(limits::message_max_bytes) {}

void Tap::ready(std::span<const pollfd> fds) {
  if (fds[0].revents == 0) return;
  for (int i = 0; i < burst; ++i) {
    const ssize_t got = ::read(fd_.get(), frame_.data(), frame_.size());
    if (got <= 0) return;
    if (!inbox_.try_push({port_, {}, {frame_.begin(), frame_.begin() + got}})) ++dropped_in_;
  }
}

void Tap::send(Bytes payload) {
  if (::write(fd_.get(), payload.data(), payload.size()) != static_cast<ssize_t>(payload.size())) ++dropped_out_;
}

}  // namespace lockstitch::world

// See tap.h.
#include "tools/wire/tap.h"

#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>

namespace lockstitch::wire {

namespace {

[[noreturn]] void fail(const std::string& what) { throw std::runtime_error(what + ": " + std::strerror(errno)); }

}  // namespace

int namespace_of(const std::string& place) {
  const std::size_t colon = place.find(':');
  if (colon == 0 || colon == place.npos || place.find_first_not_of("0123456789") != colon) {
    throw std::runtime_error("'" + place + "' is no end of a cable: a process and a TAP are needed, as in 1234:tap0");
  }
  const std::string path = "/proc/" + place.substr(0, colon) + "/ns/net";
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) fail("cannot open " + path);
  return fd;
}

int attach(const std::string& place, int namespace_fd) {
  const std::string name = place.substr(place.find(':') + 1);
  if (name.empty() || name.size() >= IFNAMSIZ) throw std::runtime_error("'" + name + "' is no name of an interface");
  if (::setns(namespace_fd, CLONE_NEWNET) != 0) fail("cannot enter the network namespace of " + place);
  // TUNSETIFF would make an interface of a new name, which then leads nowhere.
  if (::if_nametoindex(name.c_str()) == 0) fail("no interface " + place);
  const int fd = ::open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0) fail("cannot open /dev/net/tun");
  ifreq request{};
  std::memcpy(request.ifr_name, name.c_str(), name.size());
  request.ifr_flags = IFF_TAP | IFF_NO_PI;
  if (::ioctl(fd, TUNSETIFF, &request) != 0) fail("cannot attach to the TAP interface " + place);
  return fd;
}

}  // namespace lockstitch::wire

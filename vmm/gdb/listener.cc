// See listener.h.
#include "vmm/gdb/listener.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <utility>

namespace lockstitch::gdb {
namespace {

/// Unit: ms. How often a wait looks whether the program is to end.
constexpr int look_ms = 100;

class Fd {
 public:
  explicit Fd(int fd = -1) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Fd() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const { return fd_; }

 private:
  int fd_;
};

Error no_place(const std::string& place, std::string_view why) {
  return {ExitCode::usage, fmt::format("--gdb {}: {}; it is :PORT, ADDRESS:PORT or unix:PATH", place, why)};
}

Error failed(const std::string& place) {
  const int error = errno;
  if (error == EADDRINUSE) {
    return {ExitCode::unavailable,
            fmt::format("A debugger cannot connect at '{}': something else is there; choose another one.", place)};
  }
  return {ExitCode::unavailable, fmt::format("A debugger cannot connect at '{}': {}.", place, std::strerror(error))};
}

/// A connection; whoever else knocks meanwhile is turned away.
class SocketWire final : public Wire {
 public:
  SocketWire(Fd fd, int listener, const std::function<bool()>& stop_asked)
      : fd_(std::move(fd)), listener_(listener), stop_asked_(stop_asked) {}

  std::optional<std::string> read() override {
    for (;;) {
      if (stop_asked_()) return std::nullopt;
      pollfd fds[] = {{fd_.get(), POLLIN, 0}, {listener_, POLLIN, 0}};
      ::poll(fds, 2, look_ms);
      if (fds[1].revents != 0) turn_away();
      if (fds[0].revents == 0) continue;
      return take();
    }
  }
  std::optional<std::string> poll() override {
    if (stop_asked_()) return std::nullopt;
    pollfd fds[] = {{fd_.get(), POLLIN, 0}, {listener_, POLLIN, 0}};
    if (::poll(fds, 2, 0) <= 0) return std::string();
    if (fds[1].revents != 0) turn_away();
    return fds[0].revents != 0 ? take() : std::string();
  }
  bool write(std::string_view bytes) override {
    while (!bytes.empty()) {
      const ssize_t done = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
      if (done < 0 && (errno == EINTR || errno == EAGAIN)) {
        // It does not read what it is told.
        if (stop_asked_()) return false;
        pollfd fd{fd_.get(), POLLOUT, 0};
        ::poll(&fd, 1, look_ms);
        continue;
      }
      if (done <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(done));
    }
    return true;
  }

 private:
  std::optional<std::string> take() {
    char bytes[4096];
    const ssize_t got = ::recv(fd_.get(), bytes, sizeof bytes, MSG_DONTWAIT);
    if (got < 0 && (errno == EINTR || errno == EAGAIN)) return std::string();
    if (got <= 0) return std::nullopt;
    return std::string(bytes, static_cast<std::size_t>(got));
  }
  void turn_away() { const Fd other(::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC)); }

  Fd fd_;
  const int listener_;
  const std::function<bool()>& stop_asked_;
};

class SocketListener final : public Listener {
 public:
  SocketListener(Fd fd, std::string place, std::string path, std::function<bool()> stop_asked)
      : fd_(std::move(fd)), place_(std::move(place)), path_(std::move(path)), stop_asked_(std::move(stop_asked)) {}
  ~SocketListener() override {
    if (!path_.empty()) ::unlink(path_.c_str());
  }

  std::string place() const override { return place_; }
  std::unique_ptr<Wire> accept() override {
    while (!stop_asked_()) {
      if (auto wire = take(look_ms)) return wire;
    }
    return nullptr;
  }
  std::unique_ptr<Wire> poll() override { return take(0); }

 private:
  std::unique_ptr<Wire> take(int wait_ms) {
    pollfd fd{fd_.get(), POLLIN, 0};
    if (::poll(&fd, 1, wait_ms) <= 0) return nullptr;
    Fd connection(::accept4(fd_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (connection.get() < 0) return nullptr;
    // Small packets, each waited for.
    const int on = 1;
    if (path_.empty()) ::setsockopt(connection.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return std::make_unique<SocketWire>(std::move(connection), fd_.get(), stop_asked_);
  }

  Fd fd_;
  const std::string place_, path_;
  const std::function<bool()> stop_asked_;
};

bool somebody_answers(const sockaddr_un& address) {
  const Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  return ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
}

Result<std::unique_ptr<Listener>> listen_unix(const std::string& place, std::function<bool()> stop_asked) {
  const std::string path = place.substr(std::strlen("unix:"));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof address.sun_path) return no_place(place, "the path is empty or too long");
  path.copy(address.sun_path, path.size());
  struct stat there {};
  const bool is_socket = ::lstat(path.c_str(), &there) == 0 && S_ISSOCK(there.st_mode);
  if (is_socket && !somebody_answers(address)) ::unlink(path.c_str());  // left behind
  Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const mode_t before = ::umask(0077);
  const bool bound = ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  ::umask(before);
  if (!bound || ::listen(fd.get(), 4) != 0) return failed(place);
  return std::unique_ptr<Listener>(new SocketListener(std::move(fd), path, path, std::move(stop_asked)));
}

}  // namespace

Result<std::unique_ptr<Listener>> Listener::open(const std::string& place, bool allow_remote,
                                                 std::function<bool()> stop_asked) {
  if (place.starts_with("unix:")) return listen_unix(place, std::move(stop_asked));
  const std::size_t colon = place.rfind(':');
  std::string host = colon == std::string::npos ? "" : place.substr(0, colon);
  const std::string digits = colon == std::string::npos ? place : place.substr(colon + 1);
  unsigned port = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (digits.empty() || error != std::errc() || end != digits.data() + digits.size() || port > 65535) {
    return no_place(place, "there is no port");
  }
  if (host.starts_with("[") && host.ends_with("]")) host = host.substr(1, host.size() - 2);
  if (host.empty() || host == "localhost") host = "127.0.0.1";
  sockaddr_in v4{};
  sockaddr_in6 v6{};
  v4.sin_family = AF_INET;
  v4.sin_port = v6.sin6_port = htons(static_cast<std::uint16_t>(port));
  v6.sin6_family = AF_INET6;
  const bool is_v4 = ::inet_pton(AF_INET, host.c_str(), &v4.sin_addr) == 1;
  if (!is_v4 && ::inet_pton(AF_INET6, host.c_str(), &v6.sin6_addr) != 1) return no_place(place, "not an address");
  const bool loopback = is_v4 ? ntohl(v4.sin_addr.s_addr) >> 24 == 127 : IN6_IS_ADDR_LOOPBACK(&v6.sin6_addr);
  if (!loopback && !allow_remote) {
    return Error{
        ExitCode::usage,
        fmt::format("--gdb {}: whoever connects there controls the machine; add --gdb-remote if other hosts may, "
                    "or use :{} and a tunnel",
                    place, port)};
  }
  Fd fd(::socket(is_v4 ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const int on = 1;
  ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  const auto* address = is_v4 ? reinterpret_cast<sockaddr*>(&v4) : reinterpret_cast<sockaddr*>(&v6);
  socklen_t length = is_v4 ? sizeof v4 : sizeof v6;
  if (::bind(fd.get(), address, length) != 0 || ::listen(fd.get(), 4) != 0) return failed(place);
  // Port 0: the host chose one.
  if (is_v4) {
    ::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&v4), &length);
  } else {
    ::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&v6), &length);
  }
  const unsigned chosen = ntohs(is_v4 ? v4.sin_port : v6.sin6_port);
  const std::string shown = is_v4 ? fmt::format("{}:{}", host, chosen) : fmt::format("[{}]:{}", host, chosen);
  return std::unique_ptr<Listener>(new SocketListener(std::move(fd), shown, "", std::move(stop_asked)));
}

}  // namespace lockstitch::gdb

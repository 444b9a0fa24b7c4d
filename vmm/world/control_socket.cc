// See control_socket.h.
#include "vmm/world/control_socket.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace lockstitch::world {

namespace {

constexpr std::size_t line_max_bytes = 256;

/// Fails: false when the path is too long.
bool make_address(const std::string& path, sockaddr_un& address) {
  address = {};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return false;
  std::copy(path.begin(), path.end(), address.sun_path);
  return true;
}

}  // namespace

Result<std::unique_ptr<ControlSocket>> ControlSocket::open(const std::string& path, Inbox& inbox) {
  std::unique_ptr<ControlSocket> socket(new ControlSocket(path, inbox));
  sockaddr_un address;
  if (!make_address(path, address)) {
    // The recording can do without; only commands to it cannot.
    return socket;
  }
  socket->listener_ = Descriptor(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!socket->listener_ ||
      ::bind(socket->listener_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      ::listen(socket->listener_.get(), max_clients) != 0) {
    return Error{ExitCode::unavailable,
                 fmt::format("The socket '{}' cannot be made ({}).", path, std::strerror(errno))};
  }
  return socket;
}

ControlSocket::~ControlSocket() {
  answer("error the recording has ended");
  if (listener_) ::unlink(path_.c_str());
}

void ControlSocket::answer(const std::string& line) {
  std::lock_guard lock(mutex_);
  asked_.store(false, std::memory_order_release);
  const std::string text = line + "\n";
  for (Client& client : clients_) {
    if (!client.waits) continue;
    client.waits = false;
    // A line fits into the socket's buffer; a client that went away loses it.
    [[maybe_unused]] const auto sent = ::send(client.fd.get(), text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  }
}

void ControlSocket::want(std::vector<pollfd>& fds) {
  if (!listener_) return;
  fds.push_back({listener_.get(), POLLIN, 0});
  std::lock_guard lock(mutex_);
  for (const Client& client : clients_) fds.push_back({client.fd.get(), POLLIN, 0});
}

void ControlSocket::ready(std::span<const pollfd> fds) {
  if (fds.empty()) return;
  {
    std::lock_guard lock(mutex_);
    for (std::size_t i = clients_.size(); i-- > 0;) {
      if (fds[1 + i].revents != 0 && !serve(clients_[i])) clients_.erase(clients_.begin() + static_cast<long>(i));
    }
    if ((fds[0].revents & POLLIN) != 0) {
      Descriptor fd(::accept4(listener_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
      if (fd && clients_.size() < max_clients) clients_.push_back({std::move(fd), "", false});
    }
  }
  if (asked()) inbox_.nudge();
}

bool ControlSocket::serve(Client& client) {
  char piece[line_max_bytes];
  const ssize_t got = ::recv(client.fd.get(), piece, sizeof piece, 0);
  if (got < 0) return errno == EAGAIN || errno == EINTR;
  if (got == 0) return false;
  client.line.append(piece, static_cast<std::size_t>(got));
  const std::size_t end = client.line.find('\n');
  if (end == std::string::npos) return client.line.size() < line_max_bytes;
  const std::string line = client.line.substr(0, end);
  client.line.erase(0, end + 1);
  if (line == "checkpoint") {
    client.waits = true;
    asked_.store(true, std::memory_order_release);
    return true;
  }
  static constexpr std::string_view unknown = "error this command is not known\n";
  return ::send(client.fd.get(), unknown.data(), unknown.size(), MSG_NOSIGNAL | MSG_DONTWAIT) > 0;
}

Result<std::optional<std::string>> ask_control_socket(const std::string& path, const std::string& line) {
  sockaddr_un address;
  if (!make_address(path, address)) return std::optional<std::string>();
  const Descriptor fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd || ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return std::optional<std::string>();
  }
  const std::string text = line + "\n";
  std::string answer;
  char piece[line_max_bytes];
  ssize_t got = ::send(fd.get(), text.data(), text.size(), MSG_NOSIGNAL);
  while (got > 0 && !answer.ends_with('\n')) {
    got = ::recv(fd.get(), piece, sizeof piece, 0);
    if (got > 0) answer.append(piece, static_cast<std::size_t>(got));
  }
  if (!answer.ends_with('\n')) {
    return Error{ExitCode::world, fmt::format("The recording at '{}' ended before it answered.", path)};
  }
  answer.pop_back();
  return std::optional<std::string>(std::move(answer));
}

}  // namespace lockstitch::world

// See control_socket.h.
#include "vmm/world/control_socket.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

namespace lockstitch::world {

namespace {

constexpr std::size_t piece_bytes = 4096;

/// Fails: false when the path is too long.
bool make_address(const std::string& path, sockaddr_un& address) {
  address = {};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return false;
  std::copy(path.begin(), path.end(), address.sun_path);
  return true;
}

Descriptor connect_to(const sockaddr_un& address) {
  Descriptor fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (fd && ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) fd = Descriptor();
  return fd;
}

bool is_socket(const std::string& path) {
  struct stat info {};
  return ::lstat(path.c_str(), &info) == 0 && S_ISSOCK(info.st_mode);
}

}  // namespace

bool ControlSocket::fits(const std::string& path) {
  sockaddr_un address;
  return make_address(path, address);
}

Result<std::unique_ptr<ControlSocket>> ControlSocket::open(const std::string& path, Inbox& inbox) {
  sockaddr_un address;
  if (!make_address(path, address)) {
    return Error{ExitCode::usage, fmt::format("The path of the control socket '{}' is too long; it may have {} bytes.",
                                              path, sizeof address.sun_path - 1)};
  }
  if (is_socket(path)) {
    if (connect_to(address)) {
      return Error{ExitCode::unavailable,
                   fmt::format("Another guest answers on the control socket '{}'; choose another path.", path)};
    }
    ::unlink(path.c_str());
  }
  std::unique_ptr<ControlSocket> socket(new ControlSocket(path, inbox));
  Descriptor listener(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!listener || ::bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return Error{ExitCode::unavailable,
                 fmt::format("The control socket '{}' cannot be made ({}).", path, std::strerror(errno))};
  }
  socket->listener_ = std::move(listener);  // from now on the file is ours
  if (::chmod(path.c_str(), 0600) != 0 || ::listen(socket->listener_.get(), max_clients) != 0) {
    return Error{ExitCode::unavailable,
                 fmt::format("The control socket '{}' cannot be made ({}).", path, std::strerror(errno))};
  }
  return socket;
}

ControlSocket::~ControlSocket() {
  std::lock_guard lock(mutex_);
  for (Client& client : clients_) {
    if (client.waits) send_line(client, "error the machine has ended");
  }
  if (listener_) ::unlink(path_.c_str());
}

std::optional<ControlRequest> ControlSocket::next() {
  std::lock_guard lock(mutex_);
  if (requests_.empty()) return std::nullopt;
  ControlRequest request = std::move(requests_.front());
  requests_.pop_front();
  waiting_.store(requests_.size(), std::memory_order_release);
  return request;
}

void ControlSocket::answer(std::uint64_t client, const std::string& line) {
  std::lock_guard lock(mutex_);
  const auto found =
      std::find_if(clients_.begin(), clients_.end(), [&](const Client& c) { return c.number == client; });
  if (found == clients_.end()) return;
  send_line(*found, line);
  found->waits = false;
  if (take_line(*found)) inbox_.nudge();
}

void ControlSocket::send_line(Client& client, const std::string& line) {
  const std::string text = line + "\n";
  // A screen full of text fits into the socket's buffer; who asks for more without reading has gone too far.
  const ssize_t sent = ::send(client.fd.get(), text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  if (sent != static_cast<ssize_t>(text.size())) ::shutdown(client.fd.get(), SHUT_RDWR);
}

void ControlSocket::want(std::vector<pollfd>& fds) {
  fds.push_back({listener_.get(), POLLIN, 0});
  std::lock_guard lock(mutex_);
  for (const Client& client : clients_) fds.push_back({client.fd.get(), POLLIN, 0});
}

void ControlSocket::ready(std::span<const pollfd> fds) {
  if (fds.empty()) return;
  bool anew = false;
  {
    std::lock_guard lock(mutex_);
    for (std::size_t i = clients_.size(); i-- > 0;) {
      if (fds[1 + i].revents == 0) continue;
      if (!receive(clients_[i])) {
        clients_.erase(clients_.begin() + static_cast<long>(i));
      } else {
        anew |= take_line(clients_[i]);
      }
    }
    if ((fds[0].revents & POLLIN) != 0) {
      Descriptor fd(::accept4(listener_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
      if (fd && clients_.size() < max_clients) clients_.push_back({++last_number_, std::move(fd), "", false});
    }
  }
  if (anew) inbox_.nudge();
}

/// False: the client is to be forgotten.
bool ControlSocket::receive(Client& client) {
  std::array<char, piece_bytes> piece;
  const ssize_t got = ::recv(client.fd.get(), piece.data(), piece.size(), 0);
  if (got < 0) return errno == EAGAIN || errno == EINTR;
  if (got == 0) return false;
  client.text.append(piece.data(), static_cast<std::size_t>(got));
  return client.text.size() < line_max_bytes;
}

/// True: there is a new request.
bool ControlSocket::take_line(Client& client) {
  const std::size_t end = client.text.find('\n');
  if (client.waits || end == std::string::npos) return false;
  requests_.push_back({client.number, client.text.substr(0, end)});
  client.text.erase(0, end + 1);
  client.waits = true;
  waiting_.store(requests_.size(), std::memory_order_release);
  return true;
}

Result<std::optional<std::string>> ask_control_socket(const std::string& path, const std::string& line) {
  sockaddr_un address;
  if (!make_address(path, address)) return std::optional<std::string>();
  const Descriptor fd = connect_to(address);
  if (!fd) return std::optional<std::string>();
  const std::string text = line + "\n";
  std::string answer;
  std::array<char, piece_bytes> piece;
  ssize_t got = ::send(fd.get(), text.data(), text.size(), MSG_NOSIGNAL);
  while (got > 0 && !answer.ends_with('\n')) {
    got = ::recv(fd.get(), piece.data(), piece.size(), 0);
    if (got > 0) answer.append(piece.data(), static_cast<std::size_t>(got));
  }
  if (!answer.ends_with('\n')) {
    return Error{ExitCode::world, fmt::format("The guest at '{}' ended before it answered.", path)};
  }
  answer.pop_back();
  return std::optional<std::string>(std::move(answer));
}

std::string to_line(std::string_view text) {
  std::string line;
  for (const char c : text) {
    if (c == '\n') {
      line += "\\n";
    } else if (c == '\\') {
      line += "\\\\";
    } else {
      line += c;
    }
  }
  return line;
}

std::string from_line(std::string_view line) {
  std::string text;
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (line[i] != '\\' || i + 1 == line.size()) {
      text += line[i];
      continue;
    }
    ++i;
    text += line[i] == 'n' ? '\n' : line[i];
  }
  return text;
}

}  // namespace lockstitch::world

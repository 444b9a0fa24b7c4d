// See output.h.
#include "vmm/world/output.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <string>

namespace lockstitch::world {

namespace {
/// Unit: bytes. A terminal that polls as writable takes at least this much without blocking.
constexpr std::size_t careful_piece_bytes = 256;
}  // namespace

Output::Output(int fd) : fd_(fd) {
  struct stat info {};
  if (fd < 0 || ::fstat(fd, &info) != 0) {
    fd_ = -1;
    return;
  }
  is_socket_ = S_ISSOCK(info.st_mode);
  if (S_ISFIFO(info.st_mode) || ::isatty(fd)) {
    const std::string path = "/proc/self/fd/" + std::to_string(fd);
    own_ = Descriptor(::open(path.c_str(), O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
    may_block_ = !own_;
  }
}

void Output::append(Bytes bytes) {
  if (fd_ < 0) return;
  if (broken_) {
    lost_bytes_ += bytes.size();
    return;
  }
  waiting_.insert(waiting_.end(), bytes.begin(), bytes.end());
}

void Output::flush() {
  while (pending() > 0) {
    const ssize_t taken = write_some(waiting_.data() + written_, pending());
    if (taken < 0 && errno == EINTR) continue;
    if (taken < 0 && errno == EAGAIN) break;
    if (taken <= 0) return give_up();
    written_ += static_cast<std::size_t>(taken);
  }
  waiting_.erase(waiting_.begin(), waiting_.begin() + static_cast<std::ptrdiff_t>(written_));
  written_ = 0;
}

ssize_t Output::write_some(const std::uint8_t* data, std::size_t size) {
  if (is_socket_) return ::send(fd_, data, size, MSG_DONTWAIT | MSG_NOSIGNAL);
  if (may_block_) {
    pollfd room{fd_, POLLOUT, 0};
    if (::poll(&room, 1, 0) == 0) {
      errno = EAGAIN;
      return -1;
    }
    size = std::min(size, careful_piece_bytes);
  }
  return ::write(fd(), data, size);
}

void Output::give_up() {
  broken_ = true;
  lost_bytes_ += pending();
  waiting_.clear();
  written_ = 0;
}

}  // namespace lockstitch::world

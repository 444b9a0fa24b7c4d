// See cable.h.
#include "tools/wire/cable.h"

#include <unistd.h>

#include <cerrno>

namespace lockstitch::wire {

namespace {

/// Frames taken per turn, so that one direction does not starve the other.
constexpr int burst = 64;
/// A TAP without offloads gives no more than its MTU, which is at most this.
constexpr std::size_t max_frame_bytes = 65536;

/// An interface that is down or full loses the frame, as a real one does.
void write_frame(int fd, const std::uint8_t* bytes, std::size_t size) {
  [[maybe_unused]] const ssize_t done = ::write(fd, bytes, size);
}

}  // namespace

Cable::Cable(int a_fd, int b_fd) : directions_{{{a_fd, b_fd, {}}, {b_fd, a_fd, {}}}}, buffer_(max_frame_bytes) {}

void Cable::settings_changed() {
  for (int end = 0; end < 2; ++end) {
    if (is_cut(end)) directions_[end].queue.clear();
  }
}

bool Cable::receive(int end, std::int64_t now_ns) {
  Direction& direction = directions_[end];
  for (int i = 0; i < burst; ++i) {
    const ssize_t got = ::read(direction.from_fd, buffer_.data(), buffer_.size());
    if (got <= 0) return got == 0 || errno == EAGAIN || errno == EINTR;
    if (is_cut(end) || loses(settings_)) continue;
    const std::int64_t travel = travel_ns(settings_);
    if (travel == 0 && direction.queue.empty()) {
      write_frame(direction.to_fd, buffer_.data(), std::size_t(got));
    } else {
      // A full queue loses the frame.
      direction.queue.push(now_ns + travel, {buffer_.begin(), buffer_.begin() + got});
    }
  }
  return true;
}

std::int64_t Cable::send_due(std::int64_t now_ns) {
  std::int64_t next_ns = -1;
  for (Direction& direction : directions_) {
    FrameQueue& queue = direction.queue;
    for (; !queue.empty() && queue.front().due_ns <= now_ns; queue.pop()) {
      write_frame(direction.to_fd, queue.front().bytes.data(), queue.front().bytes.size());
    }
    if (!queue.empty() && (next_ns < 0 || queue.front().due_ns < next_ns)) next_ns = queue.front().due_ns;
  }
  return next_ns;
}

}  // namespace lockstitch::wire

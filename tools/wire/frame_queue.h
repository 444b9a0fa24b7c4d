// Frames on their way through one direction of the cable: first in, first out, each with the moment it may leave. A
// frame that would overtake the one before it leaves together with that one. Knows no clock; moments are
// CLOCK_MONOTONIC.
#pragma once
#include <algorithm>
#include <cstdint>
#include <deque>
#include <vector>

namespace lockstitch::wire {

class FrameQueue {
 public:
  static constexpr std::size_t max_frames = 20000;

  struct Frame {
    std::int64_t due_ns;
    std::vector<std::uint8_t> bytes;
  };

  bool empty() const { return frames_.empty(); }
  /// Only of a queue that is not empty.
  const Frame& front() const { return frames_.front(); }
  void pop() { frames_.pop_front(); }
  void clear() { frames_.clear(); }

  /// Result: false if the queue is full; the frame is lost then.
  bool push(std::int64_t due_ns, std::vector<std::uint8_t> bytes) {
    if (frames_.size() >= max_frames) return false;
    if (!frames_.empty()) due_ns = std::max(due_ns, frames_.back().due_ns);
    frames_.push_back({due_ns, std::move(bytes)});
    return true;
  }

 private:
  std::deque<Frame> frames_;
};

}  // namespace lockstitch::wire

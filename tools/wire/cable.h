// The cable: moves Ethernet frames between its two ends, each direction by itself, as the settings say. What the
// settings mean stands in settings.h; where the commands come from is main.cc's matter.
#pragma once
#include <array>
#include <cstdint>
#include <vector>

#include "tools/wire/frame_queue.h"
#include "tools/wire/settings.h"

namespace lockstitch::wire {

class Cable {
 public:
  Cable(int a_fd, int b_fd);

  Settings& settings() { return settings_; }
  /// Call after a change of the settings: frames on their way through a cut direction are lost.
  void settings_changed();

  /// Frames wait at this end ('a' is 0, 'b' is 1): takes a burst of them. Result: false if the interface is gone.
  bool receive(int end, std::int64_t now_ns);
  /// Sends what is due. Unit of the result: CLOCK_MONOTONIC ns when to call again; -1: nothing waits.
  std::int64_t send_due(std::int64_t now_ns);

 private:
  struct Direction {
    int from_fd, to_fd;
    FrameQueue queue;
  };
  bool is_cut(int end) const { return end == 0 ? settings_.cut_ab : settings_.cut_ba; }

  Settings settings_;
  std::array<Direction, 2> directions_;
  std::vector<std::uint8_t> buffer_;
};

}  // namespace lockstitch::wire

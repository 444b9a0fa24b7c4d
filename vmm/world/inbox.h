// The bounded queue from the world to the core. The world pushes from its thread; the core looks at empty() every
// quantum and takes what is there. Not here: ticks (live_source.h stamps messages when it takes them).
#pragma once
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <vector>

#include "lockstitch/arrival.h"
#include "lockstitch/limits.h"
#include "vmm/world/host_clock.h"

namespace lockstitch::world {

/// An arrival that has no tick yet.
struct Message {
  PortId port;
  Control control;                    ///< meaningful for control_port
  std::vector<std::uint8_t> payload;  ///< meaningful for all other ports. Range: up to limits::message_max_bytes
};

class Inbox {
 public:
  /// Unit: messages. Places that only Control messages may take, so that a flood of frames cannot shut out a stop.
  static constexpr std::size_t control_reserve = 64;

  /// Fails: false when full; the message is then untouched and the caller drops it (frames) or keeps it (console).
  [[nodiscard]] bool try_push(Message&& message);
  std::optional<Message> pop();
  /// Cheap: one atomic load.
  bool empty() const { return count_.load(std::memory_order_acquire) == 0; }
  /// Returns when there is a message, when it is `deadline`, or after a nudge. False: it was not the deadline.
  bool wait_until(HostClock& clock, HostNs deadline);
  /// A deaf inbox takes every message of a device and forgets it: who listens is another replica.
  void set_deaf(bool deaf);
  /// Ends the present wait, or the next one, without a message: somebody wants the core to come round.
  void nudge();

 private:
  std::mutex mutex_;
  std::condition_variable arrived_;
  std::deque<Message> queue_;
  bool nudged_ = false;
  bool deaf_ = false;
  std::atomic<std::size_t> count_{0};
};

}  // namespace lockstitch::world

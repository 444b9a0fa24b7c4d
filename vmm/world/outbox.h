// The bounded queue from the core to the world. Frames that find it full are refused (the caller counts them); streams
// (consoles) wait instead, so that no byte is lost. The world is woken through an eventfd, only when the queue was
// empty.
#pragma once
#include <condition_variable>
#include <cstdint>
#include <map>
#include <mutex>
#include <vector>

#include "lockstitch/arrival.h"
#include "lockstitch/limits.h"
#include "lockstitch/tick.h"
#include "lockstitch/types.h"

namespace lockstitch::world {

/// A copy of an effect's payload on its way out.
struct Departure {
  Tick tick;  ///< of the effect; of gathered console bytes the last one's
  PortId port;
  std::vector<std::uint8_t> payload;
};

class Outbox {
 public:
  /// Unit: bytes. A console that is this far behind makes the core wait.
  static constexpr std::size_t stream_max_bytes = 256 << 10;
  /// Unit: bytes. Consoles send single bytes: they are gathered up to this size while the world is busy.
  static constexpr std::size_t stream_gather_bytes = 4096;

  // The core's side.
  /// Fails: false when full.
  [[nodiscard]] bool try_push(Tick tick, PortId port, Bytes payload);
  /// Waits while the queue or this stream is full. Fails: false when it would have to wait after release().
  [[nodiscard]] bool push_stream(Tick tick, PortId port, Bytes payload);

  // The world's side.
  /// Null until the world runs: -1.
  void set_wake_fd(int fd);
  bool empty();
  /// Everything that waits, in order. `out` is replaced; its storage is used again.
  void take(std::vector<Departure>& out);
  /// How many bytes of this stream an endpoint still holds after take().
  void set_stream_backlog(PortId port, std::size_t bytes);
  /// From now on the core never waits here: somebody asked it to stop.
  void release();

 private:
  struct Stream {
    std::size_t queued_bytes = 0;
    std::size_t backlog_bytes = 0;
  };

  void append(Tick tick, PortId port, Bytes payload);

  std::mutex mutex_;
  std::condition_variable room_;
  std::vector<Departure> queue_;
  std::map<PortId, Stream> streams_;
  bool released_ = false;
  int wake_fd_ = -1;
};

}  // namespace lockstitch::world

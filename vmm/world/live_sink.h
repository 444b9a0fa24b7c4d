// Effects to the outbox. Frames are dropped and counted when the world is too slow; streams wait. Digests go to whoever
// asked for them. One thread: the core's.
#pragma once
#include <atomic>
#include <cstdint>
#include <functional>
#include <set>

#include "lockstitch/sink.h"
#include "vmm/world/outbox.h"

namespace lockstitch::world {

class LiveSink : public Sink {
 public:
  using DigestHandler = std::function<void(Tick, const Digest&)>;

  explicit LiveSink(Outbox& outbox, DigestHandler on_digest = {}) : outbox_(outbox), on_digest_(std::move(on_digest)) {}

  /// This port is a console: never dropped (until StopRequest). Call before the machine runs.
  void add_stream(PortId port) { streams_.insert(port); }

  void effect(const Effect& effect) override;
  void digest(Tick tick, const Digest& digest) override;

  std::uint64_t frames_dropped() const { return frames_dropped_; }
  /// Console bytes for which no room came before the machine was asked to stop.
  std::uint64_t stream_bytes_lost() const { return stream_bytes_lost_; }

 private:
  Outbox& outbox_;
  DigestHandler on_digest_;
  std::set<PortId> streams_;
  std::atomic<std::uint64_t> frames_dropped_{0};
  std::atomic<std::uint64_t> stream_bytes_lost_{0};
};

}  // namespace lockstitch::world

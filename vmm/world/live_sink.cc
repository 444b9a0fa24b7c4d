// See live_sink.h.
#include "vmm/world/live_sink.h"

namespace lockstitch::world {

void LiveSink::effect(const Effect& effect) {
  if (streams_.contains(effect.port)) {
    if (!outbox_.push_stream(effect.tick, effect.port, effect.payload)) stream_bytes_lost_ += effect.payload.size();
  } else if (!outbox_.try_push(effect.tick, effect.port, effect.payload)) {
    ++frames_dropped_;
  }
}

void LiveSink::digest(Tick tick, const Digest& digest) {
  if (on_digest_) on_digest_(tick, digest);
}

}  // namespace lockstitch::world

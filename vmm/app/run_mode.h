// The one place that knows the mode (law 3): which source and which sink the machine is given. Nothing below the
// application can tell one from another; a new mode is a new case here.
#pragma once
#include <memory>

#include "lockstitch/sink.h"
#include "lockstitch/source.h"
#include "vmm/app/settings.h"
#include "vmm/world/host_clock.h"
#include "vmm/world/inbox.h"
#include "vmm/world/live_sink.h"
#include "vmm/world/outbox.h"

namespace lockstitch::app {

enum class Mode : std::uint8_t { run };

/// What a mode may be made of.
struct ModeParts {
  world::Inbox& inbox;
  world::Outbox& outbox;
  world::HostClock& host_clock;
  ClockMode clock = ClockMode::realtime;
  std::uint64_t ns_per_tick = 1;
  world::LiveSink::DigestHandler on_digest;
};

struct SourceAndSink {
  std::unique_ptr<Source> source;
  std::unique_ptr<Sink> sink;
  world::LiveSink* live_sink = nullptr;  ///< the same sink or one behind it; null when nothing leaves the machine
};

SourceAndSink make_source_and_sink(Mode mode, ModeParts parts);

}  // namespace lockstitch::app

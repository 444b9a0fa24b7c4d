// The one place that knows the mode (law 3): which source and which sink the machine is given. Nothing below the
// application can tell one from another; a new mode is a new case here.
#pragma once
#include <memory>

#include "lockstitch/sink.h"
#include "lockstitch/source.h"
#include "sync/peer/desk.h"
#include "vmm/app/machine_probe.h"
#include "vmm/app/mode.h"
#include "vmm/app/recording.h"
#include "vmm/app/replaying.h"
#include "vmm/app/settings.h"
#include "vmm/world/host_clock.h"
#include "vmm/world/inbox.h"
#include "vmm/world/live_sink.h"
#include "vmm/world/live_source.h"
#include "vmm/world/outbox.h"

namespace lockstitch::app {

/// What a mode may be made of.
struct ModeParts {
  world::Inbox& inbox;
  world::Outbox& outbox;
  world::HostClock& host_clock;
  ClockMode clock = ClockMode::realtime;
  world::LiveSink::DigestHandler on_digest;
  Recording* recording = nullptr;  ///< for Mode::record
  Replaying* replaying = nullptr;  ///< for Mode::replay
  sync::Desk* desk = nullptr;      ///< for a pair, whose modes also need the next
  Machine* machine = nullptr;
  std::uint64_t ns_per_tick = 1;
};

struct SourceAndSink {
  // The outermost ones are the machine's.
  std::vector<std::unique_ptr<Source>> sources;
  std::vector<std::unique_ptr<Sink>> sinks;
  world::LiveSink* live_sink = nullptr;      ///< the innermost sink
  world::LiveSource* live_source = nullptr;  ///< the innermost source, if it is live
  std::unique_ptr<MachineProbe> probe;       ///< of a pair

  Source& source() { return *sources.back(); }
  Sink& sink() { return *sinks.back(); }
};

SourceAndSink make_source_and_sink(Mode mode, ModeParts parts);

}  // namespace lockstitch::app

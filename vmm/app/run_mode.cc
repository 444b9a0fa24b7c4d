// See run_mode.h.
#include "vmm/app/run_mode.h"

#include "vmm/world/live_source.h"

namespace lockstitch::app {

SourceAndSink make_source_and_sink(Mode mode, ModeParts parts) {
  const auto clocking = parts.clock == ClockMode::realtime ? world::Clocking::realtime : world::Clocking::unpaced;
  SourceAndSink ends;
  switch (mode) {
    case Mode::run: {
      ends.source = std::make_unique<world::LiveSource>(parts.inbox, parts.host_clock, clocking, parts.ns_per_tick);
      auto sink = std::make_unique<world::LiveSink>(parts.outbox, std::move(parts.on_digest));
      ends.live_sink = sink.get();
      ends.sink = std::move(sink);
      break;
    }
  }
  return ends;
}

}  // namespace lockstitch::app

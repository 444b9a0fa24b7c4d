// See run_mode.h.
#include "vmm/app/run_mode.h"

#include "sync/tape/checker.h"
#include "sync/tape/recorder.h"
#include "sync/tape/replayer.h"
#include "vmm/machine/state_comparer.h"
#include "vmm/world/live_source.h"

namespace lockstitch::app {

namespace {

/// Lets effects through from a tick on: what a replay shows does not begin where its checkpoint lies.
class ShownFrom final : public Sink {
 public:
  ShownFrom(Tick from, Sink& next) : from_(from), next_(next) {}

  void effect(const Effect& effect) override {
    if (effect.tick >= from_) next_.effect(effect);
  }
  void digest(Tick tick, const Digest& digest) override {
    if (tick >= from_) next_.digest(tick, digest);
  }

 private:
  const Tick from_;
  Sink& next_;
};

/// An effect waits for the log up to it, so that has to go at once.
class HurryingSink final : public Sink {
 public:
  HurryingSink(sync::Desk& desk, Sink& next) : desk_(desk), next_(next) {}

  void effect(const Effect& effect) override {
    next_.effect(effect);
    desk_.hurry();
  }
  void digest(Tick tick, const Digest& digest) override { next_.digest(tick, digest); }

 private:
  sync::Desk& desk_;
  Sink& next_;
};

template <class T, class Interface, class... Arguments>
T& put_around(std::vector<std::unique_ptr<Interface>>& chain, Arguments&&... arguments) {
  auto made = std::make_unique<T>(std::forward<Arguments>(arguments)...);
  T& reference = *made;
  chain.push_back(std::move(made));
  return reference;
}

}  // namespace

SourceAndSink make_source_and_sink(Mode mode, ModeParts parts) {
  const auto clocking = parts.clock == ClockMode::realtime ? world::Clocking::realtime : world::Clocking::unpaced;
  SourceAndSink ends;
  auto& sources = ends.sources;
  auto& sinks = ends.sinks;
  world::LiveSink*& live_sink = ends.live_sink;
  live_sink = &put_around<world::LiveSink>(sinks, parts.outbox, std::move(parts.on_digest));
  switch (mode) {
    case Mode::run:
      put_around<world::LiveSource>(sources, parts.inbox, parts.host_clock, clocking, parts.ns_per_tick);
      break;
    case Mode::record: {
      // The gate is in the world: it lets nothing out before the log is written (Recording::make_safe).
      Recording& recording = *parts.recording;
      auto& live = put_around<world::LiveSource>(sources, parts.inbox, parts.host_clock, clocking, parts.ns_per_tick);
      auto& source = put_around<sync::RecordingSource>(sources, live, recording.log(), recording.probe());
      put_around<sync::RecordingSink>(sinks, *live_sink, source, recording.log(), recording.probe());
      break;
    }
    case Mode::protect:
    case Mode::standby: {
      // A leader. Lead is record whose file is a peer; the log leads nowhere while there is none. The gate is in the
      // world: it lets out what the peer has acknowledged.
      ends.probe = std::make_unique<MachineProbe>(*parts.machine);
      auto& live = put_around<world::LiveSource>(sources, parts.inbox, parts.host_clock, clocking, parts.ns_per_tick);
      ends.live_source = &live;
      auto& source = put_around<sync::RecordingSource>(sources, live, parts.desk->log(), *ends.probe);
      auto& recorder = put_around<sync::RecordingSink>(sinks, *live_sink, source, parts.desk->log(), *ends.probe);
      put_around<HurryingSink>(sinks, *parts.desk, recorder);
      break;
    }
    case Mode::replay: {
      Replaying& replay = *parts.replaying;
      put_around<sync::ReplayingSource>(sources, replay.cursor(), replay.probe());
      auto& shown = put_around<ShownFrom>(sinks, replay.options().from, *live_sink);
      auto& checker = put_around<sync::CheckingSink>(sinks, replay.cursor(), replay.probe(), shown, first_difference);
      replay.set_checker(checker);
      break;
    }
  }
  return ends;
}

}  // namespace lockstitch::app

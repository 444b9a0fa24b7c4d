// See prepared_replay.h.
#include "vmm/app/prepared_replay.h"

#include <cstdio>

#include "vmm/app/message.h"
#include "vmm/app/trace_header.h"
#include "vmm/engine/kvm/kvm_system.h"

namespace lockstitch::app {

namespace {

Outcome choose_engine(EngineSetting& engine, const ReplayOptions& options) {
  if (options.engines) {
    engine.turns = *options.engines;
  } else if (engine.uses(EngineKind::kvm)) {
    const auto there = kvm::KvmSystem::open();
    if (!there.ok()) {
      engine.turns = {EngineTurn{}};
      say("recorded with kvm, replayed with interp: " + there.error().text);
    }
  }
  return check_engine(engine, Mode::replay, options.debugged);
}

}  // namespace

Result<PreparedReplay> prepare_replay(const std::string& path, const ReplayOptions& options,
                                      const std::vector<std::string>& images) {
  auto trace = OpenTrace::open(path);
  if (!trace.ok()) return trace.error();
  const sync::Header& header = trace.value()->header();
  if (const Outcome can = check_replayable(header); !can.ok()) return can.error();
  auto replaying = Replaying::open(*trace.value(), options);
  if (!replaying.ok()) return replaying.error();
  const auto found = trace.value()->header_with_images(images);
  if (!found.ok()) return found.error();
  Settings settings = settings_of(found.value());
  if (const Outcome chosen = choose_engine(settings.engine, options); !chosen.ok()) return chosen.error();
  return PreparedReplay{std::move(trace).value(), std::move(settings), std::move(replaying).value()};
}

Result<int> replay_to_goal(PreparedReplay& prepared, Session& session) {
  Replaying& replaying = *prepared.replaying;
  session.set_replaying(replaying);
  if (replaying.start()) session.set_start(*replaying.start());
  if (const Outcome opened = session.open(); !opened.ok()) return opened.error();
  const auto end = session.run();
  if (!end.ok()) return end.error();
  const auto report = replaying.finish(end.value());
  if (!report.ok()) return report.error();
  if (report.value()) {
    std::fputs(("lockstitch: " + to_text(*report.value())).c_str(), stderr);
    return static_cast<int>(ExitCode::divergence);
  }
  return session.stop_asked() ? static_cast<int>(ExitCode::interrupted) : 0;
}

}  // namespace lockstitch::app

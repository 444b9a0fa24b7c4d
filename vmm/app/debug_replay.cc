// See debug_replay.h.
#include "vmm/app/debug_replay.h"

#include <fmt/format.h>

#include "vmm/app/message.h"
#include "vmm/app/screen_view.h"
#include "vmm/debug/recorded_target.h"
#include "vmm/gdb/listener.h"
#include "vmm/gdb/stub.h"
#include "vmm/machine/state_comparer.h"

namespace lockstitch::app {

DebuggedReplay::DebuggedReplay(PreparedReplay prepared)
    : prepared_(std::move(prepared)), session_(prepared_.settings, Mode::replay, {}) {}

DebuggedReplay::~DebuggedReplay() { session_.end_world(); }

Result<std::unique_ptr<DebuggedReplay>> DebuggedReplay::open(PreparedReplay prepared, std::uint64_t budget_bytes,
                                                             bool console) {
  prepared.settings.quiet = true;
  if (console) prepared.settings.serial = ConsoleSetting{ConsoleSetting::Kind::stdio, ""};
  std::unique_ptr<DebuggedReplay> made(new DebuggedReplay(std::move(prepared)));
  Replaying& replaying = *made->prepared_.replaying;
  Session& session = made->session_;
  session.set_replaying(replaying);
  if (replaying.start()) session.set_start(*replaying.start());
  if (const Outcome opened = session.open(); !opened.ok()) return opened.error();
  auto log = made->prepared_.trace->read_log();
  if (!log.ok()) return log.error();
  made->log_ = std::move(log).value();
  if (const Outcome begun = session.begin_world(); !begun.ok()) return begun.error();

  Machine& machine = session.machine();
  std::vector<PortId> text_ports{session.board().serial_port()};
  if (const auto port = session.board().console_port()) text_ports.push_back(*port);
  made->probe_ = std::make_unique<MachineProbe>(machine);
  made->console_ = std::make_unique<debug::ConsoleLog>(*session.ends().live_sink, std::move(text_ports));
  made->timeline_ =
      std::make_unique<debug::Timeline>(machine, session.written_disks(), *made->log_, *made->probe_, first_difference,
                                        *made->console_, debug::TimelineOptions{budget_bytes, replaying.goal()});
  made->monitor_ = std::make_unique<debug::Monitor>(machine, *made->timeline_, *made->console_,
                                                    made->prepared_.trace->header().board.ports);
  if (const Screen* screen = session.board().screen(); screen != nullptr) {
    made->monitor_->set_screen({[screen] { return screen_text(screen); },
                                [screen](const std::string& path) { return screen_to_file(screen, path); }});
  }
  return made;
}

Result<int> debug_replay(PreparedReplay prepared, const DebugOptions& options, bool console) {
  const Tick from = prepared.replaying->options().from;
  auto made = DebuggedReplay::open(std::move(prepared), options.budget_bytes, console);
  if (!made.ok()) return made.error();
  DebuggedReplay& replay = *made.value();
  auto listener = gdb::Listener::open(options.place, options.allow_remote, [&] { return replay.stop_asked(); });
  if (!listener.ok()) return listener.error();
  if (from > replay.timeline().begin()) replay.timeline().go_to({from, 0}, [&] { return replay.stop_asked(); });
  say(fmt::format("the recording stands at tick {}; in gdb: target remote {}", replay.timeline().here().tick.value,
                  listener.value()->place()));
  debug::RecordedTarget target(replay.machine(), replay.timeline(), replay.monitor());
  while (const auto wire = listener.value()->accept()) {
    if (gdb::Stub(target, *wire).serve() == gdb::Stub::Ended::killed) return 0;
  }
  return static_cast<int>(ExitCode::interrupted);
}

}  // namespace lockstitch::app

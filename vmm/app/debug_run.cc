// See debug_run.h.
#include "vmm/app/debug_run.h"

#include <fmt/format.h>

#include "vmm/app/ending.h"
#include "vmm/app/message.h"
#include "vmm/debug/live_target.h"
#include "vmm/gdb/listener.h"
#include "vmm/gdb/stub.h"

namespace lockstitch::app {

Result<std::optional<End>> run_debugged(Session& session) {
  const Settings& settings = session.settings();
  auto listener = gdb::Listener::open(settings.gdb, settings.gdb_remote, [&session] { return session.stop_asked(); });
  if (!listener.ok()) return listener.error();
  say(fmt::format("the guest waits for a debugger; in gdb: target remote {}", listener.value()->place()));
  const Tick stop_at = settings.stop_at_tick ? Tick{*settings.stop_at_tick} : tick_never;
  debug::LiveTarget target(
      session.machine(), session.ends().source(), session.ends().sink(), stop_at,
      [](const End& end) { return static_cast<std::uint8_t>(describe(end).exit_code); },
      [&session] { session.serve_viewers(); });
  auto wire = listener.value()->accept();
  while (!target.end()) {
    if (wire) {
      // Killed by the debugger, it ends as if by a signal.
      if (gdb::Stub(target, *wire).serve() == gdb::Stub::Ended::killed) session.ask_stop();
      wire.reset();
    }
    while (!target.end() && !wire) {
      target.run_on();
      wire = listener.value()->poll();
    }
  }
  return target.end();
}

}  // namespace lockstitch::app

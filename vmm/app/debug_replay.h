// A recorded guest under gdb: the machine, its timeline and the stub put together. Not here: what a debugger can do
// (vmm/debug), how it says so (vmm/gdb).
#pragma once
#include <memory>
#include <string>

#include "lockstitch/result.h"
#include "vmm/app/machine_probe.h"
#include "vmm/app/prepared_replay.h"
#include "vmm/app/session.h"
#include "vmm/debug/console_log.h"
#include "vmm/debug/monitor.h"
#include "vmm/debug/timeline.h"

namespace lockstitch::app {

/// Unit: bytes. Of moments to which a debugger can go back at once.
inline constexpr std::uint64_t debug_budget_bytes = 2ull << 30;

struct DebugOptions {
  std::string place;  ///< where gdb connects, as vmm/gdb/listener.h takes it
  bool allow_remote = false;
  std::uint64_t budget_bytes = debug_budget_bytes;
};

/// A replay that can be anywhere.
class DebuggedReplay {
 public:
  /// Makes the machine; it stands where the replay starts. Fails: as a session, a log that cannot be read.
  static Result<std::unique_ptr<DebuggedReplay>> open(PreparedReplay prepared, std::uint64_t budget_bytes,
                                                      bool console);
  ~DebuggedReplay();

  Machine& machine() { return session_.machine(); }
  debug::Timeline& timeline() { return *timeline_; }
  debug::Monitor& monitor() { return *monitor_; }
  /// A signal.
  bool stop_asked() const { return session_.stop_asked(); }

 private:
  explicit DebuggedReplay(PreparedReplay prepared);

  PreparedReplay prepared_;
  Session session_;
  std::optional<sync::LogReader> log_;
  std::unique_ptr<MachineProbe> probe_;
  std::unique_ptr<debug::ConsoleLog> console_;
  std::unique_ptr<debug::Timeline> timeline_;
  std::unique_ptr<debug::Monitor> monitor_;
};

/// Waits for debuggers, one after the other, until one kills the machine or a signal comes. The exit code.
Result<int> debug_replay(PreparedReplay prepared, const DebugOptions& options, bool console);

}  // namespace lockstitch::app

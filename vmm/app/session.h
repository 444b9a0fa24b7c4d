// One machine, its world, and the run of it: everything is made here, in the order in which it depends on each other.
// Not here: what is guest-visible (board.h), which source and sink (run_mode.h), what is said at the end
// (run_command.h).
#pragma once
#include <memory>
#include <optional>
#include <vector>

#include "lockstitch/result.h"
#include "vmm/app/board.h"
#include "vmm/app/output_file.h"
#include "vmm/app/run_mode.h"
#include "vmm/app/settings.h"
#include "vmm/app/summary.h"
#include "vmm/world/block_file.h"
#include "vmm/world/signals.h"
#include "vmm/world/tap.h"
#include "vmm/world/terminal.h"
#include "vmm/world/user_net.h"
#include "vmm/world/world.h"
#include "vmm/world/world_trouble.h"

namespace lockstitch::app {

class Session {
 public:
  /// The settings' defaults must be filled in: seed, date. `last_words` is called if a disk fails for good, before the
  /// process ends; it must not touch the session.
  Session(const Settings& settings, Mode mode, std::function<void()> last_words);

  /// Everything but the run. Fails: any file, network or memory that is not there.
  Outcome open();
  /// Until the end of the machine; afterwards the terminal is the person's again.
  Result<End> run();

  Machine& machine() { return board_->machine(); }
  /// Order: after run().
  Summary::Machine account();
  /// The first trouble with the digests' file. Order: after run().
  const Outcome& digests_written() const { return digests_written_; }

 private:
  Outcome open_disks();
  Outcome make_board();
  Outcome open_consoles();
  Outcome open_console(PortId port, const ConsoleSetting& setting);
  Outcome open_network();
  bool uses_stdio() const;
  void print_digest(Tick tick, const Digest& digest);

  const Settings& settings_;
  const Mode mode_;
  world::Inbox inbox_;
  world::Outbox outbox_;
  world::SteadyHostClock host_clock_;
  world::StopRequest stop_{inbox_, outbox_};
  world::PauseOnTrouble trouble_;
  std::optional<OutputFile> digests_;
  Outcome digests_written_ = success();
  std::vector<std::unique_ptr<world::BlockFile>> disks_;
  std::unique_ptr<Board> board_;
  SourceAndSink ends_;
  std::vector<OutputFile> console_files_;
  std::vector<std::unique_ptr<world::Terminal>> consoles_;
  std::unique_ptr<world::Tap> tap_;
  std::unique_ptr<world::UserNet> user_net_;
  std::unique_ptr<world::Signals> signals_;
  /// After all endpoints, for its thread must end before they do.
  world::World world_{outbox_};
};

}  // namespace lockstitch::app

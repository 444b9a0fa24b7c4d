// One machine, its world, and the run of it: everything is made here, in the order in which it depends on each other.
// Not here: what is guest-visible (board.h), which source and sink (run_mode.h), what is said at the end
// (run_command.h).
#pragma once
#include <memory>
#include <optional>
#include <vector>

#include "lockstitch/block.h"
#include "lockstitch/result.h"
#include "sync/peer/desk.h"
#include "vmm/app/board.h"
#include "vmm/app/guest_requests.h"
#include "vmm/app/output_file.h"
#include "vmm/app/panic_report.h"
#include "vmm/app/run_mode.h"
#include "vmm/app/settings.h"
#include "vmm/app/summary.h"
#include "vmm/world/block_file.h"
#include "vmm/world/control_socket.h"
#include "vmm/world/display.h"
#include "vmm/world/pacer.h"
#include "vmm/world/signals.h"
#include "vmm/world/tap.h"
#include "vmm/world/terminal.h"
#include "vmm/world/user_net.h"
#include "vmm/world/vnc_server.h"
#include "vmm/world/world.h"
#include "vmm/world/world_trouble.h"

namespace lockstitch::app {

class Session {
 public:
  /// The settings' defaults must be filled in: seed, date. `last_words` is called if a disk fails for good, before the
  /// process ends; it must not touch the session.
  Session(const Settings& settings, Mode mode, std::function<void()> last_words);

  // Before open().
  /// For Mode::replay.
  void set_replaying(Replaying& replaying) { replaying_ = &replaying; }
  /// For a pair's modes.
  void set_desk(sync::Desk& desk) { desk_ = &desk; }
  /// Steps the machine to its end instead of this.
  void set_debugger(std::function<Result<std::optional<End>>(Session&)> debugger) { debugger_ = std::move(debugger); }
  /// The machine starts there instead of at power-on.
  void set_start(const sync::CheckpointFile& start) { start_ = &start; }

  /// Everything but the run. Fails: any file, network or memory that is not there.
  Outcome open();
  /// Until the end of the machine; afterwards the terminal is the person's again. Nothing: a replay that is over.
  Result<std::optional<End>> run();

  /// For who steps the machine otherwise than run() does: the world is served from here until end_world().
  Outcome begin_world() { return world_.start(); }
  void end_world();

  /// Who steps the machine calls it between two passes: for those who look at the guest or ask something of it.
  void serve_viewers() {
    if (display_.wanted()) show_screen();
    if (control_ && control_->asked()) answer_requests();
  }
  /// Why the guest takes no input from those; empty: it does.
  void close_input(std::string why) {
    if (requests_) requests_->set_closed(std::move(why));
  }

  const Settings& settings() const { return settings_; }
  Machine& machine() { return board_->machine(); }
  Board& board() { return *board_; }
  SourceAndSink& ends() { return ends_; }
  world::Inbox& inbox() { return inbox_; }
  world::Outbox& outbox() { return outbox_; }
  world::HostClock& host_clock() { return host_clock_; }
  const WrittenDisks& written_disks() const { return written_disks_; }
  /// For Mode::record: null before open().
  Recording* recording() { return recording_.get(); }
  /// Somebody has asked for the end: a signal, a key, trouble.
  bool stop_asked() const { return stop_.asked(); }
  void ask_stop() { stop_.ask(world::StopReason::signal); }
  /// Order: after run().
  Summary::Machine account();
  /// The first trouble with the digests' file. Order: after run().
  const Outcome& digests_written() const { return digests_written_; }

 private:
  void join_desk();
  Outcome open_disks();
  Outcome open_media();
  Outcome check_bootable() const;
  Result<BootFiles> read_boot_files() const;
  Outcome save_uefi_variables();
  Outcome make_board();
  EngineRequest engine_request();
  Outcome go_to_start();
  std::optional<End> step_until_end();
  void wait_for_guest_time();
  Outcome open_consoles();
  void open_panic_reports();
  Outcome open_console(PortId port, const ConsoleSetting& setting);
  Outcome open_network();
  std::string control_path() const;
  Outcome open_control();
  Outcome open_vnc();
  void show_screen();
  void answer_requests();
  bool uses_stdio() const;
  world::LiveSink::DigestHandler digest_handler();
  void print_digest(Tick tick, const Digest& digest);

  const Settings& settings_;
  const Mode mode_;
  world::Inbox inbox_;
  world::Outbox outbox_;
  world::SteadyHostClock host_clock_;
  world::StopRequest stop_{inbox_, outbox_};
  std::unique_ptr<world::WorldTrouble> trouble_;
  sync::Desk* desk_ = nullptr;
  std::unique_ptr<world::Endpoint> release_bell_;
  std::optional<OutputFile> digests_;
  Outcome digests_written_ = success();
  std::vector<std::unique_ptr<BlockPort>> disks_;
  WrittenDisks written_disks_;
  std::vector<std::unique_ptr<world::BlockFile>> media_;  ///< of the CD-ROM drive
  std::unique_ptr<Board> board_;
  std::unique_ptr<Recording> recording_;
  Replaying* replaying_ = nullptr;
  const sync::CheckpointFile* start_ = nullptr;
  std::function<Result<std::optional<End>>(Session&)> debugger_;
  std::optional<world::Pacer> shown_pace_;  ///< of a replay at the guest's speed
  SourceAndSink ends_;
  std::vector<OutputFile> console_files_;
  std::vector<std::unique_ptr<world::Terminal>> consoles_;
  std::vector<std::unique_ptr<PanicReport>> panic_reports_;
  std::unique_ptr<world::Tap> tap_;
  std::unique_ptr<world::UserNet> user_net_;
  std::unique_ptr<world::Signals> signals_;
  std::unique_ptr<world::ControlSocket> control_;
  std::optional<GuestRequests> requests_;
  world::Display display_{inbox_};
  std::unique_ptr<world::VncServer> vnc_;
  /// After all endpoints, for its thread must end before they do.
  world::World world_{outbox_};
};

}  // namespace lockstitch::app

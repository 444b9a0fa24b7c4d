// A recording in progress: the trace's folder, its log and its checkpoints, and what connects them to a session. The
// core appends; the world's thread writes, and lets no effect out before its log is safe.
#pragma once
#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "lockstitch/result.h"
#include "sync/checkpoint/checkpoint_writer.h"
#include "sync/log/log_queue.h"
#include "sync/log/log_writer.h"
#include "sync/trace/trace_folder.h"
#include "vmm/app/board.h"
#include "vmm/app/machine_probe.h"
#include "vmm/app/machine_snapshot.h"
#include "vmm/app/settings.h"
#include "vmm/world/endpoint.h"
#include "vmm/world/stop_request.h"

namespace lockstitch::app {

class Recording {
 public:
  struct Account {
    std::uint64_t log_entries = 0, log_bytes = 0;  ///< bytes before compression
    std::uint64_t checkpoints = 0, checkpoint_bytes = 0;
    double checkpoint_pause_seconds = 0;  ///< how long the guest stood still for them, in all
  };

  /// Makes the folder. Fails: it exists and is not empty, or cannot be made.
  static Result<std::unique_ptr<Recording>> create(const Settings& settings, world::StopRequest& stop);

  ~Recording();

  const std::string& folder() const { return folder_.path(); }
  /// Path of the control socket.
  std::string control() const { return folder_.control(); }
  /// Once the machine stands at its first tick: identifies the images, writes the header, opens log and checkpoints.
  Outcome begin(Board& board, const WrittenDisks& disks);

  sync::LogStream& log() { return queue_; }
  MachineProbe& probe() { return *probe_; }
  /// What the world's loop serves for us, and asks before it lets effects out.
  world::Endpoint& endpoint();
  bool make_safe();

  /// The core calls it between two passes: takes a checkpoint if one is due.
  void between_passes() {
    if (machine_->now().ns >= next_checkpoint_ && !checkpoints_->busy()) (void)checkpoint(false);
  }
  /// One that somebody has asked for: it is on disk when this returns. Its tick.
  Result<Tick> checkpoint_now() { return checkpoint(true); }

  /// After the machine's end, with the world stopped. Fails: the trace is not whole; it is good up to where it was.
  Outcome finish(const End& end);
  Account account() const;

 private:
  class LogEndpoint;

  Recording(const Settings& settings, world::StopRequest& stop, sync::TraceFolder folder);

  Result<std::vector<sync::ImageReference>> identify_images() const;
  Result<Tick> checkpoint(bool at_once);
  void fail();

  const Settings& settings_;
  world::StopRequest& stop_;
  sync::TraceFolder folder_;
  Machine* machine_ = nullptr;
  const WrittenDisks* disks_ = nullptr;
  std::unique_ptr<MachineProbe> probe_;

  sync::LogQueue queue_;
  // Of the world's thread while it runs.
  std::unique_ptr<sync::LogWriter> writer_;
  std::vector<sync::Entry> taken_;
  Outcome log_state_ = success();

  std::unique_ptr<sync::CheckpointWriter> checkpoints_;
  VirtualNs next_checkpoint_ = ns_never;
  double checkpoint_pause_seconds_ = 0;
  std::unique_ptr<LogEndpoint> endpoint_;
};

}  // namespace lockstitch::app

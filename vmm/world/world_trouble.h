// What happens when the host fails the machine in the middle of a disk request. The guest is never shown an I/O error
// and never gets made-up data: the core stands still there, the person is told once, and the request is tried again
// until it succeeds or somebody ends the process.
#pragma once
#include <functional>
#include <mutex>
#include <string>

#include "lockstitch/result.h"
#include "vmm/world/stop_request.h"

namespace lockstitch::world {

/// Called on the core's thread only. Order: report, then wait_to_retry until it says false (abandon follows) or the
/// request succeeds (over follows).
class WorldTrouble {
 public:
  virtual ~WorldTrouble() = default;
  virtual void report(const Error& error) = 0;
  virtual void over() = 0;
  /// Waits about a second. False: the process was asked to stop.
  virtual bool wait_to_retry() = 0;
  /// The core cannot return to the machine without lying to it, so the process ends here.
  [[noreturn]] virtual void abandon(const Error& error) = 0;
};

/// The real one: sentences to stderr, and the current one for a status display.
class PauseOnTrouble : public WorldTrouble {
 public:
  /// `last_words` runs before the process ends in abandon(): flush logs and the like. It must not touch the machine.
  explicit PauseOnTrouble(StopRequest& stop, std::function<void()> last_words = {})
      : stop_(stop), last_words_(std::move(last_words)) {}

  void report(const Error& error) override;
  void over() override;
  bool wait_to_retry() override;
  /// Restores the terminal and exits with ExitCode::world, without destructors or atexit functions: the world thread
  /// runs.
  [[noreturn]] void abandon(const Error& error) override;

  /// From any thread: the sentence while the machine stands still, else empty.
  std::string current() const;

 private:
  StopRequest& stop_;
  std::function<void()> last_words_;
  mutable std::mutex mutex_;
  std::string current_;
};

}  // namespace lockstitch::world

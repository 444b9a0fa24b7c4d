// A program of the host that we start and that does not outlive us: its own session, no input, and what it says is kept
// for our sentences. It is asked to end (SIGTERM) when its owner goes, and by the kernel when the thread that started
// it ends, our death included.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "lockstitch/result.h"
#include "vmm/world/descriptor.h"

namespace lockstitch::world {

class ChildProcess {
 public:
  /// `arguments`: the program's name first; it is looked for in $PATH. `listening`: a socket that the child gets as
  /// systemd would hand it over ($LISTEN_FDS); -1: none. `package`: what to install if it is missing. Fails: not
  /// installed, no process to be had.
  static Result<ChildProcess> start(const std::vector<std::string>& arguments, int listening, std::string_view package);
  ChildProcess(ChildProcess&& other) noexcept;
  ChildProcess& operator=(ChildProcess&& other) noexcept;
  /// As end().
  ~ChildProcess();

  /// -1: ended.
  int pid() const { return pid_; }
  /// Waits until it has ended of itself. The exit code; -1: ended by a signal.
  int wait();
  /// Gives it `grace_ms` to end of itself, asks it, and after a while insists.
  void end(int grace_ms);

  /// The first that it has said on standard output and error; at most 64 KiB are kept. Order: after its end.
  const std::string& said();

 private:
  ChildProcess() = default;
  bool ended_within(int ms);

  int pid_ = -1;  ///< -1: ended and collected
  int status_ = 0;
  Descriptor output_;
  std::string said_;
};

}  // namespace lockstitch::world

// SIGINT, SIGTERM and SIGHUP end the machine in good order; a second one of them ends the process at once. SIGCONT is
// passed on, for the terminal's mode.
#pragma once
#include <signal.h>

#include <functional>
#include <memory>

#include "lockstitch/result.h"
#include "vmm/world/descriptor.h"
#include "vmm/world/endpoint.h"
#include "vmm/world/stop_request.h"

namespace lockstitch::world {

class Signals : public Endpoint {
 public:
  /// On the main thread, before any other thread exists: the signals are blocked from here on, in this thread and in
  /// those it starts. `continued` is called on the world thread. Fails: the host gives no signalfd.
  static Result<std::unique_ptr<Signals>> open(StopRequest& stop, std::function<void()> continued = {});
  /// Unblocks them, on the thread that destroys it.
  ~Signals() override;

  PortId port() const override { return control_port; }
  void want(std::vector<pollfd>& fds) override;
  void ready(std::span<const pollfd> fds) override;

 private:
  Signals(StopRequest& stop, std::function<void()> continued) : stop_(stop), continued_(std::move(continued)) {}

  StopRequest& stop_;
  std::function<void()> continued_;
  Descriptor fd_;
  sigset_t before_{};
  bool ending_ = false;
};

}  // namespace lockstitch::world

// The serial console on the program's own terminal or pipes. On a terminal: raw mode, and Ctrl-A as escape key. Bytes
// are never dropped in either direction: input that the inbox has no room for is held, output that the person's
// terminal does not take makes the core wait (outbox.h). The end of the input does not end the guest.
#pragma once
#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "lockstitch/result.h"
#include "vmm/world/descriptor.h"
#include "vmm/world/endpoint.h"
#include "vmm/world/inbox.h"
#include "vmm/world/outbox.h"
#include "vmm/world/output.h"
#include "vmm/world/stop_request.h"

namespace lockstitch::world {

struct TerminalOptions {
  PortId port;
  int in_fd = 0;         ///< -1: no input
  int out_fd = 1;        ///< -1: no output
  std::string log_path;  ///< a file that gets a copy of the output; empty: none. It is made new.
};

class Terminal : public Endpoint {
 public:
  /// Before world.start(). Fails: the log file cannot be made.
  static Result<std::unique_ptr<Terminal>> open(const TerminalOptions& options, Inbox& inbox, Outbox& outbox,
                                                StopRequest& stop);
  ~Terminal() override;

  PortId port() const override { return options_.port; }
  void want(std::vector<pollfd>& fds) override;
  int timeout_ms() override;
  void ready(std::span<const pollfd> fds) override;
  void send(Bytes payload) override;
  std::size_t unsent() const override { return output_.pending(); }

  /// After SIGCONT: the shell has set its own mode meanwhile. On the world thread.
  void resume();

  /// Output bytes lost because the reader of our output went away.
  std::uint64_t lost_bytes() const { return lost_bytes_; }

 private:
  Terminal(const TerminalOptions& options, Inbox& inbox, Outbox& outbox, StopRequest& stop);

  void read_input();
  void typed(std::uint8_t byte);
  void command(std::uint8_t key);
  void say(std::string_view text);
  void push_held();

  TerminalOptions options_;
  Inbox& inbox_;
  Outbox& outbox_;
  StopRequest& stop_;
  Output output_;
  Descriptor log_;
  bool is_terminal_ = false;
  bool input_open_ = false;
  bool input_polled_ = false;
  bool escaped_ = false;  ///< Ctrl-A was typed
  std::vector<std::uint8_t> held_;
  std::size_t backlog_told_ = 0;
  std::atomic<std::uint64_t> lost_bytes_{0};
};

}  // namespace lockstitch::world

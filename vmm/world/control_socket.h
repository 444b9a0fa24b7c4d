// A Unix socket on which other commands ask a running guest for something. One line in, one line back; what the lines
// say is the core's business, which answers between two passes. Not here: the pair's own socket (sync/peer).
#pragma once
#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "lockstitch/result.h"
#include "vmm/world/descriptor.h"
#include "vmm/world/endpoint.h"
#include "vmm/world/inbox.h"

namespace lockstitch::world {

/// One line that waits for its answer.
struct ControlRequest {
  std::uint64_t client = 0;
  std::string line;
};

class ControlSocket final : public Endpoint {
 public:
  /// Unit: connections. More are closed at once.
  static constexpr std::size_t max_clients = 16;
  /// Unit: bytes. A client that has more to say at a time is disconnected.
  static constexpr std::size_t line_max_bytes = 16 << 10;

  /// A socket in the file system can be made at that path.
  static bool fits(const std::string& path);
  /// What a process that was killed has left there is replaced. `inbox`: whose waiting core is woken when somebody
  /// asks. Fails: somebody answers there, the path does not fit, no permission.
  static Result<std::unique_ptr<ControlSocket>> open(const std::string& path, Inbox& inbox);
  /// Who waits is told that the machine has ended.
  ~ControlSocket() override;

  // The core's side.
  bool asked() const { return waiting_.load(std::memory_order_acquire) != 0; }
  /// The oldest request. A client has one at a time.
  std::optional<ControlRequest> next();
  /// One line, without its end. Lost if the client has gone.
  void answer(std::uint64_t client, const std::string& line);

  PortId port() const override { return control_port; }
  void want(std::vector<pollfd>& fds) override;
  void ready(std::span<const pollfd> fds) override;

 private:
  struct Client {
    std::uint64_t number = 0;
    Descriptor fd;
    std::string text;  ///< received and not yet asked
    bool waits = false;
  };

  ControlSocket(std::string path, Inbox& inbox) : path_(std::move(path)), inbox_(inbox) {}

  bool receive(Client& client);
  bool take_line(Client& client);
  static void send_line(Client& client, const std::string& line);

  const std::string path_;
  Inbox& inbox_;
  Descriptor listener_;
  std::atomic<std::size_t> waiting_{0};
  std::mutex mutex_;  ///< of what follows: the core answers
  std::vector<Client> clients_;
  std::uint64_t last_number_ = 0;
  std::deque<ControlRequest> requests_;
};

/// Connects to such a socket, sends the line and waits for the answer. Nothing: nobody listens there.
Result<std::optional<std::string>> ask_control_socket(const std::string& path, const std::string& line);

/// Any text as one line and back: line ends and backslashes are written with a backslash.
std::string to_line(std::string_view text);
std::string from_line(std::string_view line);

}  // namespace lockstitch::world

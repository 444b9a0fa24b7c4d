// A Unix socket in a trace's folder on which other commands ask a running recording for something. One line in, one
// line back. Only "checkpoint" is known so far.
#pragma once
#include <atomic>
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

class ControlSocket final : public Endpoint {
 public:
  /// Unit: connections. More are closed at once.
  static constexpr std::size_t max_clients = 16;

  /// `inbox`: whose waiting core is woken when somebody asks. Fails: the path is too long for a socket, or no
  /// permission.
  static Result<std::unique_ptr<ControlSocket>> open(const std::string& path, Inbox& inbox);
  ~ControlSocket() override;

  // The core's side.
  /// Somebody wants a checkpoint.
  bool asked() const { return asked_.load(std::memory_order_acquire); }
  /// To everybody who has asked; without a line end.
  void answer(const std::string& line);

  PortId port() const override { return control_port; }
  void want(std::vector<pollfd>& fds) override;
  void ready(std::span<const pollfd> fds) override;

 private:
  struct Client {
    Descriptor fd;
    std::string line;
    bool waits = false;
  };

  ControlSocket(std::string path, Inbox& inbox) : path_(std::move(path)), inbox_(inbox) {}

  bool serve(Client& client);

  const std::string path_;
  Inbox& inbox_;
  Descriptor listener_;
  std::atomic<bool> asked_{false};
  std::mutex mutex_;  ///< of clients_: the core answers
  std::vector<Client> clients_;
};

/// Connects to such a socket, sends the line and waits for the answer. Nothing: nobody listens there.
Result<std::optional<std::string>> ask_control_socket(const std::string& path, const std::string& line);

}  // namespace lockstitch::world

// A network without rights on the host: libslirp answers ARP, DHCP and DNS and turns the guest's connections into
// sockets. 10.0.2.0/24 as users know it: gateway and host .2, name server .3, guest .15 by DHCP. IPv4 only. Its clock
// and timers are the host's: it is the outside world, not part of the machine.
#pragma once
#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "lockstitch/result.h"
#include "vmm/world/endpoint.h"
#include "vmm/world/inbox.h"

namespace lockstitch::world {

/// `tcp:HOST_ADDR:HOST_PORT-:GUEST_PORT`: connections to the host's port go to the guest (10.0.2.15).
struct Forward {
  bool udp = false;
  std::string host_addr;  ///< dotted IPv4; empty: every address of the host
  std::uint16_t host_port = 0;
  std::uint16_t guest_port = 0;
};

class UserNet : public Endpoint {
 public:
  /// Fails: an address that is none, a port 0, a host port that is taken or forbidden.
  static Result<std::unique_ptr<UserNet>> open(PortId port, const std::vector<Forward>& forwards, Inbox& inbox);
  ~UserNet() override;

  PortId port() const override { return port_; }
  void want(std::vector<pollfd>& fds) override;
  int timeout_ms() override { return timeout_ms_; }
  void ready(std::span<const pollfd> fds) override;
  void send(Bytes payload) override;

  /// Frames for the guest that the inbox had no room for; TCP sends them again.
  std::uint64_t dropped_in() const { return dropped_in_; }

 private:
  struct Stack;  // libslirp and its callbacks: its header stays in the .cc file

  UserNet(PortId port, Inbox& inbox);
  Outcome add(const Forward& forward);

  PortId port_;
  Inbox& inbox_;
  std::unique_ptr<Stack> stack_;
  int timeout_ms_ = -1;
  std::atomic<std::uint64_t> dropped_in_{0};
};

}  // namespace lockstitch::world

// A network card's wire to an existing TAP interface of the host. Frames are plain Ethernet, without checksum and
// without the virtio header. Too many frames for the inbox, or for the interface, are dropped and counted.
#pragma once
#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "lockstitch/result.h"
#include "vmm/world/descriptor.h"
#include "vmm/world/endpoint.h"
#include "vmm/world/inbox.h"

namespace lockstitch::world {

class Tap : public Endpoint {
 public:
  /// Fails: no such interface, not a TAP, no permission, in use, no TUN driver.
  static Result<std::unique_ptr<Tap>> open(const std::string& name, PortId port, Inbox& inbox);

  PortId port() const override { return port_; }
  void want(std::vector<pollfd>& fds) override { fds.push_back({fd_.get(), POLLIN, 0}); }
  void ready(std::span<const pollfd> fds) override;
  void send(Bytes payload) override;

  /// Frames for the guest that the inbox had no room for.
  std::uint64_t dropped_in() const { return dropped_in_; }
  /// Frames of the guest that the interface did not take (it is down, or its queue is full).
  std::uint64_t dropped_out() const { return dropped_out_; }

 private:
  Tap(Descriptor fd, PortId port, Inbox& inbox);

  Descriptor fd_;
  PortId port_;
  Inbox& inbox_;
  std::vector<std::uint8_t> frame_;
  std::atomic<std::uint64_t> dropped_in_{0};
  std::atomic<std::uint64_t> dropped_out_{0};
};

}  // namespace lockstitch::world

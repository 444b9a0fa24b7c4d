// What a guest says when it crashes, as sentences: pvpanic's byte, and the numbers of a Windows bug check by the
// Hyper-V interface. The machine runs on: the guest may still write its dump and reboot.
#pragma once
#include <atomic>
#include <string>

#include "vmm/world/endpoint.h"

namespace lockstitch::app {

/// What one effect says; empty: not what such a port sends.
std::string panic_text(Bytes event);
std::string crash_text(Bytes report);

class PanicReport final : public world::Endpoint {
 public:
  using Text = std::string (*)(Bytes);

  PanicReport(PortId port, Text text) : port_(port), text_(text) {}

  PortId port() const override { return port_; }
  void want(std::vector<pollfd>&) override {}
  void ready(std::span<const pollfd>) override {}
  void send(Bytes payload) override;

 private:
  const PortId port_;
  const Text text_;
};

}  // namespace lockstitch::app

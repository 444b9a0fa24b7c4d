// The machine's numbered ports to the world: an arrival finds its device, an effect gets its tick and ordinal and goes
// to the sink. Keeps the rolling digest of all effects. Not here: queues, files, sockets (vmm/world).
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lockstitch/device.h"
#include "lockstitch/sink.h"
#include "vmm/machine/virtual_clock.h"

namespace lockstitch {

class Connections final : public Stateful {
 public:
  explicit Connections(const VirtualClock& clock);
  ~Connections() override;

  /// A new port; numbers start at 1 in call order. Names must differ.
  PortId make(std::string name);
  /// Who takes the arrivals of the port; without it they are dropped.
  void set_handler(PortId port, ArrivalHandler& handler);
  /// The sending side of the port. The reference lives as long as this.
  EffectPort& effects(PortId port);

  std::optional<PortId> find(std::string_view name) const;
  /// Range: a port made here.
  std::string_view name(PortId port) const;
  std::uint16_t count() const { return static_cast<std::uint16_t>(ports_.size()); }

  /// Fails: false when there is no such port, nobody takes its arrivals or the payload is over its limit.
  bool deliver(const Arrival& arrival);

  /// Where effects go. Null between passes of the loop, when no device may emit any.
  void set_sink(Sink* sink) { sink_ = sink; }
  std::uint64_t effects_emitted() const { return emitted_; }

  /// How many effects each port had, and the digest of all.
  void visit(StateVisitor& visitor) override;

 private:
  class Port;

  Port& at(PortId port) const;
  void emit(PortId port, std::uint64_t ordinal, Bytes payload);

  const VirtualClock& clock_;
  std::vector<std::unique_ptr<Port>> ports_;
  Sink* sink_ = nullptr;
  Digest digest_;
  std::uint64_t emitted_ = 0;
};

}  // namespace lockstitch

// See connections.h.
#include "vmm/machine/connections.h"

#include <array>

#include "lockstitch/assert.h"
#include "lockstitch/limits.h"
#include "vmm/machine/state_hasher.h"

namespace lockstitch {

class Connections::Port final : public EffectPort {
 public:
  Port(Connections& owner, PortId port_id, std::string port_name)
      : id(port_id), name(std::move(port_name)), owner_(owner) {}

  void emit(Bytes payload) override {
    LS_ASSERT_CMP(payload.size(), <=, limits::message_max_bytes);
    owner_.emit(id, ordinal++, payload);
  }

  const PortId id;
  const std::string name;
  ArrivalHandler* handler = nullptr;
  std::uint64_t ordinal = 0;

 private:
  Connections& owner_;
};

Connections::Connections(const VirtualClock& clock) : clock_(clock) {}
Connections::~Connections() = default;

PortId Connections::make(std::string name) {
  LS_ASSERT(!find(name));
  LS_ASSERT_CMP(ports_.size(), <, 0xffffu);
  const PortId id{static_cast<std::uint16_t>(ports_.size() + 1)};
  ports_.push_back(std::make_unique<Port>(*this, id, std::move(name)));
  return id;
}

Connections::Port& Connections::at(PortId port) const {
  LS_ASSERT(port.value >= 1 && port.value <= ports_.size());
  return *ports_[port.value - 1];
}

void Connections::set_handler(PortId port, ArrivalHandler& handler) { at(port).handler = &handler; }
EffectPort& Connections::effects(PortId port) { return at(port); }
std::string_view Connections::name(PortId port) const { return at(port).name; }

std::optional<PortId> Connections::find(std::string_view name) const {
  for (const auto& port : ports_) {
    if (port->name == name) return port->id;
  }
  return std::nullopt;
}

bool Connections::deliver(const Arrival& arrival) {
  if (arrival.port == control_port || arrival.port.value > ports_.size()) return false;
  ArrivalHandler* handler = at(arrival.port).handler;
  if (handler == nullptr || arrival.payload.size() > limits::message_max_bytes) return false;
  handler->arrive(arrival.payload);
  return true;
}

void Connections::emit(PortId port, std::uint64_t ordinal, Bytes payload) {
  LS_ASSERT(sink_ != nullptr);
  ++emitted_;
  const Digest contents = hash_bytes(payload);
  const std::uint64_t words[] = {digest_.high,        digest_.low,    port.value,    ordinal,
                                 clock_.tick().value, payload.size(), contents.high, contents.low};
  std::array<std::uint8_t, sizeof words> text;
  std::size_t size = 0;
  for (const std::uint64_t word : words) {
    for (unsigned i = 0; i < 8; ++i) text[size++] = static_cast<std::uint8_t>(word >> (8 * i));
  }
  digest_ = hash_bytes(text);
  sink_->effect({clock_.tick(), port, ordinal, payload});
}

void Connections::visit(StateVisitor& visitor) {
  for (auto& port : ports_) visitor.field(port->name, port->ordinal);
  visitor.field("digest_high", digest_.high);
  visitor.field("digest_low", digest_.low);
}

}  // namespace lockstitch

// See alarms.h. A machine has a few dozen alarms, so a scan is as fast as a heap and simpler.
#include "vmm/machine/alarms.h"

#include "lockstitch/assert.h"

namespace lockstitch {

class Alarms::Alarm final : public AlarmPort {
 public:
  Alarm(Alarms& owner, std::string alarm_name, AlarmHandler& alarm_handler)
      : name(std::move(alarm_name)), handler(alarm_handler), owner_(owner) {}

  void set(VirtualNs at) override {
    const VirtualNs before = deadline;
    deadline = at;
    if (at <= owner_.next_) {
      owner_.next_ = at;
    } else if (before == owner_.next_) {
      owner_.find_next();
    }
  }
  void cancel() override { set(ns_never); }

  const std::string name;
  AlarmHandler& handler;
  VirtualNs deadline = ns_never;
  std::uint64_t last_round = 0;

 private:
  Alarms& owner_;
};

Alarms::Alarms() = default;
Alarms::~Alarms() = default;

AlarmPort& Alarms::make(std::string name, AlarmHandler& handler) {
  for (const auto& other : alarms_) LS_ASSERT(other->name != name);
  return *alarms_.emplace_back(std::make_unique<Alarm>(*this, std::move(name), handler));
}

std::uint64_t Alarms::fire_due(VirtualNs now) {
  if (next_ > now || next_ == ns_never) return 0;
  ++round_;
  std::uint64_t rings = 0;
  for (;;) {
    Alarm* due = nullptr;
    for (auto& alarm : alarms_) {
      if (alarm->deadline > now || alarm->deadline == ns_never || alarm->last_round == round_) continue;
      if (due == nullptr || alarm->deadline < due->deadline) due = alarm.get();
    }
    if (due == nullptr) return rings;
    due->last_round = round_;
    due->cancel();
    due->handler.alarm();
    ++rings;
  }
}

void Alarms::find_next() {
  next_ = ns_never;
  for (const auto& alarm : alarms_) {
    if (alarm->deadline < next_) next_ = alarm->deadline;
  }
}

void Alarms::visit(StateVisitor& visitor) {
  for (auto& alarm : alarms_) visitor.field(alarm->name, alarm->deadline);
  if (visitor.loading()) find_next();
}

void Alarms::loaded() { find_next(); }

}  // namespace lockstitch

// See live_source.h.
#include "vmm/world/live_source.h"

#include <algorithm>

namespace lockstitch::world {

std::optional<Arrival> LiveSource::take(Moment now) {
  if (auto arrival = next_message(now.tick)) return arrival;
  if (clocking_ == Clocking::unpaced) return std::nullopt;
  if (auto advance = pace(now)) return advance;
  return next_message(now.tick);
}

std::optional<Arrival> LiveSource::next_message(Tick now) {
  if (now != batch_tick_) {
    batch_tick_ = now;
    batch_ = 0;
  }
  if (inbox_.empty() || batch_ == batch_max) return std::nullopt;
  std::optional<Message> message = inbox_.pop();
  if (!message) return std::nullopt;
  ++batch_;
  return Arrival{now, message->port, message->control, std::move(message->payload)};
}

std::optional<Arrival> LiveSource::pace(Moment now) {
  // The caller may ask again at this tick with the time from before our advance.
  if (now.tick == advanced_at_) return std::nullopt;
  const PaceAdvice advice = anchored(now.ns).advise(clock_.now(), now.ns);
  switch (advice.kind) {
    case PaceAdvice::Kind::run:
      break;
    case PaceAdvice::Kind::sleep:
      inbox_.wait_until(clock_, advice.sleep_until);
      break;
    case PaceAdvice::Kind::advance:
      advanced_at_ = now.tick;
      return Arrival{now.tick, control_port, {ControlKind::advance_clock, advice.advance_ns}, {}};
  }
  return std::nullopt;
}

Tick LiveSource::idle(Moment now, Moment until) {
  batch_ = 0;  // what was left over may be taken at this tick after all
  if (clocking_ == Clocking::unpaced) {
    const bool nothing_came = until.tick == tick_never ? inbox_.wait_until(clock_, host_never) : inbox_.empty();
    return nothing_came ? until.tick : now.tick;
  }
  Pacer& pacer = anchored(now.ns);
  if (inbox_.wait_until(clock_, until.tick == tick_never ? host_never : pacer.host_when(until.ns))) return until.tick;
  const VirtualNs reached = pacer.virtual_at(clock_.now());
  if (reached <= now.ns) return now.tick;
  return std::min(until.tick, now.tick + (reached - now.ns) / ns_per_tick_);
}

Pacer& LiveSource::anchored(VirtualNs now) {
  if (!pacer_) pacer_.emplace(clock_.now(), now);
  return *pacer_;
}

}  // namespace lockstitch::world

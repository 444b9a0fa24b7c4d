// See virtual_clock.h.
#include "vmm/machine/virtual_clock.h"

#include "lockstitch/assert.h"

namespace lockstitch {
namespace {

/// Unit: nanoseconds. 292 years; below it no sum of a time and an interval wraps.
constexpr std::uint64_t furthest_ns = 1ull << 63;

}  // namespace

VirtualClock::VirtualClock(std::uint64_t ns_per_tick) : line_{ns_per_tick, 0} { LS_ASSERT_CMP(ns_per_tick, >=, 1u); }

Tick VirtualClock::first_tick_at(VirtualNs deadline) const {
  return deadline.value >= furthest_ns ? tick_never : line_.first_tick_at(deadline);
}

Moment VirtualClock::moment_at(Tick tick) const { return {tick, tick == tick_never ? ns_never : line_.at(tick)}; }

void VirtualClock::advance_to(Tick tick) {
  LS_ASSERT_CMP(tick.value, >=, tick_.value);
  tick_ = tick;
}

bool VirtualClock::advance_offset(std::uint64_t ns) {
  if (ns >= furthest_ns || now().value + ns >= furthest_ns) return false;
  line_.offset_ns += ns;
  return true;
}

void VirtualClock::visit(StateVisitor& visitor) {
  visitor.field("tick", tick_);
  visitor.field("ns_per_tick", line_.ns_per_tick);
  visitor.field("offset_ns", line_.offset_ns);
  if (visitor.loading() && (line_.ns_per_tick == 0 || tick_.value >= furthest_ns)) {
    visitor.fail("the clock shows an impossible time");
    line_.ns_per_tick = 1;
  }
}

}  // namespace lockstitch

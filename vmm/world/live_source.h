// Arrivals from the live world: what lies in the inbox gets the tick at which the core takes it. Host time enters here
// and nowhere else, and leaves only as ticks to jump to and as Control advance_clock. One thread: the core's.
#pragma once
#include <cstdint>
#include <optional>

#include "lockstitch/source.h"
#include "vmm/world/host_clock.h"
#include "vmm/world/inbox.h"
#include "vmm/world/pacer.h"

namespace lockstitch::world {

enum class Clocking : std::uint8_t {
  realtime,  ///< `--clock realtime`: virtual time is kept near host time by sleeping and by advances
  unpaced,   ///< `--clock virtual`: virtual time is ticks alone; a halted guest never waits for the host's clock
};

class LiveSource : public Source {
 public:
  /// Unit: messages. At most so many at one tick: a flood of frames must not keep the guest from running.
  static constexpr unsigned batch_max = 256;

  /// `ns_per_tick`: of the machine's ClockLine. Host and virtual time are tied together at the first call.
  LiveSource(Inbox& inbox, HostClock& clock, Clocking clocking, std::uint64_t ns_per_tick)
      : inbox_(inbox), clock_(clock), clocking_(clocking), ns_per_tick_(ns_per_tick) {}

  /// Ties the two together as they were at some moment, instead of at the first call: a guest that others have run
  /// until now catches up with what was lost since.
  void anchor(HostNs host, VirtualNs guest) { pacer_.emplace(host, guest); }

  /// Realtime: a guest that is ahead of the host is held here until they agree or a message comes; one that is behind
  /// gets at most one advance per tick and per millisecond.
  std::optional<Arrival> take(Moment now) override;
  Tick next_known() const override { return tick_never; }
  Tick horizon() const override { return tick_never; }
  /// Realtime: sleeps until the host reaches `until` or a message comes. Unpaced: returns `until` at once unless it is
  /// tick_never, which waits for a message.
  Tick idle(Moment now, Moment until) override;

 private:
  std::optional<Arrival> next_message(Tick now);
  std::optional<Arrival> pace(Moment now);
  Pacer& anchored(VirtualNs now);

  Inbox& inbox_;
  HostClock& clock_;
  Clocking clocking_;
  std::uint64_t ns_per_tick_;
  std::optional<Pacer> pacer_;
  Tick advanced_at_ = tick_never;
  Tick batch_tick_ = tick_never;
  unsigned batch_ = 0;
};

}  // namespace lockstitch::world

// Where arrivals come from: the live world, a log, a peer. The machine cannot tell which (law 3).
#pragma once
#include <optional>

#include "lockstitch/arrival.h"

namespace lockstitch {

class Source {
 public:
  virtual ~Source() = default;

  /// The next arrival due at `now`, or nothing. Called at the top of the loop until it returns nothing.
  /// Order: a returned arrival has tick == now.tick.
  virtual std::optional<Arrival> take(Moment now) = 0;

  /// The tick of the next arrival if it is already known (a log), else tick_never (the live world).
  virtual Tick next_known() const = 0;

  /// The machine may not run past this tick yet. tick_never when nothing bounds it.
  virtual Tick horizon() const = 0;

  /// The CPU is halted at `now` and nothing happens before `until` unless something arrives. Waits as the source sees
  /// fit and returns the tick to jump to, in [now, until]. `until` may be tick_never: then only an arrival ends the wait.
  virtual Tick idle(Moment now, Moment until) = 0;
};

}  // namespace lockstitch

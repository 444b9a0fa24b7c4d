// A source from which nothing ever comes: for tests and benchmarks.
#pragma once
#include "lockstitch/source.h"

namespace lockstitch {

class QuietSource final : public Source {
 public:
  std::optional<Arrival> take(Moment) override { return std::nullopt; }
  Tick next_known() const override { return tick_never; }
  Tick horizon() const override { return tick_never; }
  Tick idle(Moment, Moment until) override { return until.tick; }
};

}  // namespace lockstitch

// How far a run to a given tick has come, on a terminal that shows nothing else. Silent everywhere else.
#pragma once
#include <chrono>

#include "lockstitch/tick.h"

namespace lockstitch::app {

class Progress {
 public:
  /// `wanted`: nothing of the guest is shown on the terminal and the person has not asked for quiet.
  Progress(bool wanted, Tick start, Tick goal);
  ~Progress() { clear(); }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  /// Cheap; shows something once a second.
  void reached(Moment now);
  void clear();

 private:
  using Clock = std::chrono::steady_clock;

  const bool on_;
  const Tick start_tick_, goal_;
  const Clock::time_point start_ = Clock::now();
  Clock::time_point next_ = start_ + std::chrono::seconds(1);
  bool shown_ = false;
};

}  // namespace lockstitch::app

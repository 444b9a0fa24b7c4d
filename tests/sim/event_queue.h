// Simulated host time: what happens next, in the order of (time, when it was planned).
#pragma once
#include <algorithm>
#include <functional>
#include <utility>
#include <vector>

#include "sync/replica/failure_detector.h"

namespace lockstitch::sim {

using sync::HostTime;
using sync::ms;
inline constexpr HostTime us = 1000, s = 1'000'000'000;

class EventQueue {
 public:
  HostTime now() const { return now_; }

  void after(HostTime delay, std::function<void()> what) {
    heap_.push_back({now_ + delay, planned_++, std::move(what)});
    std::push_heap(heap_.begin(), heap_.end(), later);
  }

  /// False: nothing is planned.
  bool run_one() {
    if (heap_.empty()) return false;
    std::pop_heap(heap_.begin(), heap_.end(), later);
    Event event = std::move(heap_.back());
    heap_.pop_back();
    now_ = event.time;
    event.what();
    return true;
  }

 private:
  struct Event {
    HostTime time;
    std::uint64_t order;
    std::function<void()> what;
  };
  static bool later(const Event& a, const Event& b) { return a.time != b.time ? a.time > b.time : a.order > b.order; }

  HostTime now_ = 0;
  std::uint64_t planned_ = 0;
  std::vector<Event> heap_;
};

}  // namespace lockstitch::sim

// Host time in a test: it passes only when the code under test waits or the test says so, and things can be made to
// happen at a moment.
#pragma once
#include <algorithm>
#include <cstdint>
#include <functional>
#include <map>
#include <stdexcept>

#include "vmm/world/host_clock.h"

namespace lockstitch::test {

using world::host_never;
using world::HostNs;

class FakeClock : public world::HostClock {
 public:
  explicit FakeClock(std::uint64_t start_ns = 5'000'000'000) : now_{start_ns} {}

  HostNs now() override { return now_; }

  void wait(std::unique_lock<std::mutex>& lock, std::condition_variable&, HostNs deadline) override {
    lock.unlock();
    ++waits;
    if (!events_.empty() && events_.begin()->first <= deadline) {
      now_ = std::max(now_, events_.begin()->first);
      run_due();
    } else if (deadline == host_never) {
      throw std::logic_error("this wait would never end");
    } else {
      now_ = deadline + oversleep_ns;
      run_due();
    }
    lock.lock();
  }

  void at(HostNs when, std::function<void()> what) { events_.emplace(when, std::move(what)); }
  void pass(std::uint64_t ns) {
    now_ = now_ + ns;
    run_due();
  }

  std::uint64_t oversleep_ns = 0;  ///< how late the host wakes a sleeper
  std::uint64_t waits = 0;

 private:
  void run_due() {
    while (!events_.empty() && events_.begin()->first <= now_) {
      auto what = std::move(events_.begin()->second);
      events_.erase(events_.begin());
      what();
    }
  }

  HostNs now_;
  std::multimap<HostNs, std::function<void()>> events_;
};

}  // namespace lockstitch::test

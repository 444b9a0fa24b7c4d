// Ends KVM_RUN at a host time: a timer of the thread that runs the guest. Works whether the signal comes before or
// during the call, because it leaves a mark in the run area (immediate_exit).
#pragma once
#include <cstdint>
#include <ctime>

#include "lockstitch/result.h"
#include "vmm/engine/kvm/linux_kvm.h"

namespace lockstitch::kvm {

/// Unit: ns, of a clock that never goes back.
std::uint64_t host_now_ns();

class Kick {
 public:
  explicit Kick(kvm_run& area) : area_(area) {}
  ~Kick();
  Kick(const Kick&) = delete;
  Kick& operator=(const Kick&) = delete;

  /// Once, after so long. Order: on the thread that runs the guest. Unit: ns, at least 1.
  void arm(std::uint64_t after_ns);
  void disarm();

 private:
  void make_timer();

  kvm_run& area_;
  timer_t timer_{};
  long thread_ = 0;  ///< the timer's; 0: there is none yet
  bool armed_ = false;
};

}  // namespace lockstitch::kvm

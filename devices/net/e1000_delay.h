// The pair of timers that hold back one interrupt cause of the network card: one restarts with every event, one limits
// the whole wait. Not here: the gap between interrupts of any cause (e1000.cc). Source: 8254x SDM 3.2.7, 3.4.3.
#pragma once
#include <algorithm>
#include <cstdint>

#include "lockstitch/state.h"

namespace lockstitch {

class E1000Delay {
 public:
  /// An event. `absolute_ns` 0: no limit.
  void event(VirtualNs now, std::uint64_t relative_ns, std::uint64_t absolute_ns) {
    if (absolute_ns != 0 && absolute_ns_ == ns_never) absolute_ns_ = now + absolute_ns;
    relative_ns_ = now + relative_ns;
  }
  void cancel() { relative_ns_ = absolute_ns_ = ns_never; }
  bool running() const { return relative_ns_ != ns_never; }
  VirtualNs deadline() const { return std::min(relative_ns_, absolute_ns_); }
  /// True: the wait is over, and so is this pair.
  bool expire(VirtualNs now) {
    if (deadline() > now) return false;
    cancel();
    return true;
  }
  void visit(StateVisitor& v) {
    v.field("relative_ns", relative_ns_);
    v.field("absolute_ns", absolute_ns_);
  }

 private:
  VirtualNs relative_ns_ = ns_never, absolute_ns_ = ns_never;
};

}  // namespace lockstitch

// One wish that the machine end, from wherever it comes: escape key, signal, host trouble, the application. It reaches
// the core as an arrival and frees the core where it may be waiting for the world. Safe from every thread; asking twice
// is once.
#pragma once
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>

#include "vmm/world/inbox.h"
#include "vmm/world/outbox.h"

namespace lockstitch::world {

/// The argument of Control stop.
enum class StopReason : std::uint64_t { application = 0, escape_key = 1, signal = 2, trouble = 3 };

class StopRequest {
 public:
  StopRequest(Inbox& inbox, Outbox& outbox) : inbox_(inbox), outbox_(outbox) {}

  /// Before anybody asks. From then on the wish goes there and not to the core: the guest's end is not ours to decide
  /// alone.
  void redirect(std::function<void(StopReason)> to) { redirected_ = std::move(to); }
  /// The first call decides the reason.
  void ask(StopReason reason);
  bool asked() const;
  /// Waits until somebody asks or the time is over; returns asked().
  bool wait_ms(unsigned milliseconds);

 private:
  Inbox& inbox_;
  Outbox& outbox_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  bool asked_ = false;
  std::function<void(StopReason)> redirected_;
};

}  // namespace lockstitch::world

// See stop_request.h.
#include "vmm/world/stop_request.h"

#include <chrono>

#include "lockstitch/assert.h"

namespace lockstitch::world {

void StopRequest::ask(StopReason reason) {
  if (redirected_) return redirected_(reason);
  std::lock_guard lock(mutex_);
  if (asked_) return;
  asked_ = true;
  const bool pushed = inbox_.try_push({control_port, {ControlKind::stop, static_cast<std::uint64_t>(reason)}, {}});
  LS_ASSERT(pushed);  // the inbox keeps a place for it
  outbox_.release();
  changed_.notify_all();
}

bool StopRequest::asked() const {
  std::lock_guard lock(mutex_);
  return asked_;
}

bool StopRequest::wait_ms(unsigned milliseconds) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, std::chrono::milliseconds(milliseconds), [this] { return asked_; });
  return asked_;
}

}  // namespace lockstitch::world

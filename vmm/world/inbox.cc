// See inbox.h.
#include "vmm/world/inbox.h"

#include <utility>

#include "lockstitch/assert.h"

namespace lockstitch::world {

namespace {
std::size_t room_for(const Message& message) {
  if (message.port != control_port) return limits::queue_max_messages - Inbox::control_reserve;
  // The last place is for the one stop that StopRequest sends.
  return limits::queue_max_messages - (message.control.kind == ControlKind::stop ? 0 : 1);
}
}  // namespace

bool Inbox::try_push(Message&& message) {
  LS_ASSERT_CMP(message.payload.size(), <=, limits::message_max_bytes);
  std::lock_guard lock(mutex_);
  if (deaf_ && message.port != control_port) return true;
  if (queue_.size() >= room_for(message)) return false;
  queue_.push_back(std::move(message));
  count_.store(queue_.size(), std::memory_order_release);
  if (queue_.size() == 1) arrived_.notify_one();
  return true;
}

std::optional<Message> Inbox::pop() {
  std::lock_guard lock(mutex_);
  if (queue_.empty()) return std::nullopt;
  Message message = std::move(queue_.front());
  queue_.pop_front();
  count_.store(queue_.size(), std::memory_order_release);
  return message;
}

bool Inbox::wait_until(HostClock& clock, HostNs deadline) {
  std::unique_lock lock(mutex_);
  while (queue_.empty() && !nudged_ && clock.now() < deadline) clock.wait(lock, arrived_, deadline);
  const bool nudged = std::exchange(nudged_, false);
  return queue_.empty() && !nudged;
}

void Inbox::set_deaf(bool deaf) {
  std::lock_guard lock(mutex_);
  deaf_ = deaf;
}

void Inbox::nudge() {
  std::lock_guard lock(mutex_);
  nudged_ = true;
  arrived_.notify_one();
}

}  // namespace lockstitch::world

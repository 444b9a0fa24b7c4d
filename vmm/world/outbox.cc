// See outbox.h.
#include "vmm/world/outbox.h"

#include <unistd.h>

#include "lockstitch/assert.h"

namespace lockstitch::world {

bool Outbox::try_push(Tick tick, PortId port, Bytes payload) {
  std::lock_guard lock(mutex_);
  if (queue_.size() >= limits::queue_max_messages) return false;
  append(tick, port, payload);
  return true;
}

bool Outbox::push_stream(Tick tick, PortId port, Bytes payload) {
  std::unique_lock lock(mutex_);
  Stream& stream = streams_[port];
  const auto has_room = [&] {
    return queue_.size() < limits::queue_max_messages && stream.queued_bytes + stream.backlog_bytes < stream_max_bytes;
  };
  room_.wait(lock, [&] { return has_room() || released_; });
  if (!has_room()) return false;
  stream.queued_bytes += payload.size();
  if (!queue_.empty() && queue_.back().port == port &&
      queue_.back().payload.size() + payload.size() <= stream_gather_bytes) {
    auto& last = queue_.back().payload;
    last.insert(last.end(), payload.begin(), payload.end());
    queue_.back().tick = tick;
  } else {
    append(tick, port, payload);
  }
  return true;
}

void Outbox::append(Tick tick, PortId port, Bytes payload) {
  LS_ASSERT_CMP(payload.size(), <=, limits::message_max_bytes);
  queue_.push_back({tick, port, {payload.begin(), payload.end()}});
  if (queue_.size() > 1 || wake_fd_ < 0) return;
  const std::uint64_t one = 1;
  // The eventfd cannot overflow: the world clears it, and at most one write is outstanding per take().
  [[maybe_unused]] const auto written = ::write(wake_fd_, &one, sizeof one);
}

void Outbox::set_wake_fd(int fd) {
  std::lock_guard lock(mutex_);
  wake_fd_ = fd;
}

bool Outbox::empty() {
  std::lock_guard lock(mutex_);
  return queue_.empty();
}

void Outbox::take(std::vector<Departure>& out) {
  out.clear();
  std::lock_guard lock(mutex_);
  out.swap(queue_);
  for (auto& [port, stream] : streams_) stream.queued_bytes = 0;
  room_.notify_all();
}

void Outbox::set_stream_backlog(PortId port, std::size_t bytes) {
  std::lock_guard lock(mutex_);
  streams_[port].backlog_bytes = bytes;
  room_.notify_all();
}

void Outbox::release() {
  std::lock_guard lock(mutex_);
  released_ = true;
  room_.notify_all();
}

}  // namespace lockstitch::world

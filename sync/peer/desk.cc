// See desk.h.
#include "sync/peer/desk.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "lockstitch/assert.h"

namespace lockstitch::sync {
namespace {

void ring_fd(int fd) {
  const std::uint64_t one = 1;
  // An eventfd cannot overflow here: whoever reads it clears it.
  [[maybe_unused]] const auto written = ::write(fd, &one, sizeof one);
}

void clear_fd(int fd) {
  std::uint64_t count = 0;
  [[maybe_unused]] const auto got = ::read(fd, &count, sizeof count);
}

}  // namespace

Desk::Desk()
    : release_fd_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)), bell_fd_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
  LS_ASSERT(release_fd_ && bell_fd_);
}

// ---- Log

void Desk::Log::append(Entry entry) {
  if (const auto queue = desk_.queue()) {
    queue->append(std::move(entry));
    if (!desk_.log_waits_.exchange(true, std::memory_order_acq_rel)) desk_.ring();
  }
}

void Desk::Log::passed(Tick tick) {
  if (!desk_.has_queue_.load(std::memory_order_relaxed)) return;
  if (const auto queue = desk_.queue()) queue->passed(tick);
}

std::shared_ptr<LogQueue> Desk::queue() const {
  if (!has_queue_.load(std::memory_order_acquire)) return nullptr;
  std::lock_guard lock(mutex_);
  return queue_;
}

void Desk::begin_log(Tick from) {
  std::lock_guard lock(mutex_);
  if (!at_the_same_join()) return;
  auto queue = std::make_shared<LogQueue>();
  // Nothing of an earlier tick will come: as if the tick before had been passed.
  if (from.value > 0) queue->passed({from.value - 1});
  queue_ = std::move(queue);
  has_queue_.store(true, std::memory_order_release);
}

void Desk::end_log() {
  std::shared_ptr<LogQueue> queue;
  {
    std::lock_guard lock(mutex_);
    queue = std::move(queue_);
    queue_.reset();
    has_queue_.store(false, std::memory_order_release);
  }
  if (queue) queue->release();
}

bool Desk::logging() const { return has_queue_.load(std::memory_order_acquire); }

bool Desk::take_log(std::vector<Entry>& entries) {
  log_waits_.store(false, std::memory_order_release);
  const auto queue = this->queue();
  return queue != nullptr && queue->take(entries);
}

// ---- Orders and reports

std::optional<Order> Desk::next_order() {
  std::lock_guard lock(mutex_);
  if (orders_.empty()) return std::nullopt;
  Order order = std::move(orders_.front());
  orders_.pop_front();
  core_life_ = order.life;
  core_join_ = order.join;
  orders_waiting_.store(!orders_.empty(), std::memory_order_release);
  return order;
}

bool Desk::end_waits() const {
  std::lock_guard lock(mutex_);
  return std::any_of(orders_.begin(), orders_.end(), [](const Order& order) { return order.kind == OrderKind::end; });
}

void Desk::order(Order order) {
  {
    std::lock_guard lock(mutex_);
    leaving_ = order.kind == OrderKind::discard || order.kind == OrderKind::end;
    switch (order.kind) {
      case OrderKind::cold_start:
      case OrderKind::begin_receiving:
        ++life_;
        reports_.clear();
        [[fallthrough]];
      case OrderKind::begin_join:
      case OrderKind::end_join:
      case OrderKind::discard:
        ++join_;
        forget();
        break;
      case OrderKind::take_over:
      case OrderKind::freeze:
      case OrderKind::thaw:
      case OrderKind::end:
        break;
    }
    order.life = life_;
    order.join = join_;
    orders_.push_back(std::move(order));
    orders_waiting_.store(true, std::memory_order_release);
  }
  wake_core();
}

void Desk::set_waker(std::function<void(bool)> wake) {
  std::lock_guard lock(mutex_);
  wake_ = std::move(wake);
}

void Desk::wake_core() {
  std::lock_guard lock(mutex_);
  changed_.notify_all();
  if (wake_) wake_(leaving_);
}

void Desk::wait_ms(unsigned milliseconds) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, std::chrono::milliseconds(milliseconds),
                    [this] { return !orders_.empty() || !entries_.empty() || !parts_in_.empty(); });
}

void Desk::report(CoreReport report) {
  {
    std::lock_guard lock(mutex_);
    if (core_life_ != life_) return;
    reports_.push_back(std::move(report));
  }
  ring();
}

std::vector<CoreReport> Desk::take_reports() {
  std::lock_guard lock(mutex_);
  return std::exchange(reports_, {});
}

void Desk::fail(const std::string& why) {
  {
    std::lock_guard lock(mutex_);
    failure_ = why;
  }
  order({OrderKind::end, why, std::nullopt});
}

std::string Desk::failure() const {
  std::lock_guard lock(mutex_);
  return failure_;
}

// ---- Entries and parts for the core

void Desk::deliver(std::vector<Entry> entries, Tick sent_until) {
  leader_sent_until_.store(sent_until.value, std::memory_order_release);
  if (entries.empty()) return;
  {
    std::lock_guard lock(mutex_);
    for (Entry& entry : entries) entries_.push_back(std::move(entry));
  }
  changed_.notify_all();
}

bool Desk::take_entries(std::vector<Entry>& entries) {
  entries.clear();
  std::lock_guard lock(mutex_);
  if (!at_the_same_join()) return false;
  entries.swap(entries_);
  return !entries.empty();
}

Outcome Desk::deliver_part(Bytes part) {
  auto decoded = decode_join_part(part);
  if (!decoded.ok()) return decoded.error();
  {
    std::lock_guard lock(mutex_);
    parts_in_.emplace_back(std::move(decoded).value(), part.size());
    parts_in_bytes_ += part.size();
  }
  wake_core();
  return success();
}

std::optional<JoinPart> Desk::take_part() {
  if (parts_in_bytes() == 0) return std::nullopt;
  std::lock_guard lock(mutex_);
  if (parts_in_.empty() || !at_the_same_join()) return std::nullopt;
  auto [part, bytes] = std::move(parts_in_.front());
  parts_in_.pop_front();
  parts_in_bytes_ -= bytes;
  return std::move(part);
}

// ---- Parts for the peer

void Desk::send_part(const JoinPart& part) {
  auto bytes = encode(part);
  {
    std::lock_guard lock(mutex_);
    if (!at_the_same_join()) return;
    parts_out_bytes_ += bytes.size();
    parts_out_.push_back(std::move(bytes));
  }
  ring();
}

std::optional<std::vector<std::uint8_t>> Desk::take_outgoing_part() {
  std::lock_guard lock(mutex_);
  if (parts_out_.empty()) return std::nullopt;
  auto part = std::move(parts_out_.front());
  parts_out_.pop_front();
  return part;
}

bool Desk::parts_wait() const {
  std::lock_guard lock(mutex_);
  return !parts_out_.empty();
}

void Desk::part_sent(std::size_t bytes) {
  const bool was_full = !room();
  parts_out_bytes_ -= std::min(bytes, parts_out_bytes_.load());
  if (was_full && room()) wake_core();
}

/// Order: under the lock.
void Desk::forget() {
  parts_out_.clear();
  parts_in_.clear();
  entries_.clear();
  parts_out_bytes_ = parts_in_bytes_ = 0;
}

// ---- Bells

void Desk::ring() {
  if (!rung_.exchange(true, std::memory_order_acq_rel)) ring_fd(bell_fd_.get());
}

void Desk::hurry() {
  if (!logging()) return;
  hurry_.store(true, std::memory_order_release);
  ring();
}

void Desk::quit() {
  quitting_.store(true, std::memory_order_release);
  ring_fd(bell_fd_.get());
}

void Desk::clear_bell() {
  clear_fd(bell_fd_.get());
  rung_.store(false, std::memory_order_release);
}

void Desk::release(Tick until) {
  if (released_.exchange(until.value, std::memory_order_acq_rel) != until.value) ring_fd(release_fd_.get());
}

void Desk::clear_release_fd() { clear_fd(release_fd_.get()); }

}  // namespace lockstitch::sync

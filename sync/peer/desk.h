// What the core, which runs the machine, and the link's thread, which runs the replica, share: orders one way, reports
// the other way, parts of a machine and entries of the log both ways. Nothing else of either is seen by the other.
#pragma once
#include <sys/eventfd.h>

#include <array>
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "sync/log/entry.h"
#include "sync/log/file_bytes.h"
#include "sync/log/header.h"
#include "sync/log/log_queue.h"
#include "sync/peer/join_part.h"

namespace lockstitch::sync {

enum class OrderKind : std::uint8_t {
  cold_start,       ///< make a machine and run it from power-on
  begin_receiving,  ///< make a machine like `machine` and take parts
  begin_join,       ///< send the machine to a standby, then the log
  end_join,         ///< stop either
  take_over,        ///< execute what was received, then run live
  freeze,
  thaw,
  discard,  ///< the machine is not ours any more
  end,      ///< the process is to end
};

struct Order {
  OrderKind kind = OrderKind::end;
  std::string why;
  std::optional<Header> machine;
  std::uint64_t life = 0, join = 0;  ///< the desk's business
};

/// From the core.
struct CoreReport {
  enum class Kind : std::uint8_t { joined, frozen, step_down, ended, took_over };
  Kind kind = Kind::joined;
  std::string why;
  Tick tick;
};

/// For people.
struct CoreFigures {
  std::atomic<std::uint64_t> tick{0};  ///< where the machine stands
  std::atomic<std::uint64_t> virtual_ns{0};
  std::atomic<std::uint64_t> last_agreement{0};  ///< of a follower: the latest digest that was equal
  std::atomic<std::uint64_t> digests_compared{0};
  std::atomic<std::uint64_t> join_done_bytes{0}, join_total_bytes{0};
  std::atomic<std::uint64_t> blackout_ns{0};  ///< of the latest join: how long the guest stood still at its end
};

/// The two threads are never at the same place: when the link has given up a join, or a machine, the core may still be
/// busy with it. What belongs to an earlier join or an earlier machine than the link's latest order is neither taken
/// nor given here, so that neither side has to think of it.
class Desk {
 public:
  /// Unit: bytes. Parts on their way to the peer; a sender waits past it.
  static constexpr std::size_t parts_max_bytes = 16u << 20;

  Desk();

  // ---- The core's side

  /// Why the process ends with an error; empty: it does not.
  std::string failure() const;
  /// Cheap.
  bool has_orders() const { return orders_waiting_.load(std::memory_order_acquire); }
  std::optional<Order> next_order();
  /// One of the orders that wait is that the process ends.
  bool end_waits() const;
  /// Returns when there is an order, an entry or a part, when it is thawed, or after `milliseconds`.
  void wait_ms(unsigned milliseconds);
  /// Appends to `entries`. False: there are none.
  bool take_entries(std::vector<Entry>& entries);
  std::optional<JoinPart> take_part();
  void report(CoreReport report);

  void send_part(const JoinPart& part);
  /// There is room for another part.
  bool room() const { return parts_out_bytes_.load(std::memory_order_acquire) < parts_max_bytes; }
  /// From now on what the log() is given goes to the follower.
  void begin_log(Tick from);
  LogStream& log() { return log_; }
  /// An effect waits: whatever stands before it in the log must go now.
  void hurry();
  /// The link's thread is to end.
  void quit();
  /// Unit: permille of its time that the core should rest.
  unsigned rest_permille() const { return rest_permille_.load(std::memory_order_relaxed); }

  // ---- The world's side

  Tick released() const { return {released_.load(std::memory_order_acquire)}; }
  /// Readable when released() has changed.
  int release_fd() const { return release_fd_.get(); }
  void clear_release_fd();
  void set_sent_until(Tick tick) { sent_until_.store(tick.value, std::memory_order_release); }

  // ---- The link's side

  /// What wakes the core where it may be waiting for the world, for good if it is `leaving` its machine; nothing:
  /// nobody to wake.
  void set_waker(std::function<void(bool leaving)> wake);
  void order(Order order);
  /// The process is to end, and to say why.
  void fail(const std::string& why);
  void deliver(std::vector<Entry> entries, Tick sent_until);
  /// Fails: damage.
  Outcome deliver_part(Bytes part);
  std::size_t parts_in_bytes() const { return parts_in_bytes_.load(std::memory_order_acquire); }
  void release(Tick until);
  /// What the core has recorded since the last call; false: nothing.
  bool take_log(std::vector<Entry>& entries);
  /// The core has recorded something since the last take_log(), and whether an effect waits for it.
  bool log_waits() const { return log_waits_.load(std::memory_order_acquire); }
  bool take_hurry() { return hurry_.exchange(false, std::memory_order_acq_rel); }
  /// The core does not wait for the log any more and what it records goes nowhere.
  void end_log();
  bool logging() const;
  std::optional<std::vector<std::uint8_t>> take_outgoing_part();
  bool parts_wait() const;
  void part_sent(std::size_t bytes);
  std::vector<CoreReport> take_reports();
  /// Readable when the core has something: parts, reports, log in a hurry.
  int bell_fd() const { return bell_fd_.get(); }
  void clear_bell();
  Tick sent_until() const { return {sent_until_.load(std::memory_order_acquire)}; }
  void set_rest(unsigned permille) { rest_permille_.store(permille, std::memory_order_relaxed); }
  bool quitting() const { return quitting_.load(std::memory_order_acquire); }

  // ---- Of a follower's core

  /// The leader's: effects of earlier ticks have left its host.
  Tick leader_sent_until() const { return {leader_sent_until_.load(std::memory_order_acquire)}; }

  CoreFigures figures;

 private:
  /// The recorder's log, which leads to nobody most of the time.
  class Log final : public LogStream {
   public:
    explicit Log(Desk& desk) : desk_(desk) {}
    void append(Entry entry) override;
    void passed(Tick tick) override;

   private:
    Desk& desk_;
  };

  void ring();
  void wake_core();
  void forget();
  bool at_the_same_join() const { return core_join_ == join_; }
  std::shared_ptr<LogQueue> queue() const;

  Log log_{*this};
  FileHandle release_fd_, bell_fd_;
  std::atomic<bool> rung_{false}, log_waits_{false}, hurry_{false}, quitting_{false};
  std::atomic<bool> orders_waiting_{false};
  std::atomic<std::uint64_t> released_{~std::uint64_t{0}}, sent_until_{0}, leader_sent_until_{0};
  std::atomic<unsigned> rest_permille_{0};
  std::atomic<std::size_t> parts_out_bytes_{0}, parts_in_bytes_{0};
  std::atomic<bool> has_queue_{false};

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::function<void(bool)> wake_;
  bool leaving_ = false;
  // Of machines, and of joins: the link's latest, and the one that the core has taken up.
  std::uint64_t life_ = 0, core_life_ = 0, join_ = 0, core_join_ = 0;
  std::string failure_;
  std::deque<Order> orders_;
  std::vector<Entry> entries_;
  std::deque<std::pair<JoinPart, std::size_t>> parts_in_;
  std::deque<std::vector<std::uint8_t>> parts_out_;
  std::vector<CoreReport> reports_;
  std::shared_ptr<LogQueue> queue_;
};

}  // namespace lockstitch::sync

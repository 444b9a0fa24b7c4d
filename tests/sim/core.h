// The side of a replica's process that runs the machine: as leader with the real recorder, as follower with the real
// replayer. It works at its own pace, and takes orders in their order when it comes to it.
#pragma once
#include <deque>
#include <memory>
#include <optional>
#include <variant>
#include <vector>

#include "sync/log/log_queue.h"
#include "sync/replica/action.h"
#include "sync/tape/checker.h"
#include "sync/tape/recorder.h"
#include "sync/tape/replayer.h"
#include "tests/sim/gate.h"
#include "tests/sim/scenario.h"
#include "tests/sim/toy_machine.h"

namespace lockstitch::sim {

/// Entries for the follower's machine, decoded.
struct Followed {
  std::vector<sync::Entry> entries;
  Tick sent_until;
};
using Order = std::variant<sync::ColdStart, sync::BeginJoin, sync::EndJoin, sync::BeginReceiving, sync::Deliver,
                           Followed, sync::TakeOver, sync::Freeze, sync::Thaw, sync::Discard>;

/// The sums of one machine by tick, kept for all time.
struct History {
  Tick from;
  std::vector<std::uint64_t> sums;
};

class Core {
 public:
  enum class Mode : std::uint8_t { empty, receiving, following, taking_over, leading };

  /// Whatever is outside of the core.
  class World {
   public:
    virtual ~World() = default;
    virtual bool dead() const = 0;
    virtual HostTime now() = 0;
    virtual Random& random() = 0;
    virtual const Scenario& scenario() = 0;
    virtual Disk& disk() = 0;
    virtual std::uint64_t new_life() = 0;
    virtual std::uint64_t keep(std::shared_ptr<History> history) = 0;
    virtual std::shared_ptr<History> history(std::uint64_t number) = 0;
    /// The machine is to run on as leader, with this disk.
    virtual void cold_starts() = 0;
    virtual void took_over() = 0;
    virtual Gate& gate() = 0;
    /// The log should leave now.
    virtual void hurry() = 0;
    virtual void send_part(std::vector<std::uint8_t> part) = 0;
    /// The machine of the n-th BeginReceiving or Discard is whole.
    virtual void joined(std::uint64_t n) = 0;
    virtual void frozen(Tick tick) = 0;
  };

  explicit Core(World& world) : world_(world) {}

  void order(Order order) { orders_.push_back(std::move(order)); }
  /// Some host time has passed.
  void run();
  /// A client's request reaches the machine's host.
  void request(RequestId id) { requests_.push_back(id); }

  // The link's side.
  bool take_log(std::vector<sync::Entry>& out) { return log_ && log_->take(out); }
  void end_log() { log_.reset(); }
  Tick sent_until();
  Tick executed() const { return guest_ ? guest_->machine->tick() : Tick{}; }
  Mode mode() const { return mode_; }
  bool frozen() const { return frozen_; }
  bool ended() const { return guest_ && guest_->machine->ended(); }
  std::uint64_t life() const { return guest_ ? guest_->machine->life() : 0; }
  /// Of a follower.
  Tick leader_sent_until() const { return leader_sent_until_; }

 private:
  class Live;
  class Tape;
  class Outlet;
  class Shadow;
  class Losing;

  struct Guest {
    std::unique_ptr<ToyMachine> machine;
    std::shared_ptr<History> history, leaders;
    std::uint64_t history_number = 0;
    std::unique_ptr<Source> live;
    std::unique_ptr<sync::LogStream> tape;
    std::unique_ptr<Sink> outlet;
    std::unique_ptr<sync::RecordingSource> source;
    std::unique_ptr<sync::RecordingSink> sink;
    std::unique_ptr<sync::ReplayCursor> cursor;
    std::unique_ptr<Sink> shadow;
    std::unique_ptr<sync::ReplayingSource> replaying;
    std::unique_ptr<Source> losing;
    std::unique_ptr<sync::CheckingSink> checking;
  };

  void take(sync::ColdStart&);
  void take(sync::BeginJoin&);
  void take(sync::EndJoin&);
  void take(sync::BeginReceiving&);
  void take(sync::Deliver& deliver);
  void take(Followed& followed);
  void take(sync::TakeOver&);
  void take(sync::Freeze&);
  void take(sync::Thaw&);
  void take(sync::Discard&);

  void begin_history();
  void remember();
  void lead();
  void run_live();
  void send_machine();
  void follow(std::uint64_t ticks, Tick limit);
  void forget_sent();
  void went_live();

  World& world_;
  std::deque<Order> orders_;
  Mode mode_ = Mode::empty;
  std::optional<Guest> guest_;
  bool frozen_ = false;
  std::uint64_t machines_ = 0;
  HostTime ran_until_ = 0;
  std::deque<RequestId> requests_;

  // Of a leader to whom somebody joins.
  std::unique_ptr<sync::LogQueue> log_;
  bool inviting_ = false, noted_ = false;
  unsigned parts_left_ = 0;

  // Of a follower.
  std::deque<Emitted> shadow_;
  Tick leader_sent_until_;
};

}  // namespace lockstitch::sim

// One run of the monitor on a host, from start to death: the real replica, its core, its gate and its end of the link.
// Carries out what the replica wants, as sync/peer does in real life.
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sync/log/entry_codec.h"
#include "sync/replica/replica.h"
#include "tests/sim/core.h"
#include "tests/sim/gate.h"
#include "tests/sim/network.h"
#include "tests/sim/outside.h"

namespace lockstitch::sim {

struct Host;
class Pair;

class Process final : public Core::World {
 public:
  Process(Pair& pair, Host& host, sync::ReplicaOptions options);

  // What happens to it; never while it is stopped.
  void time_passes();
  void core_runs();
  void dials();
  void heard(const std::shared_ptr<Connection>& connection, Packet packet);
  void leaves() { gate_.leave(); }
  void request(RequestId id);
  void faulted(Fault fault);
  /// The connection breaks, and this side is told.
  void loses_link();

  /// Dies after so many more actions of its replica.
  void doom(unsigned actions) { doom_ = actions; }
  /// Its memory is gone; nothing of it may act any more.
  void die(bool power_failure);

  const sync::Replica& replica() const { return replica_; }
  const Core& core() const { return core_; }
  const Incarnation& name() const { return name_; }
  std::string describe() const;

  // Core::World
  bool dead() const override { return dead_; }
  HostTime now() override;
  Random& random() override;
  const Scenario& scenario() override;
  Disk& disk() override;
  std::uint64_t new_life() override;
  std::uint64_t keep(std::shared_ptr<History> history) override;
  std::shared_ptr<History> history(std::uint64_t number) override;
  void cold_starts() override;
  void took_over() override;
  Gate& gate() override { return gate_; }
  void hurry() override { flush(false); }
  void send_part(std::vector<std::uint8_t> part) override;
  void joined(std::uint64_t n) override;
  void frozen(Tick tick) override;

 private:
  void perform(sync::Replica::Actions actions);
  void carry_out(sync::Send& send);
  void carry_out(sync::CloseLink& close);
  void carry_out(sync::Persist& persist);
  void carry_out(sync::RaiseTerm& raise);
  void carry_out(sync::LookAtTerm&);
  void carry_out(sync::ColdStart& order) { core_.order(order); }
  void carry_out(sync::BeginJoin&);
  void carry_out(sync::EndJoin&);
  void carry_out(sync::BeginReceiving&);
  void carry_out(sync::Deliver& deliver) { core_.order(std::move(deliver)); }
  void carry_out(sync::Follow& follow);
  void carry_out(sync::TakeOver& order);
  void carry_out(sync::Release& release) { gate_.release(release.until); }
  void carry_out(sync::Freeze& order) { core_.order(order); }
  void carry_out(sync::Thaw& order) { core_.order(order); }
  void carry_out(sync::Discard& discard);
  void carry_out(sync::Report& report);

  void say(sync::Message message);
  /// Sends what was recorded; when nothing was, only as a sign of life or if `anyway`.
  void flush(bool anyway);
  std::vector<std::uint8_t> encode(std::vector<sync::Entry> entries);
  void drop_link();
  void hear_arbiter(const sync::ClaimAnswer& answer);
  void watch_the_end();
  /// `what` happens to this process a little later, if it still lives then.
  void later(HostTime delay, std::function<void()> what);

  Pair& pair_;
  Host& host_;
  const Incarnation name_;
  sync::Replica replica_;
  Gate gate_;
  Core core_;
  bool dead_ = false, farewell_ = false;
  unsigned doom_ = 0;

  std::shared_ptr<Connection> link_, dialed_;
  HostTime dialed_at_ = 0;

  Tick known_until_;
  HostTime last_log_ = 0;
  std::vector<sync::Entry> taken_;
  sync::EntryEncoder encoder_;
  sync::EntryDecoder decoder_;
  std::uint64_t machines_ = 0;  ///< BeginReceiving and Discard so far
};

}  // namespace lockstitch::sim

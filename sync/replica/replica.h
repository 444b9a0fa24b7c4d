// One replica of a protected guest as a state machine: something happened, now, and these actions follow. No sockets,
// threads, clocks or files: the same code runs in production (sync/peer) and in the simulation (tests/sim).
//
// Safety rests on three rules. A replica runs the guest without its peer only in a term that it raised itself at the
// arbiter, from the term in which it led or followed in sync. While it leads with a follower, effects leave only up to
// what the follower has acknowledged in this term. Who gives up its right writes that down before it says so.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sync/replica/action.h"
#include "sync/replica/failure_detector.h"

namespace lockstitch::sync {

enum class Role : std::uint8_t {
  starting,   ///< has no machine, and may start one if nobody else leads
  standby,    ///< has no machine and waits for a leader
  joining,    ///< a leader is sending us the machine
  following,  ///< our machine runs behind the leader's; we may take over
  claiming,   ///< followed, lost the leader, and asks the arbiter
  alone,      ///< leads; there is nobody else
  inviting,   ///< leads; a standby is being sent the machine
  paired,     ///< leads with a follower: effects wait for it
  deciding,   ///< led with a follower, lost it, and asks the arbiter
  handing,    ///< leads with a follower, and is about to let it take over
  ended,      ///< the guest switched itself off
};
std::string_view to_text(Role role);
/// The guest is run by this replica, and effects may leave.
inline bool leads(Role role) { return role >= Role::alone && role <= Role::handing; }

struct ReplicaOptions {
  std::string name;
  bool may_start = true;  ///< false: a standby, which only follows until it has led
  // Unit: ns of host time.
  HostTime heartbeat = 100 * ms;
  HostTime leader_patience = 400 * ms;    ///< silence of the follower
  HostTime follower_patience = 470 * ms;  ///< silence of the leader; longer, so that of two that live the leader wins
  HostTime join_patience = 3000 * ms;     ///< silence while a machine is sent: a standby may be slow to make it
  HostTime nap = 250 * ms;                ///< see FailureDetector
  HostTime claim_again = 200 * ms;
  HostTime freeze_after = 1000 * ms;  ///< how long a leader goes on executing without being sure of its right
  HostTime start_after = 1500 * ms;   ///< how long a starting replica listens for a leader
  HostTime hand_over_limit = 5000 * ms;
};

class Replica {
 public:
  Replica(ReplicaOptions options, Standing standing, HostTime now);

  // What happens. Order: `now` never goes back. Each returns what is to be done.
  using Actions = std::vector<Action>;
  /// We reached the peer, which has accepted us. Range: wants_link().
  Actions link_dialed(HostTime now);
  /// The peer reached us. Whoever was linked before is not any more.
  Actions link_accepted(HostTime now);
  Actions link_down(HostTime now, const std::string& why);
  Actions received(HostTime now, Message message);
  Actions claimed(HostTime now, const ClaimAnswer& answer);
  /// Often: at least every 50 ms.
  Actions time_passes(HostTime now);

  /// A Log went to the peer, with every entry that was recorded before it was made.
  Actions log_sent(HostTime now, Tick known_until);

  // From whoever runs the machine.
  /// The machine that was received is whole and runs behind the leader's.
  Actions joined(HostTime now);
  /// After TakeOver: all that was received is executed.
  Actions took_over(HostTime now);
  /// The machine stands; every input before `tick` is in the log.
  Actions frozen(HostTime now, Tick tick);
  /// This replica cannot go on: it diverged, or its disk failed.
  Actions step_down(HostTime now, const std::string& why);
  /// The follower is too far behind.
  Actions drop_follower(HostTime now, const std::string& why);
  /// The guest switched itself off, and the peer knows, or there is none.
  Actions machine_ended(HostTime now);

  // From an operator. Fails: an empty list and `why_not` is set.
  Actions hand_over(HostTime now, std::string& why_not);
  /// As if this leader had died, seen from its peer.
  Actions play_dead(HostTime now, std::string& why_not);

  Role role() const { return role_; }
  Term term() const { return standing_.term; }
  const Standing& standing() const { return standing_; }
  bool linked() const { return linked_; }
  bool frozen() const { return frozen_; }
  /// The peer should be dialed.
  bool wants_link() const { return !linked_ && (role_ == Role::alone || role_ == Role::deciding); }
  /// Log and signs of life go to the peer now.
  bool sends_log() const {
    return linked_ && (role_ == Role::inviting || role_ == Role::paired || role_ == Role::handing);
  }
  /// The last of the follower's acknowledgements.
  const Ack& acknowledged() const { return acknowledged_; }
  /// What keeps it from going on, for people; empty: nothing.
  const std::string& obstacle() const { return obstacle_; }

 private:
  // Each appends to actions_.
  void on(HostTime now, Hello& hello);
  void on(HostTime now, Ready& ready);
  void on(HostTime now, JoinData& data);
  void on(HostTime now, Joined& joined);
  void on(HostTime now, InSync& in_sync);
  void on(HostTime now, Log& log);
  void on(HostTime now, Ack& ack);
  void on(HostTime now, Dismiss& dismiss);
  void on(HostTime now, Surrender& surrender);
  void on(HostTime now, HandOver& hand_over);
  void on(HostTime now, HandOverRefused& refused);
  void on(HostTime now, Fenced& fenced);

  void lost_peer(HostTime now, const std::string& why);
  void close(HostTime now, const std::string& why);
  void become(HostTime now, Role role, const std::string& detail);
  void persist(Term term, Right right);
  void freeze();
  void thaw();
  void lead_alone(HostTime now, const std::string& why);
  void surrender(HostTime now, const std::string& why);
  void give_up(HostTime now, Term higher, const std::string& why);
  void hand_over_if_complete();
  void pair_if_caught_up(HostTime now);
  void ask(HostTime now);
  void granted(HostTime now);
  void denied(HostTime now, const ArbiterRecord& record);
  bool asks_arbiter() const;
  HostTime patience() const;
  Actions take();

  template <class T>
  void act(T action) {
    actions_.emplace_back(std::move(action));
  }
  void send(Message message) {
    if (linked_) act(Send{std::move(message)});
  }

  const ReplicaOptions options_;
  Standing standing_;
  Role role_ = Role::standby;
  Actions actions_;

  bool linked_ = false;
  FailureDetector detector_;
  HostTime role_since_ = 0;
  HostTime last_sign_ = 0;  ///< of a follower's acknowledgement

  bool asking_ = false;         ///< a claim or a look is on its way
  bool claim_unknown_ = false;  ///< a claim may have been carried out without our knowing
  HostTime ask_at_ = 0;

  bool frozen_ = false;
  std::optional<Tick> frozen_at_;  ///< while handing over
  bool handed_over_ = false;
  bool asked_to_take_over_ = false;
  Tick received_until_;           ///< of a follower
  Ack acknowledged_;              ///< of a leader
  bool joined_ = false;           ///< of a leader: the standby has the machine, and the gate waits for it already
  std::optional<Tick> catch_up_;  ///< then: up to here effects may have left without it
  std::string obstacle_;
};

}  // namespace lockstitch::sync

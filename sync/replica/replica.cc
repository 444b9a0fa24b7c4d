// See replica.h. What starts a change of role is here; what messages do is in replica_messages.cc.
#include "sync/replica/replica.h"

#include <algorithm>
#include <array>
#include <utility>

namespace lockstitch::sync {

std::string_view to_text(Role role) {
  static constexpr std::array names{"starting", "standby", "joining",  "following", "claiming", "alone",
                                    "inviting", "paired",  "deciding", "handing",   "ended"};
  return names[static_cast<std::size_t>(role)];
}

Replica::Replica(ReplicaOptions options, Standing standing, HostTime now)
    : options_(std::move(options)), standing_(std::move(standing)), detector_(options_.nap) {
  // Who has led has the newest disk, and perhaps the only one.
  const bool starts = standing_.right == Right::led || (options_.may_start && standing_.right == Right::fresh);
  role_ = starts ? Role::starting : Role::standby;
  role_since_ = now;
  ask_at_ = now + options_.start_after;
}

Replica::Actions Replica::take() { return std::exchange(actions_, {}); }

void Replica::become(HostTime now, Role role, const std::string& detail) {
  role_ = role;
  role_since_ = now;
  obstacle_.clear();
  act(Report{std::string(to_text(role)), detail});
}

void Replica::persist(Term term, Right right) {
  const Standing standing{term, right};
  if (standing == standing_) return;
  standing_ = standing;
  act(Persist{standing});
}

void Replica::freeze() {
  if (!std::exchange(frozen_, true)) act(Freeze{});
}

void Replica::thaw() {
  if (std::exchange(frozen_, false)) act(Thaw{});
}

// ---- The link

Replica::Actions Replica::link_dialed(HostTime now) {
  if (!wants_link()) {
    act(CloseLink{"nobody is wanted any more"});
    return take();
  }
  linked_ = true;
  detector_.heard(now);
  send(Hello{term(), options_.name});
  return take();
}

Replica::Actions Replica::link_accepted(HostTime now) {
  if (linked_) lost_peer(now, "the peer made a new connection");
  linked_ = true;
  detector_.heard(now);
  return take();
}

Replica::Actions Replica::link_down(HostTime now, const std::string& why) {
  if (linked_) lost_peer(now, why);
  return take();
}

void Replica::close(HostTime now, const std::string& why) {
  if (!linked_) return;
  act(CloseLink{why});
  lost_peer(now, why);
}

void Replica::lost_peer(HostTime now, const std::string& why) {
  linked_ = false;
  switch (role_) {
    case Role::inviting:
      act(EndJoin{});
      become(now, Role::alone, why);
      act(Release{tick_never});
      break;
    case Role::paired:
    case Role::handing:
      act(EndJoin{});
      become(now, Role::deciding, why);
      ask(now);
      break;
    case Role::joining:
      act(Discard{why});
      become(now, Role::standby, why);
      break;
    case Role::following:
      become(now, Role::claiming, why);
      ask(now);
      break;
    case Role::starting:
    case Role::standby:
    case Role::claiming:
    case Role::alone:
    case Role::deciding:
    case Role::ended:
      break;
  }
}

HostTime Replica::patience() const {
  switch (role_) {
    case Role::paired:
    case Role::handing:
      return options_.leader_patience;
    case Role::following:
      return options_.follower_patience;
    default:
      return options_.join_patience;
  }
}

// ---- Time

Replica::Actions Replica::time_passes(HostTime now) {
  if (linked_ && detector_.silence(now) >= patience() && role_ != Role::ended) {
    close(now, "the peer is silent");
  }
  const bool shows_life = role_ == Role::joining || role_ == Role::following;
  if (linked_ && shows_life && now - last_sign_ >= options_.heartbeat) {
    last_sign_ = now;
    send(Ack{term(), received_until_, {}});
  }
  if (role_ == Role::deciding && now - role_since_ >= options_.freeze_after) freeze();
  if (role_ == Role::handing && now - role_since_ >= options_.hand_over_limit) {
    if (linked_) act(CloseLink{"the hand-over took too long"});
    lost_peer(now, "the peer did not take over");
  }
  if (asks_arbiter() && now >= ask_at_) ask(now);
  return take();
}

bool Replica::asks_arbiter() const {
  return role_ == Role::claiming || role_ == Role::deciding || (role_ == Role::starting && !linked_);
}

// ---- The arbiter

void Replica::ask(HostTime now) {
  ask_at_ = now + options_.claim_again;
  if (std::exchange(asking_, true)) return;
  if (claim_unknown_) {
    act(LookAtTerm{});
  } else {
    act(RaiseTerm{term()});
  }
}

Replica::Actions Replica::claimed(HostTime now, const ClaimAnswer& answer) {
  asking_ = false;
  ask_at_ = now + options_.claim_again;
  if (!asks_arbiter()) return take();
  switch (answer.claim) {
    case Claim::granted:
      granted(now);
      break;
    case Claim::denied:
      if (answer.record == ArbiterRecord{term() + 1, options_.name}) {
        granted(now);
      } else if (answer.record.term == term()) {
        // A look: nobody has raised it yet. What is on its way may still arrive; only the answer to a claim settles it.
        asking_ = true;
        act(RaiseTerm{term()});
      } else {
        denied(now, answer.record);
      }
      break;
    case Claim::unreachable:
      obstacle_ = answer.why;
      if (asked_to_take_over_ && linked_ && !claim_unknown_) {
        asked_to_take_over_ = false;
        send(HandOverRefused{term(), answer.why});
        become(now, Role::following, "the hand-over is off: " + answer.why);
      }
      break;
    case Claim::unknown:
      obstacle_ = answer.why;
      claim_unknown_ = true;
      break;
  }
  return take();
}

void Replica::granted(HostTime now) {
  claim_unknown_ = asked_to_take_over_ = false;
  const Role before = role_;
  // Whoever takes over has not executed yet what it has acknowledged: until it has, its disk is a follower's.
  persist(term() + 1, before == Role::claiming ? Right::followed : Right::led);
  if (before == Role::starting) act(ColdStart{});
  if (before == Role::claiming) act(TakeOver{});
  // A peer that handed over, or comes too late, is dialed anew and told the new term.
  if (linked_) act(CloseLink{"the term was raised"});
  linked_ = false;
  become(now, Role::alone, before == Role::starting ? "first to start" : "the arbiter agreed");
  act(Release{tick_never});
  thaw();
}

void Replica::denied(HostTime now, const ArbiterRecord& record) {
  claim_unknown_ = asked_to_take_over_ = false;
  if (record.term < term()) {
    obstacle_ = "the arbiter knows of term " + std::to_string(record.term) +
                " only, although this replica ran in term " + std::to_string(term()) + ": its records were lost";
    return;
  }
  give_up(now, record.term, "'" + record.holder + "' leads in term " + std::to_string(record.term));
}

/// Somebody else leads in a higher term.
void Replica::give_up(HostTime now, Term higher, const std::string& why) {
  if (role_ == Role::inviting || role_ == Role::paired || role_ == Role::handing) act(EndJoin{});
  persist(std::max(higher, term()), Right::outdated);
  if (role_ != Role::starting && role_ != Role::standby) act(Discard{why});
  frozen_ = asked_to_take_over_ = claim_unknown_ = false;
  frozen_at_.reset();
  become(now, Role::standby, why);
}

/// The follower has no right any more: this leader needs nobody's word.
void Replica::lead_alone(HostTime now, const std::string& why) {
  if (role_ != Role::deciding) act(EndJoin{});
  become(now, Role::alone, why);
  act(Release{tick_never});
  thaw();
}

Replica::Actions Replica::log_sent(HostTime now, Tick known_until) {
  if (role_ == Role::inviting && joined_ && !catch_up_) {
    catch_up_ = known_until;
    pair_if_caught_up(now);
  }
  return take();
}

void Replica::pair_if_caught_up(HostTime now) {
  if (!catch_up_ || acknowledged_.known_until < *catch_up_) return;
  become(now, Role::paired, "the follower is in sync");
  send(InSync{term()});
}

// ---- Whoever runs the machine

Replica::Actions Replica::joined(HostTime now) {
  (void)now;
  if (role_ == Role::joining) send(Joined{term()});
  return take();
}

Replica::Actions Replica::took_over(HostTime now) {
  (void)now;
  if (leads(role_)) persist(term(), Right::led);
  return take();
}

Replica::Actions Replica::frozen(HostTime now, Tick tick) {
  (void)now;
  if (role_ == Role::handing && !frozen_at_) {
    frozen_at_ = tick;
    hand_over_if_complete();
  }
  return take();
}

void Replica::hand_over_if_complete() {
  if (!frozen_at_ || handed_over_ || acknowledged_.known_until < *frozen_at_) return;
  handed_over_ = true;
  send(HandOver{term()});
}

Replica::Actions Replica::step_down(HostTime now, const std::string& why) {
  switch (role_) {
    case Role::joining:
    case Role::following:
    case Role::claiming:
      surrender(now, why);
      break;
    case Role::paired:
      // The follower has all that was let out. It will notice, and ask the arbiter.
      persist(term(), Right::outdated);
      act(EndJoin{});
      act(CloseLink{why});
      linked_ = false;
      act(Discard{why});
      become(now, Role::standby, why);
      break;
    default:
      obstacle_ = why;
      break;
  }
  return take();
}

void Replica::surrender(HostTime now, const std::string& why) {
  persist(term(), Right::outdated);
  act(Discard{why});
  send(Surrender{term(), why});
  asked_to_take_over_ = false;
  become(now, Role::standby, why);
}

Replica::Actions Replica::drop_follower(HostTime now, const std::string& why) {
  if (role_ == Role::paired) {
    send(Dismiss{term(), why});
  } else if (role_ == Role::inviting) {
    close(now, why);
  }
  return take();
}

Replica::Actions Replica::machine_ended(HostTime now) {
  become(now, Role::ended, "the guest has ended");
  return take();
}

// ---- An operator

namespace {
std::string not_now(Role role) {
  return "there is no follower in sync to take over: this replica is '" + std::string(to_text(role)) + "'";
}
}  // namespace

Replica::Actions Replica::hand_over(HostTime now, std::string& why_not) {
  if (role_ != Role::paired) {
    why_not = not_now(role_);
    return {};
  }
  frozen_at_.reset();
  handed_over_ = false;
  become(now, Role::handing, "asked to hand over");
  freeze();
  return take();
}

Replica::Actions Replica::play_dead(HostTime now, std::string& why_not) {
  if (role_ != Role::paired) {
    why_not = not_now(role_);
    return {};
  }
  frozen_at_ = tick_never;
  become(now, Role::handing, "plays dead, for a test");
  freeze();
  act(CloseLink{"test of a failover"});
  linked_ = false;
  return take();
}

}  // namespace lockstitch::sync

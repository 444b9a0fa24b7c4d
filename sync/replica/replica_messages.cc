// What a replica does on each message (docs/PROTOCOL.md).
#include <algorithm>
#include <utility>

#include "sync/replica/replica.h"

namespace lockstitch::sync {

Replica::Actions Replica::received(HostTime now, Message message) {
  if (!linked_) return take();
  detector_.heard(now);
  const Term theirs = term_of(message);
  const bool about_terms = std::holds_alternative<Hello>(message) || std::holds_alternative<Fenced>(message);
  if (theirs < term()) {
    send(Fenced{term()});
    if (std::holds_alternative<Hello>(message)) close(now, "the peer led in an older term");
  } else if (theirs > term() && !about_terms) {
    close(now, "the peer is in a term that this replica does not know");
  } else {
    std::visit([&](auto& m) { on(now, m); }, message);
  }
  return take();
}

void Replica::on(HostTime now, Hello& hello) {
  const std::string who = "'" + hello.name + "' leads in term " + std::to_string(hello.term);
  switch (role_) {
    case Role::starting:
    case Role::standby:
      if (hello.term == term() && standing_.right == Right::led) return close(now, who + ", and so did this replica");
      break;
    case Role::claiming:
      if (hello.term > term()) {
        give_up(now, hello.term, who);
        break;
      }
      // The leader lives and is in our term. What we have asked of the arbiter must be answered first.
      if (asking_ || claim_unknown_) return close(now, "a claim is under way");
      return surrender(now, who);
    case Role::alone:
    case Role::deciding:
    case Role::handing:
      if (hello.term == term()) return close(now, who + ", and so does this replica");
      give_up(now, hello.term, who);
      break;
    case Role::joining:
    case Role::following:
    case Role::inviting:
    case Role::paired:
    case Role::ended:
      return close(now, "a greeting in the middle of a conversation");
  }
  if (asking_) return close(now, "a claim is under way");
  persist(hello.term, Right::outdated);
  received_until_ = {};
  become(now, Role::joining, who);
  act(BeginReceiving{});
  last_sign_ = now;
  send(Ready{term()});
}

void Replica::on(HostTime now, Ready&) {
  // Whoever asks for the machine has written down that it has no right to its own.
  if (role_ == Role::deciding) {
    if (asking_ || claim_unknown_) return close(now, "a claim is under way");
    lead_alone(now, "the peer has given up");
  }
  if (role_ != Role::alone) return close(now, "nobody may join now");
  acknowledged_ = {};
  joined_ = false;
  become(now, Role::inviting, "the peer joins");
  act(BeginJoin{});
}

void Replica::on(HostTime, JoinData& data) {
  if (role_ == Role::inviting || role_ == Role::joining) act(Deliver{std::move(data)});
}

void Replica::on(HostTime, Joined&) {
  if (role_ != Role::inviting || joined_) return;
  // Until now effects left without the standby's word. From here on they wait; but it must not take over before it has
  // the log of all that left earlier.
  joined_ = true;
  catch_up_.reset();
  act(Release{acknowledged_.known_until});
}

void Replica::on(HostTime now, InSync&) {
  if (role_ != Role::joining) return;
  persist(term(), Right::followed);
  become(now, Role::following, "in sync");
}

void Replica::on(HostTime now, Log& log) {
  const bool follows = role_ == Role::joining || role_ == Role::following || role_ == Role::claiming;
  if (!follows) return;
  received_until_ = std::max(received_until_, log.known_until);
  act(Follow{std::move(log)});
  last_sign_ = now;
  send(Ack{term(), received_until_, {}});
}

void Replica::on(HostTime now, Ack& ack) {
  if (role_ != Role::inviting && role_ != Role::paired && role_ != Role::handing) return;
  acknowledged_ = ack;
  if (role_ == Role::inviting && !joined_) return;
  act(Release{ack.known_until});
  if (role_ == Role::inviting) pair_if_caught_up(now);
  if (role_ == Role::handing) hand_over_if_complete();
}

void Replica::on(HostTime now, Dismiss& dismiss) {
  if (role_ == Role::joining || role_ == Role::following) surrender(now, "dismissed: " + dismiss.why);
}

void Replica::on(HostTime now, Surrender& surrender) {
  if (role_ != Role::inviting && role_ != Role::paired && role_ != Role::handing && role_ != Role::deciding) return;
  if (asking_ || claim_unknown_) return close(now, "a claim is under way");
  lead_alone(now, "the peer gave up: " + surrender.why);
  act(CloseLink{"to begin anew"});
  linked_ = false;
}

void Replica::on(HostTime now, HandOver&) {
  if (role_ != Role::following) return;
  asked_to_take_over_ = true;
  become(now, Role::claiming, "asked to take over");
  ask(now);
}

void Replica::on(HostTime now, HandOverRefused& refused) {
  if (role_ != Role::handing) return;
  become(now, Role::paired, "the hand-over is off: " + refused.why);
  obstacle_ = refused.why;
  thaw();
}

void Replica::on(HostTime now, Fenced& fenced) {
  if (fenced.term <= term()) return;
  if (role_ == Role::ended) return;
  // The higher term may be our own claim, of which the peer has heard before we have.
  if (asking_ || claim_unknown_) return close(now, "a claim is under way");
  give_up(now, fenced.term, "the peer knows of term " + std::to_string(fenced.term));
  close(now, "this replica was in an older term");
}

}  // namespace lockstitch::sync

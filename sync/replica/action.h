// What a replica's state machine wants done, in this order. Carried out by sync/peer in real life, by tests/sim in
// simulated life.
#pragma once
#include <string>
#include <variant>

#include "sync/replica/message.h"
#include "sync/replica/standing.h"

namespace lockstitch::sync {

/// Over the present link; dropped when there is none.
struct Send {
  Message message;
};
/// End the present link. The state machine expects no link_down() for it.
struct CloseLink {
  std::string why;
};
/// Must be on disk before the next action.
struct Persist {
  Standing standing;
};
/// At the arbiter: raise the term from `expected`. Answer by claimed().
struct RaiseTerm {
  Term expected = 0;
};
/// Ask the arbiter what its record is. Answer by claimed() with `denied`, `unreachable` or `unknown`.
struct LookAtTerm {};

/// The rest is for whoever runs the machine.
/// Start the guest at power-on.
struct ColdStart {};
/// Somebody wants to join: begin to send the machine.
struct BeginJoin {};
/// Stop sending it, or stop sending the log: there is nobody.
struct EndJoin {};
/// Make a machine and take parts.
struct BeginReceiving {};
/// A part of the machine from the peer, or a note of a standby.
struct Deliver {
  JoinData data;
};
/// Entries for the follower's machine.
struct Follow {
  Log log;
};
/// Execute what was received to its end, emit what the leader may not have sent, then run live.
struct TakeOver {};
/// Effects of earlier ticks may leave; tick_never: all.
struct Release {
  Tick until;
};
/// The machine must not take another step; frozen() when it stands.
struct Freeze {};
struct Thaw {};
/// This replica has no right to its machine any more: throw it away, with all effects that were not released.
struct Discard {
  std::string why;
};
/// For the log of events: one line for each change.
struct Report {
  std::string event;
  std::string detail;
};

using Action = std::variant<Send, CloseLink, Persist, RaiseTerm, LookAtTerm, ColdStart, BeginJoin, EndJoin,
                            BeginReceiving, Deliver, Follow, TakeOver, Release, Freeze, Thaw, Discard, Report>;

}  // namespace lockstitch::sync

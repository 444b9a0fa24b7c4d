// What two replicas say to each other, as plain values. Every message carries the sender's term; docs/PROTOCOL.md has
// the table of who sends what, when, and what the other does. Not here: how messages become bytes (sync/peer).
#pragma once
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "lockstitch/tick.h"
#include "sync/replica/term.h"

namespace lockstitch::sync {

/// Leader, at once on a new link: I lead in this term.
struct Hello {
  Term term = 0;
  std::string name;
};
/// Standby: send me the machine.
struct Ready {
  Term term = 0;
};
/// Either way while a standby joins: a part of the machine, or what the standby has of it. Opaque here.
struct JoinData {
  Term term = 0;
  std::vector<std::uint8_t> part;
};
/// Standby: the machine is whole here and runs behind yours.
struct Joined {
  Term term = 0;
};
/// Leader: from now on nothing leaves before you have it; you may take over.
struct InSync {
  Term term = 0;
};
/// Leader: what the machine was given since the last one; empty as a sign of life.
struct Log {
  Term term = 0;
  Tick known_until;                 ///< no input of an earlier tick will follow
  Tick sent_until;                  ///< effects of earlier ticks have left the leader's host
  std::vector<std::uint8_t> batch;  ///< entries (entry_codec.h); may be empty
};
/// Follower, for each Log; standby as a sign of life: I have the log up to here, and stand there.
struct Ack {
  Term term = 0;
  Tick known_until;
  Tick executed;
};
/// Leader: give up your right to take over.
struct Dismiss {
  Term term = 0;
  std::string why;
};
/// Follower: I have given it up, for good, in this term.
struct Surrender {
  Term term = 0;
  std::string why;
};
/// Leader: my machine stands still and you have all of it; take over.
struct HandOver {
  Term term = 0;
};
/// Follower: I could not raise the term and have not.
struct HandOverRefused {
  Term term = 0;
  std::string why;
};
/// Answer to a message of a lower term: there is a higher one.
struct Fenced {
  Term term = 0;
};

using Message = std::variant<Hello, Ready, JoinData, Joined, InSync, Log, Ack, Dismiss, Surrender, HandOver,
                             HandOverRefused, Fenced>;

inline Term term_of(const Message& message) {
  return std::visit([](const auto& m) { return m.term; }, message);
}

}  // namespace lockstitch::sync

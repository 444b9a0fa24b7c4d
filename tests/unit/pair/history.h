// Histories of one replica: what happens to it, step by step, and what it must want done. The actions are compared as
// text, so that a table of steps can be read.
#pragma once
#include <functional>
#include <string>
#include <vector>

#include "sync/replica/replica.h"

namespace lockstitch::sync::test {

/// All actions but reports, in order, separated by "; ". What is repeated at once stands once.
std::string to_text(const Replica::Actions& actions);

struct Life {
  explicit Life(const Standing& standing, bool may_start = true, const std::string& name = "a");
  HostTime now = 1'000'000 * ms;
  Replica replica;
};

struct Step {
  std::string what;
  std::function<Replica::Actions(Life&)> happens;
  std::string wants;
  Role then;
};
using History = std::vector<Step>;

/// Fails the test at the first step that is answered otherwise.
void live(Life& life, const History& history);
History operator+(History first, const History& rest);

// What can happen. Each is followed by what is wanted and the role in which it leaves the replica.
Step dialed(std::string wants, Role then);
Step accepted(std::string wants, Role then);
Step link_down(std::string wants, Role then);
Step hears(Message message, std::string wants, Role then);
Step answered(const ClaimAnswer& answer, std::string wants, Role then);
Step granted(Term term, const std::string& holder, std::string wants, Role then);
Step denied(Term term, const std::string& holder, std::string wants, Role then);
Step unreachable(std::string wants, Role then);
Step unknown(std::string wants, Role then);
/// Time passes in steps of 20 ms.
Step wait(HostTime milliseconds, std::string wants, Role then);
/// The same while the follower acknowledges up to `known_until`.
Step wait_with_acks(HostTime milliseconds, const Ack& ack, std::string wants, Role then);
/// The replica itself is stopped for so long.
Step nap(HostTime milliseconds, std::string wants, Role then);
Step log_sent(std::uint64_t known_until, std::string wants, Role then);
Step joined(std::string wants, Role then);
Step took_over(std::string wants, Role then);
Step frozen(std::uint64_t tick, std::string wants, Role then);
Step step_down(std::string wants, Role then);
Step drop_follower(std::string wants, Role then);
Step machine_ended(std::string wants, Role then);
Step hand_over(std::string wants, Role then);
Step play_dead(std::string wants, Role then);

/// From nothing to a leader with a follower in term 1, acknowledged up to tick 10.
History leads_in_sync();
/// From nothing to a follower "b" of "a" in term 1.
History follows_in_sync();
/// The standing of such a life before.
Life leader();
Life follower();

}  // namespace lockstitch::sync::test

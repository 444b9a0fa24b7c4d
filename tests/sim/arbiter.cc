// See arbiter.h.
#include "tests/sim/arbiter.h"

#include <utility>

namespace lockstitch::sim {

using sync::Claim;
using sync::ClaimAnswer;

ClaimAnswer SimArbiter::apply(sync::Term expected, const std::string& holder) {
  const sync::ArbiterRecord wanted{expected + 1, holder};
  if (record_.term == expected || plant_ == Plant::no_term_check) {
    record_ = wanted;
    changed_();
  }
  return {record_ == wanted ? Claim::granted : Claim::denied, record_, ""};
}

Reach SimArbiter::reach_now(unsigned host) {
  if (reach[host] != Reach::moody) return reach[host];
  return random_.chance(300) ? Reach::answers : random_.chance(400) ? Reach::away : Reach::loses;
}

void SimArbiter::raise(unsigned host, sync::Term expected, const std::string& holder, Answer answer) {
  switch (reach_now(host)) {
    case Reach::away:
      queue_.after(random_.spread(1 * ms, 2 * s), [answer] {
        answer({Claim::unreachable, {}, "the arbiter is away"});
      });
      break;
    case Reach::loses:
      // Carried out now, late, or never.
      if (random_.chance(650)) {
        queue_.after(random_.chance(600) ? way() : random_.spread(20 * ms, 5 * s),
                     [this, expected, holder] { apply(expected, holder); });
      }
      queue_.after(random_.spread(20 * ms, 2 * s), [answer] {
        answer({Claim::unknown, {}, "the arbiter does not answer"});
      });
      break;
    case Reach::answers:
      queue_.after(way(), [this, expected, holder, answer] {
        queue_.after(way(), [answer, told = apply(expected, holder)] { answer(told); });
      });
      break;
    case Reach::moody:
      break;
  }
}

void SimArbiter::look(unsigned host, Answer answer) {
  const Reach now = reach_now(host);
  if (now == Reach::answers) {
    queue_.after(way(), [this, answer] {
      queue_.after(way(), [answer, record = record_] { answer({Claim::denied, record, ""}); });
    });
    return;
  }
  const Claim claim = now == Reach::away ? Claim::unreachable : Claim::unknown;
  queue_.after(random_.spread(1 * ms, 2 * s), [answer, claim] { answer({claim, {}, "the arbiter is away"}); });
}

}  // namespace lockstitch::sim

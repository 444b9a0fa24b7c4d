// See history.h.
#include "tests/unit/pair/history.h"

#include <doctest/doctest.h>

#include <utility>

namespace lockstitch::sync::test {

namespace {

std::string tick_text(Tick tick) { return tick == tick_never ? "all" : std::to_string(tick.value); }

std::string name_of(const Message& message) {
  static constexpr const char* names[] = {"hello", "ready",   "joinData",  "joined",   "inSync",          "log",
                                          "ack",   "dismiss", "surrender", "handOver", "handOverRefused", "fenced"};
  return std::string(names[message.index()]) + " " + std::to_string(term_of(message));
}

std::string right_name(Right right) {
  static constexpr const char* names[] = {"fresh", "led", "followed", "outdated"};
  return names[static_cast<std::size_t>(right)];
}

struct Text {
  std::string operator()(const Send& a) const { return "say " + name_of(a.message); }
  std::string operator()(const CloseLink&) const { return "close"; }
  std::string operator()(const Persist& a) const {
    return "write " + std::to_string(a.standing.term) + " " + right_name(a.standing.right);
  }
  std::string operator()(const RaiseTerm& a) const { return "raise " + std::to_string(a.expected); }
  std::string operator()(const LookAtTerm&) const { return "look"; }
  std::string operator()(const ColdStart&) const { return "cold start"; }
  std::string operator()(const BeginJoin&) const { return "begin join"; }
  std::string operator()(const EndJoin&) const { return "end join"; }
  std::string operator()(const BeginReceiving&) const { return "receive"; }
  std::string operator()(const Deliver&) const { return "deliver"; }
  std::string operator()(const Follow& a) const { return "follow " + tick_text(a.log.known_until); }
  std::string operator()(const TakeOver&) const { return "take over"; }
  std::string operator()(const Release& a) const { return "release " + tick_text(a.until); }
  std::string operator()(const Freeze&) const { return "freeze"; }
  std::string operator()(const Thaw&) const { return "thaw"; }
  std::string operator()(const Discard&) const { return "discard"; }
  std::string operator()(const Report&) const { return ""; }
};

void append(Replica::Actions& all, Replica::Actions more) {
  for (Action& action : more) all.push_back(std::move(action));
}

constexpr HostTime look_every = 20;

Step step(std::string what, std::function<Replica::Actions(Life&)> happens, std::string wants, Role then) {
  return {std::move(what), std::move(happens), std::move(wants), then};
}

/// Fails the test if an operator's wish is refused without a reason, or met with one.
Step wish(std::string what, Replica::Actions (Replica::*made)(HostTime, std::string&), std::string wants, Role then) {
  return step(
      std::move(what),
      [made](Life& life) {
        std::string why_not;
        auto actions = (life.replica.*made)(life.now, why_not);
        CHECK(actions.empty() == !why_not.empty());
        return actions;
      },
      std::move(wants), then);
}

}  // namespace

std::string to_text(const Replica::Actions& actions) {
  std::string text, last;
  for (const Action& action : actions) {
    const std::string one = std::visit(Text(), action);
    if (one.empty() || one == last) continue;
    text += (text.empty() ? "" : "; ") + one;
    last = one;
  }
  return text;
}

Life::Life(const Standing& standing, bool may_start, const std::string& name)
    : replica(
          [&] {
            ReplicaOptions options;
            options.name = name;
            options.may_start = may_start;
            return options;
          }(),
          standing, now) {}

void live(Life& life, const History& history) {
  std::string before;
  for (const Step& each : history) {
    CAPTURE(before);
    CAPTURE(each.what);
    REQUIRE(to_text(each.happens(life)) == each.wants);
    REQUIRE(sync::to_text(life.replica.role()) == sync::to_text(each.then));
    before += each.what + "; ";
  }
}

History operator+(History first, const History& rest) {
  first.insert(first.end(), rest.begin(), rest.end());
  return first;
}

Step dialed(std::string wants, Role then) {
  return step(
      "reached the peer", [](Life& l) { return l.replica.link_dialed(l.now); }, std::move(wants), then);
}

Step accepted(std::string wants, Role then) {
  return step(
      "the peer reached us", [](Life& l) { return l.replica.link_accepted(l.now); }, std::move(wants), then);
}

Step link_down(std::string wants, Role then) {
  return step(
      "the link is down", [](Life& l) { return l.replica.link_down(l.now, "cut"); }, std::move(wants), then);
}

Step hears(Message message, std::string wants, Role then) {
  return step(
      "hears " + name_of(message), [message](Life& l) { return l.replica.received(l.now, message); }, std::move(wants),
      then);
}

Step answered(const ClaimAnswer& answer, std::string wants, Role then) {
  static constexpr const char* names[] = {"granted", "denied", "unreachable", "unknown"};
  return step(
      "the arbiter: " + std::string(names[static_cast<std::size_t>(answer.claim)]) + " " +
          std::to_string(answer.record.term) + " " + answer.record.holder,
      [answer](Life& l) { return l.replica.claimed(l.now, answer); }, std::move(wants), then);
}

Step granted(Term term, const std::string& holder, std::string wants, Role then) {
  return answered({Claim::granted, {term, holder}, ""}, std::move(wants), then);
}

Step denied(Term term, const std::string& holder, std::string wants, Role then) {
  return answered({Claim::denied, {term, holder}, ""}, std::move(wants), then);
}

Step unreachable(std::string wants, Role then) {
  return answered({Claim::unreachable, {}, "no route"}, std::move(wants), then);
}

Step unknown(std::string wants, Role then) {
  return answered({Claim::unknown, {}, "no answer"}, std::move(wants), then);
}

Step wait(HostTime milliseconds, std::string wants, Role then) {
  return step(
      "waits " + std::to_string(milliseconds) + " ms",
      [milliseconds](Life& l) {
        Replica::Actions all;
        for (HostTime waited = 0; waited < milliseconds; waited += look_every) {
          l.now += look_every * ms;
          append(all, l.replica.time_passes(l.now));
        }
        return all;
      },
      std::move(wants), then);
}

Step wait_with_acks(HostTime milliseconds, const Ack& ack, std::string wants, Role then) {
  return step(
      "waits " + std::to_string(milliseconds) + " ms and hears acks",
      [milliseconds, ack](Life& l) {
        Replica::Actions all;
        for (HostTime waited = 0; waited < milliseconds; waited += look_every) {
          l.now += look_every * ms;
          append(all, l.replica.received(l.now, ack));
          append(all, l.replica.time_passes(l.now));
        }
        return all;
      },
      std::move(wants), then);
}

Step nap(HostTime milliseconds, std::string wants, Role then) {
  return step(
      "sleeps " + std::to_string(milliseconds) + " ms",
      [milliseconds](Life& l) {
        l.now += milliseconds * ms;
        return l.replica.time_passes(l.now);
      },
      std::move(wants), then);
}

Step log_sent(std::uint64_t known_until, std::string wants, Role then) {
  return step(
      "sent the log up to " + std::to_string(known_until),
      [known_until](Life& l) { return l.replica.log_sent(l.now, {known_until}); }, std::move(wants), then);
}

Step joined(std::string wants, Role then) {
  return step(
      "the machine is whole", [](Life& l) { return l.replica.joined(l.now); }, std::move(wants), then);
}

Step took_over(std::string wants, Role then) {
  return step(
      "all is executed", [](Life& l) { return l.replica.took_over(l.now); }, std::move(wants), then);
}

Step frozen(std::uint64_t tick, std::string wants, Role then) {
  return step(
      "stands at " + std::to_string(tick), [tick](Life& l) { return l.replica.frozen(l.now, {tick}); },
      std::move(wants), then);
}

Step step_down(std::string wants, Role then) {
  return step(
      "cannot go on", [](Life& l) { return l.replica.step_down(l.now, "the disk failed"); }, std::move(wants), then);
}

Step drop_follower(std::string wants, Role then) {
  return step(
      "the follower is too slow", [](Life& l) { return l.replica.drop_follower(l.now, "too slow"); }, std::move(wants),
      then);
}

Step machine_ended(std::string wants, Role then) {
  return step(
      "the guest has ended", [](Life& l) { return l.replica.machine_ended(l.now); }, std::move(wants), then);
}

Step hand_over(std::string wants, Role then) {
  return wish("asked to hand over", &Replica::hand_over, std::move(wants), then);
}

Step play_dead(std::string wants, Role then) {
  return wish("asked to play dead", &Replica::play_dead, std::move(wants), then);
}

History leads_in_sync() {
  return {
      wait(1500, "raise 0", Role::starting),
      granted(1, "a", "write 1 led; cold start; release all", Role::alone),
      dialed("say hello 1", Role::alone),
      hears(Ready{1}, "begin join", Role::inviting),
      hears(Joined{1}, "release 0", Role::inviting),
      log_sent(10, "", Role::inviting),
      hears(Ack{1, {10}, {9}}, "release 10; say inSync 1", Role::paired),
  };
}

History follows_in_sync() {
  return {
      accepted("", Role::standby),
      hears(Hello{1, "a"}, "write 1 outdated; receive; say ready 1", Role::joining),
      hears(JoinData{1, {1, 2, 3}}, "deliver", Role::joining),
      joined("say joined 1", Role::joining),
      hears(Log{1, {10}, {5}, {}}, "follow 10; say ack 1", Role::joining),
      hears(InSync{1}, "write 1 followed", Role::following),
  };
}

Life leader() { return Life(Standing{}); }
Life follower() { return Life(Standing{}, false, "b"); }

}  // namespace lockstitch::sync::test

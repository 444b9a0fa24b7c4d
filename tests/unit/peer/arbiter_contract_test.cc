// What every arbiter must do (sync/peer/arbiter.h), tried on each kind.
#include <doctest/doctest.h>

#include <set>

#include "tests/unit/peer/arbiter_stand.h"

#define EVERY_ARBITER lockstitch::test::FileStand, lockstitch::test::WitnessStand, lockstitch::test::EtcdStand

namespace lockstitch::sync {
namespace {

/// False, with a message: this kind cannot be had on this host.
template <class Stand>
bool available() {
  const std::string why_not = Stand::why_not();
  if (!why_not.empty()) MESSAGE("skipped: ", why_not);
  return why_not.empty();
}

bool too_late(const ClaimAnswer& answer) { return answer.why.find("answer within") != std::string::npos; }

/// A claim that took longer than an arbiter may, for this host is busy, is made again; nothing else is.
ClaimAnswer claim(kj::AsyncIoContext& io, Arbiter& arbiter, Term expected, const std::string& holder) {
  ClaimAnswer answer = arbiter.claim(expected, holder).wait(io.waitScope);
  for (int again = 0; again < 20 && too_late(answer); ++again) {
    answer = arbiter.claim(expected, holder).wait(io.waitScope);
  }
  return answer;
}

void check(const ClaimAnswer& answer, Claim claim, Term term, const std::string& holder) {
  CAPTURE(answer.why);
  CHECK(answer.claim == claim);
  CHECK(answer.record.term == term);
  CHECK(answer.record.holder == holder);
}

TEST_CASE_TEMPLATE("a pair that never ran has term 0", Stand, EVERY_ARBITER) {
  if (!available<Stand>()) return;
  auto io = kj::setupAsyncIo();
  Stand stand(io);
  check(stand.client()->read().wait(io.waitScope), Claim::denied, 0, "");
}

TEST_CASE_TEMPLATE("a claim of the present term is granted, and seen by everybody", Stand, EVERY_ARBITER) {
  if (!available<Stand>()) return;
  auto io = kj::setupAsyncIo();
  Stand stand(io);
  auto a = stand.client(), b = stand.client();
  check(claim(io, *a, 0, "a"), Claim::granted, 1, "a");
  check(b->read().wait(io.waitScope), Claim::denied, 1, "a");
  check(claim(io, *b, 1, "b"), Claim::granted, 2, "b");
  check(a->read().wait(io.waitScope), Claim::denied, 2, "b");
  check(stand.client()->read().wait(io.waitScope), Claim::denied, 2, "b");
}

TEST_CASE_TEMPLATE("a claim of another term is denied and changes nothing", Stand, EVERY_ARBITER) {
  if (!available<Stand>()) return;
  auto io = kj::setupAsyncIo();
  Stand stand(io);
  auto a = stand.client(), b = stand.client();
  for (Term term = 0; term < 3; ++term) check(claim(io, *a, term, "a"), Claim::granted, term + 1, "a");
  for (const Term wrong : {0, 1, 2, 4, 1000}) {
    CAPTURE(wrong);
    check(claim(io, *b, wrong, "b"), Claim::denied, 3, "a");
  }
  check(a->read().wait(io.waitScope), Claim::denied, 3, "a");
}

TEST_CASE_TEMPLATE("who finds his own claim there was granted it, and others were not", Stand, EVERY_ARBITER) {
  if (!available<Stand>()) return;
  auto io = kj::setupAsyncIo();
  Stand stand(io);
  auto a = stand.client(), b = stand.client();
  check(claim(io, *a, 0, "a"), Claim::granted, 1, "a");
  check(claim(io, *a, 0, "a"), Claim::granted, 1, "a");
  check(claim(io, *b, 0, "a"), Claim::granted, 1, "a");
  check(claim(io, *b, 0, "b"), Claim::denied, 1, "a");
}

TEST_CASE_TEMPLATE("pairs do not see each other", Stand, EVERY_ARBITER) {
  if (!available<Stand>()) return;
  auto io = kj::setupAsyncIo();
  Stand stand(io);
  auto one = stand.client("one"), two = stand.client("two");
  check(claim(io, *one, 0, "a"), Claim::granted, 1, "a");
  check(two->read().wait(io.waitScope), Claim::denied, 0, "");
  check(claim(io, *two, 0, "b"), Claim::granted, 1, "b");
  check(one->read().wait(io.waitScope), Claim::denied, 1, "a");
}

TEST_CASE_TEMPLATE("of eight who claim a term at once exactly one is granted it", Stand, EVERY_ARBITER) {
  if (!available<Stand>()) return;
  auto io = kj::setupAsyncIo();
  Stand stand(io);
  std::vector<kj::Own<Arbiter>> clients;
  for (int i = 0; i < 8; ++i) clients.push_back(stand.client());
  std::set<std::string> winners;
  for (Term term = 0; term < 20; ++term) {
    CAPTURE(term);
    std::vector<kj::Promise<ClaimAnswer>> claims;
    for (int i = 0; i < 8; ++i) {
      // Another one begins each time.
      const std::size_t who = (static_cast<std::size_t>(i) + term) % 8;
      claims.push_back(clients[who]->claim(term, "r" + std::to_string(who)));
    }
    std::vector<ClaimAnswer> answers;
    for (int i = 0; i < 8; ++i) {
      const std::size_t who = (static_cast<std::size_t>(i) + term) % 8;
      answers.push_back(claims[static_cast<std::size_t>(i)].wait(io.waitScope));
      if (!too_late(answers.back())) continue;
      answers.back() = claim(io, *clients[who], term, "r" + std::to_string(who));
    }
    std::string winner;
    for (const ClaimAnswer& answer : answers) {
      CAPTURE(answer.why);
      CHECK((answer.claim == Claim::granted || answer.claim == Claim::denied));
      if (answer.claim != Claim::granted) continue;
      CHECK_MESSAGE(winner.empty(), "granted twice");
      winner = answer.record.holder;
    }
    CHECK(!winner.empty());
    for (const ClaimAnswer& answer : answers) CHECK(answer.record == ArbiterRecord{term + 1, winner});
    winners.insert(winner);
  }
  MESSAGE("different winners: ", winners.size());
}

TEST_CASE_TEMPLATE("an arbiter that is gone is unreachable, and says why", Stand, EVERY_ARBITER) {
  if (!available<Stand>()) return;
  auto io = kj::setupAsyncIo();
  Stand stand(io);
  auto a = stand.client(), b = stand.client();
  check(claim(io, *a, 0, "a"), Claim::granted, 1, "a");
  stand.vanish();
  for (Arbiter* arbiter : {a.get(), b.get()}) {
    const ClaimAnswer claimed = arbiter->claim(1, "a").wait(io.waitScope);
    CHECK(claimed.claim == Claim::unreachable);
    CHECK(!claimed.why.empty());
    const ClaimAnswer looked = arbiter->read().wait(io.waitScope);
    CHECK(looked.claim == Claim::unreachable);
    CHECK(!looked.why.empty());
  }
}

TEST_CASE_TEMPLATE("an answer that nobody waits for any more harms nothing", Stand, EVERY_ARBITER) {
  if (!available<Stand>()) return;
  auto io = kj::setupAsyncIo();
  Stand stand(io);
  auto a = stand.client();
  for (int i = 0; i < 20; ++i) {
    auto dropped = a->claim(0, "a");
    for (int turn = 0; turn < i; ++turn) io.waitScope.poll();
  }
  check(claim(io, *a, 0, "a"), Claim::granted, 1, "a");
}

TEST_CASE("names of arbiters are judged before anything is connected") {
  auto io = kj::setupAsyncIo();
  const test::PairKeys keys;
  for (const std::string good :
       {"file:/x/y", "file:y", "witness:h", "witness:h:1", "witness:[::1]:7", "etcd:10.0.0.1", "etcd:h.example:2379"}) {
    CAPTURE(good);
    auto made = make_arbiter(good, "pair", keys.of("a"), io);
    REQUIRE(made.ok());
    CHECK(made.value()->name() == good);
  }
  for (const std::string bad : {"", "file", "file:", "file:/x/", "witness:", "witness::1", "witness:h:", "witness:h:0",
                                "witness:h:65536", "witness:h:x", "witness:unix:/x", "etcd:[::1", "etcd:a b", "zk:h"}) {
    CAPTURE(bad);
    const auto made = make_arbiter(bad, "pair", keys.of("a"), io);
    REQUIRE(!made.ok());
    CHECK(made.error().code == ExitCode::usage);
    CHECK(made.error().text.find("file:PATH, witness:HOST[:PORT] or etcd:HOST[:PORT]") != std::string::npos);
  }
  CHECK(!make_arbiter("file:/x", "Pair!", keys.of("a"), io).ok());
}

}  // namespace
}  // namespace lockstitch::sync

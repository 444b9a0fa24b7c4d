// What a replica does in the histories that break pairs: whoever is lost, late, asleep or unsure, nothing is let out
// that the other one does not have, and nobody runs the guest alone whom the arbiter or the peer has not told to.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "tests/unit/pair/history.h"

namespace lockstitch::sync::test {
namespace {

struct Claimed {
  const char* claim;
  History history;
};

void check_all(const History& before, const std::vector<Claimed>& claims, Life (*born)()) {
  for (const Claimed& each : claims) {
    CAPTURE(each.claim);
    Life life = born();
    live(life, before + each.history);
  }
}

TEST_CASE("a leader that loses its follower lets nothing out and does not run on for long before the arbiter agrees") {
  check_all(
      leads_in_sync(),
      {
          {"granted: alone in the next term, and all may leave",
           {link_down("end join; raise 1", Role::deciding), granted(2, "a", "write 2 led; release all", Role::alone)}},
          {"denied: the machine is thrown away, with what it has not let out",
           {link_down("end join; raise 1", Role::deciding),
            denied(2, "b", "write 2 outdated; discard", Role::standby)}},
          {"no arbiter: asked again and again, after a second the guest stands, and goes on when it is granted",
           {link_down("end join; raise 1", Role::deciding), unreachable("", Role::deciding),
            wait(200, "raise 1", Role::deciding), unreachable("", Role::deciding), wait(200, "raise 1", Role::deciding),
            wait(580, "", Role::deciding), wait(20, "freeze", Role::deciding), wait(60'000, "", Role::deciding),
            unreachable("", Role::deciding), wait(200, "raise 1", Role::deciding),
            granted(2, "a", "write 2 led; release all; thaw", Role::alone)}},
          {"no arbiter, but the link is back and the follower gives up: that is enough",
           {link_down("end join; raise 1", Role::deciding), unreachable("", Role::deciding),
            dialed("say hello 1", Role::deciding), hears(Surrender{1, ""}, "release all; close", Role::alone)}},
          {"no arbiter, but the follower was started anew and asks to join: that is enough too",
           {link_down("end join; raise 1", Role::deciding), unreachable("", Role::deciding),
            wait(1000, "raise 1; freeze", Role::deciding), unreachable("", Role::deciding),
            dialed("say hello 1", Role::deciding), hears(Ready{1}, "release all; thaw; begin join", Role::inviting)}},
          {"a follower's word does not count while a claim is under way, for it may have been carried out",
           {link_down("end join; raise 1", Role::deciding), dialed("say hello 1", Role::deciding),
            hears(Surrender{1, ""}, "close", Role::deciding), dialed("say hello 1", Role::deciding),
            hears(Ready{1}, "close", Role::deciding), unknown("", Role::deciding),
            dialed("say hello 1", Role::deciding), hears(Ready{1}, "close", Role::deciding)}},
          {"silence is as good as a link that is down",
           {wait(380, "", Role::paired), wait(20, "close; end join; raise 1", Role::deciding)}},
          {"a late acknowledgement, without a link, lets nothing out",
           {link_down("end join; raise 1", Role::deciding), hears(Ack{1, {99}, {}}, "", Role::deciding)}},
      },
      leader);
}

TEST_CASE("a follower that loses its leader takes over when the arbiter agrees, and never else") {
  check_all(
      follows_in_sync(),
      {
          {"granted",
           {link_down("raise 1", Role::claiming),
            granted(2, "b", "write 2 followed; take over; release all", Role::alone)}},
          {"denied: the leader was first",
           {link_down("raise 1", Role::claiming), denied(2, "a", "write 2 outdated; discard", Role::standby)}},
          {"unreachable: waits for as long as it takes",
           {link_down("raise 1", Role::claiming), unreachable("", Role::claiming), wait(200, "raise 1", Role::claiming),
            wait(60'000, "", Role::claiming),
            granted(2, "b", "write 2 followed; take over; release all", Role::alone)}},
          {"silence, while it shows its own life",
           {wait(460, "say ack 1", Role::following), wait(20, "close; raise 1", Role::claiming)}},
          {"the arbiter has lost its records: that is said, and nothing is done",
           {link_down("raise 1", Role::claiming), denied(0, "", "", Role::claiming),
            wait(200, "raise 1", Role::claiming)}},
          {"the leader is back in the same term and nothing was asked in vain: the follower gives up and joins anew",
           {link_down("raise 1", Role::claiming), unreachable("", Role::claiming), accepted("", Role::claiming),
            hears(Hello{1, "a"}, "write 1 outdated; discard; say surrender 1", Role::standby)}},
          {"the leader is back, but a claim is under way",
           {link_down("raise 1", Role::claiming), accepted("", Role::claiming),
            hears(Hello{1, "a"}, "close", Role::claiming),
            granted(2, "b", "write 2 followed; take over; release all", Role::alone)}},
          {"the leader is back in a higher term",
           {link_down("raise 1", Role::claiming), unreachable("", Role::claiming), accepted("", Role::claiming),
            hears(Hello{2, "a"}, "write 2 outdated; discard; receive; say ready 2", Role::joining)}},
          {"a new connection while the old one lives means that the leader has given the old one up",
           {accepted("raise 1", Role::claiming)}},
      },
      follower);
}

TEST_CASE("a claim that nobody knows the end of is looked after before anything else") {
  const History lost{link_down("raise 1", Role::claiming), unknown("", Role::claiming),
                     wait(200, "look", Role::claiming)};
  check_all(
      follows_in_sync() + lost,
      {
          {"it was carried out", {denied(2, "b", "write 2 followed; take over; release all", Role::alone)}},
          {"it was not: it is made again",
           {denied(1, "a", "raise 1", Role::claiming),
            granted(2, "b", "write 2 followed; take over; release all", Role::alone)}},
          {"it was not, and the new one is not answered: the first may still arrive, so it is looked again",
           {denied(1, "a", "raise 1", Role::claiming), unreachable("", Role::claiming), accepted("", Role::claiming),
            hears(Hello{1, "a"}, "close", Role::claiming), wait(200, "look", Role::claiming)}},
          {"somebody else's was", {denied(2, "a", "write 2 outdated; discard", Role::standby)}},
          {"the look is not answered either: it is never taken for a claim that was not made",
           {unreachable("", Role::claiming), wait(200, "look", Role::claiming), unknown("", Role::claiming),
            wait(200, "look", Role::claiming)}},
          {"the leader is back meanwhile: no surrender, for the claim may be ours",
           {unreachable("", Role::claiming), accepted("", Role::claiming),
            hears(Hello{1, "a"}, "close", Role::claiming)}},
          {"the peer knows of a higher term: it may be our own",
           {unreachable("", Role::claiming), accepted("", Role::claiming), hears(Fenced{2}, "close", Role::claiming),
            wait(200, "look", Role::claiming),
            denied(2, "b", "write 2 followed; take over; release all", Role::alone)}},
      },
      follower);
  check_all(follows_in_sync(),
            {{"a claim that finds its own result was granted",
              {link_down("raise 1", Role::claiming),
               denied(2, "b", "write 2 followed; take over; release all", Role::alone)}}},
            follower);
}

TEST_CASE("who was asleep while the other took over is told so and lets nothing out") {
  check_all(
      leads_in_sync(),
      {
          {"the new leader's greeting, while deciding",
           {link_down("end join; raise 1", Role::deciding), unreachable("", Role::deciding),
            accepted("", Role::deciding),
            hears(Hello{2, "b"}, "write 2 outdated; discard; receive; say ready 2", Role::joining)}},
          {"the same while its own claim is under way: it gives up, and joins the next time",
           {link_down("end join; raise 1", Role::deciding), accepted("", Role::deciding),
            hears(Hello{2, "b"}, "write 2 outdated; discard; close", Role::standby), denied(2, "b", "", Role::standby),
            accepted("", Role::standby), hears(Hello{2, "b"}, "receive; say ready 2", Role::joining)}},
          {"its own greeting is answered by a higher term",
           {link_down("end join; raise 1", Role::deciding), unreachable("", Role::deciding),
            dialed("say hello 1", Role::deciding),
            hears(Fenced{2}, "write 2 outdated; discard; close", Role::standby)}},
          {"still linked, it hears of a higher term: that link says nothing any more",
           {hears(Ack{2, {99}, {}}, "close; end join; raise 1", Role::deciding)}},
          {"an acknowledgement of an earlier term lets nothing out",
           {hears(Ack{0, {99}, {}}, "say fenced 1", Role::paired)}},
          {"a nap of its own is no silence of the peer",
           {nap(10'000, "", Role::paired), wait(380, "", Role::paired),
            wait(20, "close; end join; raise 1", Role::deciding)}},
      },
      leader);
  const History took_over = {link_down("raise 1", Role::claiming),
                             granted(2, "b", "write 2 followed; take over; release all", Role::alone)};
  check_all(follows_in_sync() + took_over,
            {
                {"the old leader's greeting is answered by the new term",
                 {accepted("", Role::alone), hears(Hello{1, "a"}, "say fenced 2; close", Role::alone)}},
                {"its log and its acknowledgements too",
                 {accepted("", Role::alone), hears(Log{1, {99}, {}, {}}, "say fenced 2", Role::alone),
                  hears(Ack{1, {99}, {}}, "say fenced 2", Role::alone)}},
                {"it joins", {dialed("say hello 2", Role::alone), hears(Ready{2}, "begin join", Role::inviting)}},
                {"a leader of the same term cannot be",
                 {accepted("", Role::alone), hears(Hello{2, "a"}, "close", Role::alone)}},
            },
            follower);
}

TEST_CASE("a follower may take over only when it has the log of all that left before it was asked to wait for") {
  const History inviting{wait(1500, "raise 0", Role::starting),
                         granted(1, "a", "write 1 led; cold start; release all", Role::alone),
                         dialed("say hello 1", Role::alone), hears(Ready{1}, "begin join", Role::inviting)};
  check_all(inviting,
            {
                {"effects leave freely until the machine is whole there",
                 {hears(JoinData{1, {1}}, "deliver", Role::inviting), hears(Ack{1, {5}, {}}, "", Role::inviting)}},
                {"from then on they wait, and the log made after that must be acknowledged",
                 {hears(Ack{1, {5}, {}}, "", Role::inviting), hears(Joined{1}, "release 5", Role::inviting),
                  hears(Ack{1, {20}, {}}, "release 20", Role::inviting), log_sent(30, "", Role::inviting),
                  log_sent(40, "", Role::inviting), hears(Ack{1, {29}, {}}, "release 29", Role::inviting),
                  hears(Ack{1, {30}, {}}, "release 30; say inSync 1", Role::paired)}},
                {"a second word that it is whole opens nothing",
                 {hears(Joined{1}, "release 0", Role::inviting), hears(Joined{1}, "", Role::inviting)}},
                {"the standby is lost on the way: the leader has never needed it",
                 {hears(Joined{1}, "release 0", Role::inviting), link_down("end join; release all", Role::alone)}},
                {"it surrenders on the way",
                 {hears(Surrender{1, "its disk failed"}, "end join; release all; close", Role::alone)}},
                {"a second one asks", {hears(Ready{1}, "close; end join; release all", Role::alone)}},
                {"it is slow", {wait(2980, "", Role::inviting), wait(20, "close; end join; release all", Role::alone)}},
            },
            leader);
  check_all(
      {accepted("", Role::standby), hears(Hello{1, "a"}, "write 1 outdated; receive; say ready 1", Role::joining)},
      {
          {"a standby that is not in sync asks nobody when its leader is gone",
           {joined("say joined 1", Role::joining), link_down("discard", Role::standby),
            wait(60'000, "", Role::standby)}},
          {"nor can it be handed anything", {hears(HandOver{1}, "", Role::joining)}},
          {"it says that it lives while it makes its machine",
           {wait(100, "say ack 1", Role::joining), wait(2880, "say ack 1", Role::joining),
            wait(20, "close; discard", Role::standby)}},
          {"a greeting in the middle ends the conversation", {hears(Hello{1, "a"}, "close; discard", Role::standby)}},
      },
      follower);
}

TEST_CASE("after a restart the guest starts only from a disk that has all that was acknowledged") {
  struct Case {
    const char* claim;
    Standing standing;
    bool may_start;
    History history;
  };
  const std::vector<Case> cases{
      {"it led, and nobody has since",
       {3, Right::led},
       true,
       {wait(1480, "", Role::starting), wait(20, "raise 3", Role::starting),
        granted(4, "a", "write 4 led; cold start; release all", Role::alone)}},
      {"it led, and somebody has since",
       {3, Right::led},
       true,
       {wait(1500, "raise 3", Role::starting), denied(4, "b", "write 4 outdated", Role::standby),
        wait(60'000, "", Role::standby)}},
      {"it led, and a leader greets in a higher term",
       {3, Right::led},
       true,
       {accepted("", Role::starting), hears(Hello{4, "b"}, "write 4 outdated; receive; say ready 4", Role::joining)}},
      {"it led, and a leader greets in the same term, which cannot be",
       {3, Right::led},
       true,
       {accepted("", Role::starting), hears(Hello{3, "b"}, "close", Role::starting)}},
      {"it led, and an old leader greets",
       {3, Right::led},
       true,
       {accepted("", Role::starting), hears(Hello{2, "b"}, "say fenced 3; close", Role::starting)}},
      {"it led, and the arbiter has forgotten: nothing is started",
       {3, Right::led},
       true,
       {wait(1500, "raise 3", Role::starting), denied(0, "", "", Role::starting),
        wait(200, "raise 3", Role::starting)}},
      {"it led, and is told to be a standby: its disk is the newest all the same",
       {3, Right::led},
       false,
       {wait(1500, "raise 3", Role::starting), granted(4, "a", "write 4 led; cold start; release all", Role::alone)}},
      {"it is new, and told to be a standby", {}, false, {wait(60'000, "", Role::standby)}},
      {"it followed", {3, Right::followed}, true, {wait(60'000, "", Role::standby)}},
      {"it followed, and joins its leader again",
       {3, Right::followed},
       true,
       {accepted("", Role::standby), hears(Hello{3, "b"}, "write 3 outdated; receive; say ready 3", Role::joining)}},
      {"it gave up", {3, Right::outdated}, true, {wait(60'000, "", Role::standby)}},
      {"it is new, and so is the guest",
       {},
       true,
       {wait(1500, "raise 0", Role::starting), granted(1, "a", "write 1 led; cold start; release all", Role::alone)}},
      {"it is new, and the guest has run elsewhere",
       {},
       true,
       {wait(1500, "raise 0", Role::starting), denied(7, "b", "write 7 outdated", Role::standby)}},
      {"it is new, and a leader finds it in time",
       {},
       true,
       {wait(1000, "", Role::starting), accepted("", Role::starting),
        hears(Hello{7, "b"}, "write 7 outdated; receive; say ready 7", Role::joining)}},
      {"a leader finds it when it has asked already",
       {},
       true,
       {wait(1500, "raise 0", Role::starting), accepted("", Role::starting),
        hears(Hello{7, "b"}, "close", Role::starting), denied(7, "b", "write 7 outdated", Role::standby)}},
      {"it does not know what became of its claim",
       {3, Right::led},
       true,
       {wait(1500, "raise 3", Role::starting), unknown("", Role::starting), wait(200, "look", Role::starting),
        denied(4, "a", "write 4 led; cold start; release all", Role::alone)}},
      {"no arbiter",
       {3, Right::led},
       true,
       {wait(1500, "raise 3", Role::starting), unreachable("", Role::starting), wait(200, "raise 3", Role::starting)}},
  };
  for (const Case& each : cases) {
    CAPTURE(each.claim);
    Life life(each.standing, each.may_start);
    live(life, each.history);
  }
  Life forgotten(Standing{3, Right::led});
  live(forgotten, {wait(1500, "raise 3", Role::starting), denied(0, "", "", Role::starting)});
  CHECK(forgotten.replica.obstacle().find("lost") != std::string::npos);
}

TEST_CASE("handing over is a take-over of which nothing is missing, or it has not been") {
  const History asked{hand_over("freeze", Role::handing)};
  const History handed = asked + History{frozen(20, "", Role::handing),
                                         hears(Ack{1, {20}, {}}, "release 20; say handOver 1", Role::handing)};
  check_all(leads_in_sync() + handed,
            {
                {"the follower has taken over: it closes the link and greets",
                 {link_down("end join; raise 1", Role::deciding), unreachable("", Role::deciding),
                  accepted("", Role::deciding),
                  hears(Hello{2, "b"}, "write 2 outdated; discard; receive; say ready 2", Role::joining)}},
                {"the greeting comes over a new link at once",
                 {accepted("end join; raise 1", Role::deciding),
                  hears(Hello{2, "b"}, "write 2 outdated; discard; close", Role::standby)}},
                {"the follower could not: the leader goes on as before",
                 {hears(HandOverRefused{1, "no arbiter"}, "thaw", Role::paired),
                  hears(Ack{1, {30}, {}}, "release 30", Role::paired)}},
                {"it can be asked again",
                 {hears(HandOverRefused{1, "no arbiter"}, "thaw", Role::paired), hand_over("freeze", Role::handing),
                  frozen(25, "", Role::handing), hears(Ack{1, {25}, {}}, "release 25; say handOver 1", Role::handing)}},
                {"the follower lives and does nothing: after five seconds it is as good as dead",
                 {wait_with_acks(4980, {1, {20}, {}}, "release 20", Role::handing),
                  wait_with_acks(20, {1, {20}, {}}, "release 20; close; end join; raise 1", Role::deciding),
                  granted(2, "a", "write 2 led; release all; thaw", Role::alone)}},
                {"it dies", {wait(400, "close; end join; raise 1", Role::deciding)}},
                {"it gives up", {hears(Surrender{1, ""}, "end join; release all; thaw; close", Role::alone)}},
            },
            leader);
  check_all(leads_in_sync() + asked,
            {{"nothing is handed over before all is acknowledged",
              {hears(Ack{1, {19}, {}}, "release 19", Role::handing), frozen(20, "", Role::handing),
               hears(Ack{1, {19}, {}}, "release 19", Role::handing),
               hears(Ack{1, {20}, {}}, "release 20; say handOver 1", Role::handing),
               hears(Ack{1, {20}, {}}, "release 20", Role::handing)}},
             {"asking twice changes nothing", {hand_over("", Role::handing), play_dead("", Role::handing)}}},
            leader);
  const History told{hears(HandOver{1}, "raise 1", Role::claiming)};
  check_all(follows_in_sync() + told,
            {
                {"granted", {granted(2, "b", "write 2 followed; take over; close; release all", Role::alone)}},
                {"no arbiter: it refuses and follows on",
                 {unreachable("say handOverRefused 1", Role::following),
                  hears(Log{1, {30}, {}, {}}, "follow 30; say ack 1", Role::following)}},
                {"what became of the claim is not known: no word to the leader",
                 {unknown("", Role::claiming), wait(200, "look", Role::claiming), unreachable("", Role::claiming)}},
                {"the leader was first after all", {denied(2, "a", "write 2 outdated; discard", Role::standby)}},
                {"what the leader still sends is kept",
                 {hears(Log{1, {30}, {}, {}}, "follow 30; say ack 1", Role::claiming)}},
            },
            follower);
}

TEST_CASE("a leader that plays dead is dead to its follower, and goes on if there is none") {
  check_all(leads_in_sync() + History{play_dead("freeze; close", Role::handing), frozen(20, "", Role::handing)},
            {
                {"the follower took over",
                 {wait(600, "", Role::handing), accepted("", Role::handing),
                  hears(Hello{2, "b"}, "end join; write 2 outdated; discard; receive; say ready 2", Role::joining)}},
                {"nobody did",
                 {wait(4980, "", Role::handing), wait(20, "end join; raise 1", Role::deciding),
                  granted(2, "a", "write 2 led; release all; thaw", Role::alone)}},
                {"nobody did, and the arbiter says otherwise",
                 {wait(5000, "end join; raise 1", Role::deciding),
                  denied(2, "b", "write 2 outdated; discard", Role::standby)}},
            },
            leader);
}

TEST_CASE("who gives up its right writes it down first, and the other needs no arbiter then") {
  check_all(
      follows_in_sync(),
      {
          {"dismissed", {hears(Dismiss{1, "too slow"}, "write 1 outdated; discard; say surrender 1", Role::standby)}},
          {"and joined again",
           {hears(Dismiss{1, ""}, "write 1 outdated; discard; say surrender 1", Role::standby),
            link_down("", Role::standby), accepted("", Role::standby),
            hears(Hello{1, "a"}, "receive; say ready 1", Role::joining)}},
      },
      follower);
  check_all(leads_in_sync(),
            {
                {"the leader dismisses, and still waits for acknowledgements until the follower has surrendered",
                 {drop_follower("say dismiss 1", Role::paired), hears(Ack{1, {20}, {}}, "release 20", Role::paired),
                  hears(Surrender{1, ""}, "end join; release all; close", Role::alone)}},
                {"the guest has ended: whatever the peer does",
                 {machine_ended("", Role::ended), wait(60'000, "", Role::ended), hears(Fenced{9}, "", Role::ended),
                  link_down("", Role::ended)}},
            },
            leader);
}

TEST_CASE("a replica that cannot go on steps down if somebody else can, in every role") {
  struct Case {
    Role role;
    Life (*born)();
    History before;
    std::string wants;
    Role then;
  };
  const History leads = leads_in_sync(), follows = follows_in_sync();
  const auto first = [](const History& history, std::ptrdiff_t count) {
    return History(history.begin(), history.begin() + count);
  };
  const std::vector<Case> cases{
      {Role::starting, leader, {}, "", Role::starting},
      {Role::alone, leader, first(leads, 2), "", Role::alone},
      {Role::inviting, leader, first(leads, 4), "", Role::inviting},
      {Role::paired, leader, leads, "write 1 outdated; end join; close; discard", Role::standby},
      {Role::deciding, leader, leads + History{link_down("end join; raise 1", Role::deciding)}, "", Role::deciding},
      {Role::handing, leader, leads + History{hand_over("freeze", Role::handing)}, "", Role::handing},
      {Role::ended, leader, leads + History{machine_ended("", Role::ended)}, "", Role::ended},
      {Role::standby, follower, {}, "", Role::standby},
      {Role::joining, follower, first(follows, 2), "discard; say surrender 1", Role::standby},
      {Role::following, follower, follows, "write 1 outdated; discard; say surrender 1", Role::standby},
      {Role::claiming, follower, follows + History{link_down("raise 1", Role::claiming)}, "write 1 outdated; discard",
       Role::standby},
  };
  CHECK(cases.size() == static_cast<std::size_t>(Role::ended) + 1);
  for (const Case& each : cases) {
    CAPTURE(sync::to_text(each.role));
    Life life = each.born();
    live(life, each.before);
    REQUIRE(life.replica.role() == each.role);
    live(life, {step_down(each.wants, each.then)});
    if (each.then == each.role && each.role != Role::ended) CHECK(life.replica.obstacle() == "the disk failed");
  }
}

TEST_CASE("roles can be switched on purpose only while somebody is in sync") {
  Life alone = leader();
  live(alone, History{hand_over("", Role::starting), play_dead("", Role::starting)});
  Life follows = follower();
  live(follows, follows_in_sync() + History{hand_over("", Role::following), play_dead("", Role::following)});
}

TEST_CASE("only a leader that has nobody wants to be linked, and says no to a link that comes too late") {
  Life life = leader();
  live(life, {dialed("close", Role::starting)});
  CHECK(!life.replica.wants_link());
  live(life,
       {wait(1500, "raise 0", Role::starting), granted(1, "a", "write 1 led; cold start; release all", Role::alone)});
  CHECK(life.replica.wants_link());
  live(life, {dialed("say hello 1", Role::alone)});
  CHECK(!life.replica.wants_link());
  live(life, {hears(Ready{1}, "begin join", Role::inviting)});
  CHECK(life.replica.sends_log());
}

}  // namespace
}  // namespace lockstitch::sync::test

// See process.h.
#include "tests/sim/process.h"

#include <utility>

#include "tests/sim/pair.h"

namespace lockstitch::sim {

using sync::Role;

Process::Process(Pair& pair, Host& host, sync::ReplicaOptions options)
    : pair_(pair),
      host_(host),
      name_{host.name, host.processes},
      replica_(std::move(options), host.standing, pair.queue().now()),
      gate_({[this] { return now(); }, [this] { return replica_.term(); },
             [this](HostTime delay) { later(delay, [this] { leaves(); }); },
             [this](const Emitted& e, sync::Term term) {
               pair_.note([&] {
                 return to_text(name_) + " lets out effect " + std::to_string(e.ordinal) + " of life " +
                        std::to_string(e.life) + ", tick " + std::to_string(e.tick.value) +
                        (e.payload.answers != 0 ? ", answer to " + std::to_string(e.payload.answers) : "");
               });
               pair_.outside().saw(e.life, e.ordinal, e.payload, term, name_,
                                   host_.went_on_at != 0 && now() - host_.went_on_at < 50 * ms);
             }},
            pair.scenario().leave_delay, pair.scenario().plant == Plant::release_before_ack),
      core_(*this) {}

HostTime Process::now() { return pair_.queue().now(); }
Random& Process::random() { return pair_.random(); }
const Scenario& Process::scenario() { return pair_.scenario(); }
Disk& Process::disk() { return host_.disk; }

std::string Process::describe() const {
  return to_text(name_) + " is " + std::string(to_text(replica_.role())) + " in term " +
         std::to_string(replica_.term()) + (replica_.linked() ? ", linked" : ", not linked") +
         (core_.frozen() ? ", frozen" : "") + ", at tick " + std::to_string(core_.executed().value) +
         (replica_.obstacle().empty() ? "" : " (" + replica_.obstacle() + ")");
}

void Process::later(HostTime delay, std::function<void()> what) {
  pair_.queue().after(delay, [&pair = pair_, &host = host_, number = name_.number, what = std::move(what)] {
    pair.post(host, number, what);
  });
}

void Process::die(bool power_failure) {
  dead_ = true;
  for (auto* connection : {&link_, &dialed_}) {
    if (!*connection) continue;
    if (power_failure) {
      pair_.network().vanish(*connection, host_.index, false);
      host_.silent.push_back(*connection);
    } else {
      pair_.network().close(*connection, host_.index);
    }
    connection->reset();
  }
}

// ---- What happens to it

void Process::time_passes() {
  perform(replica_.time_passes(now()));
  if (dead_) return;
  flush(false);
  watch_the_end();
}

void Process::core_runs() {
  core_.run();
  if (random().chance(scenario().flush_permille)) flush(false);
}

void Process::dials() {
  if (dialed_ && now() - dialed_at_ >= 1 * s) {
    pair_.network().close(dialed_, host_.index);
    dialed_.reset();
  }
  if (dialed_ || !replica_.wants_link()) return;
  dialed_ = pair_.network().dial(host_.index);
  dialed_at_ = now();
}

void Process::heard(const std::shared_ptr<Connection>& connection, Packet packet) {
  if (std::holds_alternative<Dialed>(packet)) {
    drop_link();
    link_ = connection;
    pair_.network().send(link_, host_.index, Accepted{});
    perform(replica_.link_accepted(now()));
  } else if (std::holds_alternative<Accepted>(packet)) {
    if (connection != dialed_) return;
    dialed_.reset();
    if (!replica_.wants_link()) return pair_.network().close(connection, host_.index);
    drop_link();
    link_ = connection;
    perform(replica_.link_dialed(now()));
  } else if (std::holds_alternative<Closed>(packet)) {
    if (connection == dialed_) dialed_.reset();
    if (connection != link_) return;
    link_.reset();
    perform(replica_.link_down(now(), "the peer closed the connection"));
  } else if (connection == link_) {
    auto& message = std::get<sync::Message>(packet);
    if (scenario().plant == Plant::no_term_check) std::visit([&](auto& m) { m.term = replica_.term(); }, message);
    pair_.note([&] {
      static constexpr const char* names[] = {"Hello", "Ready",   "JoinData",  "Joined",   "InSync",          "Log",
                                              "Ack",   "Dismiss", "Surrender", "HandOver", "HandOverRefused", "Fenced"};
      std::string text =
          to_text(name_) + " hears " + names[message.index()] + " of term " + std::to_string(term_of(message));
      if (const auto* log = std::get_if<sync::Log>(&message)) {
        text += " until " + std::to_string(log->known_until.value) + ", sent " + std::to_string(log->sent_until.value);
      }
      if (const auto* ack = std::get_if<sync::Ack>(&message))
        text += " until " + std::to_string(ack->known_until.value);
      return text;
    });
    const bool joined = std::holds_alternative<sync::Joined>(message);
    perform(replica_.received(now(), std::move(message)));
    if (joined && !dead_ && scenario().plant == Plant::early_in_sync) perform(replica_.log_sent(now(), {}));
  }
}

void Process::drop_link() {
  if (link_) pair_.network().close(link_, host_.index);
  link_.reset();
}

void Process::request(RequestId id) {
  if (leads(replica_.role()) && core_.mode() == Core::Mode::leading) core_.request(id);
}

void Process::loses_link() {
  if (!link_) return;
  // This side learns of it at some time, as the other does.
  pair_.network().close(link_, host_.index);
  later(random().spread(10 * us, 50 * ms), [this, connection = link_] { heard(connection, Closed{}); });
}

void Process::faulted(Fault fault) {
  std::string why_not;
  const Role role = replica_.role();
  switch (fault) {
    case Fault::hand_over:
      return perform(replica_.hand_over(now(), why_not));
    case Fault::play_dead:
      return perform(replica_.play_dead(now(), why_not));
    case Fault::drop_follower:
      return perform(replica_.drop_follower(now(), "too slow"));
    case Fault::step_down:
      // Not while claiming: a claim on its way cannot be taken back, and whoever steps down meanwhile leaves a record
      // behind that binds its peer.
      if (role == Role::joining || role == Role::following || role == Role::paired) {
        perform(replica_.step_down(now(), "the disk failed"));
      }
      return;
    default:
      return;
  }
}

// ---- What the replica wants

void Process::perform(sync::Replica::Actions actions) {
  const Role role = replica_.role();
  for (sync::Action& action : actions) {
    if (doom_ > 0 && --doom_ == 0) pair_.kill(host_, false, "killed between two actions");
    if (dead_) return;
    std::visit([this](auto& a) { carry_out(a); }, action);
  }
  if (leads(role)) pair_.outside().leads(replica_.term(), name_);
  if (!actions.empty()) pair_.changed();
}

void Process::carry_out(sync::Send& send) {
  if (auto* ack = std::get_if<sync::Ack>(&send.message)) ack->executed = core_.executed();
  say(std::move(send.message));
}

void Process::say(sync::Message message) {
  if (link_) pair_.network().send(link_, host_.index, std::move(message));
}

void Process::carry_out(sync::CloseLink& close) {
  pair_.note([&] { return to_text(name_) + " closes the link: " + close.why; });
  drop_link();
}

void Process::carry_out(sync::Persist& persist) {
  static constexpr const char* names[] = {"fresh", "led", "followed", "outdated"};
  pair_.note([&] {
    return to_text(name_) + " writes down: term " + std::to_string(persist.standing.term) + ", " +
           names[static_cast<unsigned>(persist.standing.right)];
  });
  host_.standing = persist.standing;
}

void Process::hear_arbiter(const sync::ClaimAnswer& answer) {
  static constexpr const char* names[] = {"granted", "denied", "unreachable", "unknown"};
  pair_.note([&] {
    return to_text(name_) + " hears from the arbiter: " + names[static_cast<unsigned>(answer.claim)] + ", term " +
           std::to_string(answer.record.term) + " of '" + answer.record.holder + "'";
  });
  perform(replica_.claimed(now(), answer));
}

void Process::carry_out(sync::RaiseTerm& raise) {
  pair_.note([&] { return to_text(name_) + " claims the term after " + std::to_string(raise.expected); });
  pair_.arbiter().raise(host_.index, raise.expected, std::string(1, name_.host),
                        [&pair = pair_, &host = host_, number = name_.number, this](const sync::ClaimAnswer& answer) {
                          pair.post(host, number, [this, answer] { hear_arbiter(answer); });
                        });
}

void Process::carry_out(sync::LookAtTerm&) {
  pair_.arbiter().look(host_.index,
                       [&pair = pair_, &host = host_, number = name_.number, this](const sync::ClaimAnswer& answer) {
                         pair.post(host, number, [this, answer] { hear_arbiter(answer); });
                       });
}

void Process::carry_out(sync::BeginJoin& order) {
  ++pair_.count().joins;
  core_.end_log();
  encoder_ = {};
  known_until_ = {};
  core_.order(order);
}

void Process::carry_out(sync::EndJoin& order) {
  core_.end_log();
  core_.order(order);
}

void Process::carry_out(sync::BeginReceiving& order) {
  ++machines_;
  decoder_ = {};
  core_.order(order);
}

void Process::carry_out(sync::Follow& follow) {
  Followed followed{{}, follow.log.sent_until};
  const std::vector<std::uint8_t>& batch = follow.log.batch;
  if (scenario().real_codec) {
    if (!batch.empty() && !decoder_.decode(batch, followed.entries)) throw Violation{"a batch of the log is damaged"};
  } else if (!batch.empty()) {
    followed.entries = std::move(pair_.batches().at(batch[0] + 256u * batch[1] + 65536u * batch[2]));
  }
  core_.order(std::move(followed));
}

void Process::carry_out(sync::TakeOver& order) {
  ++pair_.count().take_overs;
  core_.order(order);
}

void Process::carry_out(sync::Discard& discard) {
  ++machines_;
  core_.end_log();
  gate_.discard();
  core_.order(discard);
}

void Process::carry_out(sync::Report& report) {
  pair_.note([&] { return to_text(name_) + " is " + report.event + ": " + report.detail; });
  pair_.provoke();
}

// ---- The log

std::vector<std::uint8_t> Process::encode(std::vector<sync::Entry> entries) {
  if (scenario().real_codec) return encoder_.encode(entries);
  auto& batches = pair_.batches();
  const auto n = static_cast<std::uint32_t>(batches.size());
  batches.push_back(std::move(entries));
  return {static_cast<std::uint8_t>(n), static_cast<std::uint8_t>(n >> 8), static_cast<std::uint8_t>(n >> 16)};
}

void Process::flush(bool anyway) {
  if (!replica_.sends_log() || !link_) return;
  const bool anything = core_.take_log(taken_);
  if (!anything && !anyway && now() - last_log_ < 100 * ms) return;
  last_log_ = now();
  sync::Log log;
  log.term = replica_.term();
  log.sent_until = core_.sent_until();
  if (anything) {
    for (const sync::Entry& entry : taken_) {
      Tick known = std::holds_alternative<sync::HorizonEntry>(entry.body) ? entry.tick + 1 : entry.tick;
      if (std::holds_alternative<sync::EndEntry>(entry.body)) known = tick_never;
      known_until_ = std::max(known_until_, known);
    }
    log.batch = encode(std::exchange(taken_, {}));
  }
  log.known_until = known_until_;
  say(std::move(log));
  perform(replica_.log_sent(now(), known_until_));
}

// ---- The core

std::uint64_t Process::new_life() { return ++pair_.count().cold_starts; }

std::uint64_t Process::keep(std::shared_ptr<History> history) {
  pair_.histories().push_back(std::move(history));
  return pair_.histories().size() - 1;
}

std::shared_ptr<History> Process::history(std::uint64_t number) { return pair_.histories().at(number); }

void Process::cold_starts() {
  pair_.note([&] { return to_text(name_) + " starts the guest at power-on"; });
  pair_.outside().expect_all_answered_in(host_.disk, to_text(name_) + ", which starts the guest anew");
}

void Process::took_over() {
  perform(replica_.took_over(now()));
  pair_.note([&] { return to_text(name_) + " took over at tick " + std::to_string(core_.executed().value); });
  pair_.outside().expect_all_answered_in(host_.disk, to_text(name_) + ", which took over");
}

void Process::send_part(std::vector<std::uint8_t> part) {
  const Role role = replica_.role();
  if (role == Role::inviting || role == Role::joining) say(sync::JoinData{replica_.term(), std::move(part)});
}

void Process::joined(std::uint64_t n) {
  later(random().below(2 * ms), [this, n] {
    if (n == machines_) perform(replica_.joined(now()));
  });
}

void Process::frozen(Tick tick) {
  later(random().below(2 * ms), [this, tick] {
    flush(true);
    perform(replica_.frozen(now(), tick));
  });
}

/// The guest has switched itself off: the peer must know, and the last effect be outside, before we may go.
void Process::watch_the_end() {
  if (!core_.ended() || farewell_) return;
  bool done = false;
  switch (replica_.role()) {
    case Role::alone:
    case Role::inviting:
      done = core_.mode() == Core::Mode::leading && gate_.empty();
      break;
    case Role::paired:
      done = replica_.acknowledged().known_until == tick_never && gate_.empty();
      if (done) flush(true);
      break;
    case Role::following:
      done = core_.leader_sent_until() == tick_never;
      break;
    default:
      break;
  }
  if (!done) return;
  farewell_ = true;
  pair_.outside().expect_last_word(core_.life());
  perform(replica_.machine_ended(now()));
  later(50 * ms, [this] { pair_.finish(host_); });
}

}  // namespace lockstitch::sim

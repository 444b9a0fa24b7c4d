// See pairing.h. Everything here but the constructor runs on the pairing's thread, which is one kj event loop.
#include "sync/peer/pairing.h"

#include <kj/async-unix.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <deque>
#include <future>
#include <thread>

#include "sync/log/file_bytes.h"
#include "sync/peer/arbiter.h"
#include "sync/peer/control_server.h"
#include "sync/peer/doorway.h"
#include "sync/peer/keys.h"
#include "sync/peer/lag_meter.h"
#include "sync/peer/link.h"
#include "sync/peer/log_feed.h"
#include "sync/peer/standing_file.h"

namespace lockstitch::sync {
namespace {

// Unit: ms.
constexpr unsigned tick_ms = 20;
constexpr int link_nice = -10;
constexpr unsigned flush_ms = 4;        ///< how long inputs that no effect waits for may be gathered
constexpr unsigned dial_ms = 200;       ///< how often a leader without a follower dials
constexpr unsigned probe_ms = 5000;     ///< how often the arbiter is asked whether it is there
constexpr unsigned farewell_ms = 1000;  ///< how long the end of the log may take to reach the peer

// Unit: ns. A follower this far behind slows its leader down; further behind it is dropped.
constexpr std::uint64_t slow_down_ns = 200 * ms, drop_ns = 10'000 * ms;

std::string text_of(const kj::Exception& exception) { return exception.getDescription().cStr(); }

}  // namespace

struct Pairing::Thread final : LinkListener, DoorwayOwner, ControlHandler, kj::TaskSet::ErrorHandler {
  Thread(PairingOptions with, Desk& d) : options(std::move(with)), desk(d) {}
  ~Thread() noexcept(false) override = default;

  // ---- Life of the thread

  void main(std::promise<Outcome> ready) {
    sigset_t all;
    sigfillset(&all);
    for (const int fault : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP}) sigdelset(&all, fault);
    ::pthread_sigmask(SIG_BLOCK, &all, nullptr);
    // An effect waits for this thread here and at the peer; it works for microseconds at a time. Without the right to
    // it things are as they were.
    (void)::setpriority(PRIO_PROCESS, 0, link_nice);
    bool told = false;
    try {
      auto io_context = kj::setupAsyncIo();
      io = &io_context;
      tasks = kj::heap<kj::TaskSet>(*this);
      const Outcome begun = begin();
      told = true;
      ready.set_value(begun);
      if (begun) {
        auto stop = kj::newPromiseAndFulfiller<void>();
        stopper = kj::mv(stop.fulfiller);
        stop.promise.wait(io_context.waitScope);
      }
      desk.end_log();
      tasks = nullptr;
      link = nullptr;
      retired.clear();
      control = nullptr;
      doorway = nullptr;
      bell = nullptr;
      arbiter = nullptr;
    } catch (const kj::Exception& exception) {
      if (!told) ready.set_value(Error{ExitCode::unavailable, text_of(exception)});
      desk.fail("the pair's thread has failed: " + text_of(exception));
    }
  }

  Outcome begin() {
    auto loaded = load_keys(options.keys);
    if (!loaded.ok()) return loaded.error();
    keys = std::move(loaded).value();
    if (options.replica.name.empty()) options.replica.name = keys.name;
    auto made = make_arbiter(options.arbiter, options.pair, keys, *io);
    if (!made.ok()) return made.error();
    arbiter = kj::mv(made.value());
    auto file = StandingFile::open(options.state, options.pair);
    if (!file.ok()) return file.error();
    standing_file = std::move(file).value();
    replica.emplace(options.replica, standing_file->standing(), now());
    was_role = replica->role();
    started = now();

    doorway = kj::heap<Doorway>(*io, make_tls(keys), *this);
    if (const Outcome listens = doorway->listen(options.listen, now()); !listens) return listens;
    auto opened = ControlServer::open(*io, options.control, options.metrics, *this);
    if (!opened.ok()) return opened.error();
    control = kj::mv(opened.value());

    bell = kj::heap<kj::UnixEventPort::FdObserver>(io->unixEventPort, desk.bell_fd(),
                                                   kj::UnixEventPort::FdObserver::OBSERVE_READ);
    tasks->add(bell_loop());
    tasks->add(tick_loop());
    tasks->add(dial_loop());
    tasks->add(probe_loop());
    for (const int signal : {SIGINT, SIGTERM}) tasks->add(signal_loop(signal));
    event({"started", std::string(to_text(replica->role())) + ", term " + std::to_string(replica->term())});
    return success();
  }

  HostTime now() const {
    timespec t{};
    ::clock_gettime(CLOCK_MONOTONIC, &t);
    return static_cast<HostTime>(t.tv_sec) * 1'000'000'000 + static_cast<HostTime>(t.tv_nsec);
  }
  kj::Timer& timer() { return io->provider->getTimer(); }
  kj::Promise<void> after(unsigned milliseconds) { return timer().afterDelay(milliseconds * kj::MILLISECONDS); }

  void taskFailed(kj::Exception&& exception) override { event({"trouble", text_of(exception)}); }

  // ---- Loops

  kj::Promise<void> dial_loop() {
    return after(dial_ms).then([this] {
      if (!options.peer.empty() && replica->wants_link()) doorway->dial(options.peer, now());
      return dial_loop();
    });
  }

  kj::Promise<void> bell_loop() {
    return bell->whenBecomesReadable().then([this] {
      desk.clear_bell();
      if (desk.quitting()) stopper->fulfill();
      for (CoreReport& report : desk.take_reports()) core_reports(report);
      pump();
      if (desk.take_hurry()) {
        flush();
      } else if (desk.log_waits() && !flush_planned) {
        flush_planned = true;
        tasks->add(after(flush_ms).then([this] {
          flush_planned = false;
          flush();
        }));
      }
      return bell_loop();
    });
  }

  kj::Promise<void> tick_loop() {
    return after(tick_ms).then([this] {
      perform(replica->time_passes(now()));
      flush();
      watch_lag();
      doorway->time_passes(now());
      retired.clear();
      return tick_loop();
    });
  }

  kj::Promise<void> signal_loop(int signal) {
    return io->unixEventPort.onSignal(signal).then([this, signal](siginfo_t&&) {
      asked_to_end();
      return signal_loop(signal);
    });
  }

  // ---- The link

  LinkListener& listener() override { return *this; }

  void write_greeting(schema::Greeting::Builder to) override {
    to.setProtocol(schema::PROTOCOL_VERSION);
    to.setName(options.replica.name);
    to.setPair(options.pair);
    to.setAddress(options.listen);
    const auto machine = encode_header(options.machine);
    to.setMachine({machine.data(), machine.size()});
  }

  std::string answer_greeting(schema::Greeting::Reader greeting) override {
    const std::string who = "'" + std::string(greeting.getName()) + "'";
    std::string refusal;
    if (greeting.getProtocol() != schema::PROTOCOL_VERSION) {
      refusal = "protocol " + std::to_string(greeting.getProtocol()) + " is not ours, " +
                std::to_string(schema::PROTOCOL_VERSION) + "; use the same version of Lockstitch on both hosts";
    } else if (std::string(greeting.getPair()) != options.pair) {
      refusal = "the pair is '" + std::string(greeting.getPair()) + "', not '" + options.pair + "'";
    } else if (std::string(greeting.getName()) == options.replica.name) {
      refusal = "both replicas are named '" + options.replica.name + "'; give one another --name";
    } else {
      const auto machine = greeting.getMachine();
      auto header = decode_header({machine.begin(), machine.size()});
      if (!header.ok()) {
        refusal = "the description of the machine " + header.error().text;
      } else if (const std::string differs = difference(options.machine, header.value()); !differs.empty()) {
        refusal = "the machines differ in " + differs;
      } else {
        leaders_machine = std::move(header).value();
        if (options.peer.empty()) options.peer = greeting.getAddress();
      }
    }
    if (!refusal.empty()) event({"refused", who + ": " + refusal});
    return refusal;
  }

  /// The newest conversation is the one that counts.
  void met(kj::Own<Link> begun_link) override {
    if (begun_link->was_dialed() && !replica->wants_link()) {
      begun_link->mute();
      retired.push_back(kj::mv(begun_link));
      return;
    }
    drop_link();
    link = kj::mv(begun_link);
    if (link->was_dialed()) {
      peer_trouble.clear();
      perform(replica->link_dialed(now()));
    } else {
      perform(replica->link_accepted(now()));
    }
  }

  // Of links that were met: greeted and begun already.
  std::string greeted(schema::Greeting::Reader) override { return "one greeting is enough"; }
  void begun(Link&) override {}

  void heard(Link& from, Message message) override {
    if (link.get() != &from) return;
    perform(replica->received(now(), std::move(message)));
    lag.acknowledged(replica->acknowledged(), now());
    pump();
  }

  void ended(Link& ended_link, const std::string& why) override {
    ended_link.mute();
    if (link.get() != &ended_link) return;
    retired.push_back(kj::mv(link));
    perform(replica->link_down(now(), why));
  }

  kj::Promise<void> room() override {
    if (desk.parts_in_bytes() < Desk::parts_max_bytes) return kj::READY_NOW;
    return after(2).then([this] { return room(); });
  }

  void drop_link() {
    if (link.get() == nullptr) return;
    link->mute();
    retired.push_back(kj::mv(link));
  }

  void stranger(const std::string& why) override { event({"stranger", "a connection was refused: " + why}); }

  void away(const std::string& why) override {
    if (peer_trouble == why) return;
    peer_trouble = why;
    event({"peer_away", why});
  }

  void say(const Message& message) {
    if (link.get() == nullptr) return;
    // A failed call means that the connection is gone, which the link tells by itself.
    tasks->add(link->say(message).catch_([](kj::Exception&&) {}));
  }

  // ---- What the state machine wants

  void perform(Replica::Actions actions) {
    for (Action& action : actions) std::visit([this](auto& a) { carry_out(a); }, action);
    if (replica->role() != was_role) {
      was_role = replica->role();
      end_if_asked();
    }
  }

  void carry_out(Send& a) {
    if (auto* ack = std::get_if<Ack>(&a.message)) ack->executed = {desk.figures.tick.load()};
    say(a.message);
  }
  void carry_out(CloseLink& a) {
    if (link.get() != nullptr && link->was_dialed() && replica->role() == Role::alone) {
      doorway->not_before(now() + (joins_failed ? Doorway::dial_again_ms : 2 * dial_ms) * ms);
    }
    event({"link_closed", a.why});
    // The last words must get out first.
    if (link.get() != nullptr) {
      link->mute();
      auto leaving = kj::mv(link);
      tasks->add(after(50).attach(kj::mv(leaving)));
    }
  }
  void carry_out(Persist& a) {
    const Outcome written = standing_file->write(a.standing);
    if (written) return;
    // Whatever comes next might rest on it.
    event({"failed", written.error().text});
    desk.end_log();
    drop_link();
    desk.fail(written.error().text);
  }
  void carry_out(RaiseTerm& a) { hear_arbiter(arbiter->claim(a.expected, options.replica.name)); }
  void carry_out(LookAtTerm&) { hear_arbiter(arbiter->read()); }
  void carry_out(ColdStart&) { give(OrderKind::cold_start); }
  void carry_out(BeginJoin&) {
    give(OrderKind::begin_join);
    begin_stream();
    joins_failed = true;  // until it has not
  }
  void carry_out(EndJoin&) {
    give(OrderKind::end_join);
    desk.end_log();
  }
  void carry_out(BeginReceiving&) {
    desk.order({OrderKind::begin_receiving, "", leaders_machine});
    begin_stream();
    ++joins;
  }
  void begin_stream() {
    feed.begin();
    decoder = EntryDecoder();
    unpacker.begin();
    received_bytes = received_messages = 0;
    lag.reset();
  }
  void carry_out(Deliver& a) {
    if (const Outcome delivered = desk.deliver_part(a.data.part); !delivered) {
      perform(replica->step_down(now(), delivered.error().text));
    }
  }
  void carry_out(Follow& a) {
    ++received_messages;
    received_bytes += a.log.batch.size();
    std::vector<Entry> entries;
    if (!a.log.batch.empty()) {
      const auto batch = unpacker.unpack(a.log.batch);
      const Outcome decoded = batch.ok() ? decoder.decode(batch.value(), entries) : batch.error();
      if (!decoded) {
        perform(replica->step_down(now(), "the log is damaged: " + decoded.error().text));
        return;
      }
    }
    desk.deliver(std::move(entries), a.log.sent_until);
  }
  void carry_out(TakeOver&) {
    ++take_overs;
    give(OrderKind::take_over);
  }
  void carry_out(Release& a) { desk.release(a.until); }
  void carry_out(Freeze&) { give(OrderKind::freeze); }
  void carry_out(Thaw&) { give(OrderKind::thaw); }
  void carry_out(Discard& a) {
    give(OrderKind::discard, a.why);
    desk.end_log();
  }
  void carry_out(Report& a) {
    if (a.event == "paired") joins_failed = false;
    event(a);
  }

  void hear_arbiter(kj::Promise<ClaimAnswer> answer) {
    tasks->add(answer.then([this](ClaimAnswer&& told) {
      note_arbiter(told);
      perform(replica->claimed(now(), told));
    }));
  }

  /// A pair lives on while its arbiter is gone, but would not outlive a failure: somebody should know before that.
  kj::Promise<void> probe_loop() {
    return after(probe_ms).then([this] { return arbiter->read(); }).then([this](ClaimAnswer&& told) {
      note_arbiter(told);
      return probe_loop();
    });
  }

  void note_arbiter(const ClaimAnswer& told) {
    const bool bad = told.claim == Claim::unreachable || told.claim == Claim::unknown;
    const std::string trouble = bad ? told.why : "";
    if (trouble == arbiter_trouble) return;
    arbiter_trouble = trouble;
    event({"arbiter", trouble.empty() ? "answers" : trouble});
  }

  void give(OrderKind kind, const std::string& why = "") { desk.order({kind, why, std::nullopt}); }

  void event(const Report& report) { options.on_event(report, status()); }

  // ---- The log

  void flush() {
    if (!replica->sends_log() || link.get() == nullptr) return;
    const auto log = feed.next(replica->term(), now(), options.replica.heartbeat);
    if (!log) return;
    lag.recorded(log->known_until, now());
    say(*log);
    perform(replica->log_sent(now(), log->known_until));
  }

  void pump() {
    const Role role = replica->role();
    if (part_on_its_way || link.get() == nullptr || (role != Role::inviting && role != Role::joining)) return;
    auto part = desk.take_outgoing_part();
    if (!part) return;
    const std::size_t bytes = part->size();
    part_on_its_way = true;
    tasks->add(
        link->say(JoinData{replica->term(), std::move(*part)}).catch_([](kj::Exception&&) {}).then([this, bytes] {
          part_on_its_way = false;
          desk.part_sent(bytes);
          pump();
        }));
  }

  void watch_lag() {
    log_rate.note(feed.bytes() + received_bytes, now());
    const std::uint64_t behind = lag.behind_ns(now());
    if (replica->role() != Role::paired) return desk.set_rest(0);
    if (behind >= drop_ns) {
      perform(replica->drop_follower(now(), "it is " + std::to_string(behind / ms) + " ms behind"));
    }
    const std::uint64_t over = behind > slow_down_ns ? behind - slow_down_ns : 0;
    desk.set_rest(static_cast<unsigned>(std::min<std::uint64_t>(over / (2 * ms), 800)));
  }

  // ---- The core and the operator

  void core_reports(const CoreReport& report) {
    switch (report.kind) {
      case CoreReport::Kind::joined:
        perform(replica->joined(now()));
        break;
      case CoreReport::Kind::frozen:
        flush();
        perform(replica->frozen(now(), report.tick));
        break;
      case CoreReport::Kind::step_down:
        event({"cannot_go_on", report.why});
        perform(replica->step_down(now(), report.why));
        break;
      case CoreReport::Kind::took_over:
        event({"took_over", report.why});
        perform(replica->took_over(now()));
        break;
      case CoreReport::Kind::ended:
        flush();
        wait_for_farewell(now() + farewell_ms * ms);
        break;
    }
  }

  void wait_for_farewell(HostTime until) {
    const Role role = replica->role();
    if (!leads(role)) return;
    // What the guest sent last may still be held: until it is known who leads, nothing is over.
    const bool open = role == Role::deciding || role == Role::handing;
    const bool known = !replica->sends_log() || replica->acknowledged().known_until == tick_never;
    if (!open && (known || now() >= until)) {
      perform(replica->machine_ended(now()));
      tasks->add(after(50).then([this] { give(OrderKind::end, "the guest has ended"); }));
      return;
    }
    tasks->add(after(5).then([this, until] { wait_for_farewell(until); }));
  }

  void asked_to_end() {
    if (std::exchange(ending, true)) {
      // Asked twice: now.
      give(OrderKind::end, "asked twice to end");
      return;
    }
    std::string why_not;
    perform(replica->hand_over(now(), why_not));
    end_if_asked();
  }
  /// Not while somebody else is about to take over from us.
  void end_if_asked() {
    if (!ending || replica->role() == Role::handing || replica->role() == Role::deciding) return;
    if (replica->role() == Role::following) perform(replica->step_down(now(), "asked to end"));
    tasks->add(after(50).then([this] { give(OrderKind::end, "asked to end"); }));
  }

  std::string command(const std::string& line) override {
    std::string why_not;
    if (line == "status") return options.status_text(status());
    if (line == "failover") {
      perform(replica->hand_over(now(), why_not));
    } else if (line == "test-failover") {
      perform(replica->play_dead(now(), why_not));
    } else {
      why_not = "this command is not known";
    }
    return why_not.empty() ? "ok" : "error " + why_not;
  }
  std::string metrics() override { return options.metrics_text(status()); }

  PairStatus status() {
    PairStatus s;
    s.name = options.replica.name;
    s.pair = options.pair;
    s.role = to_text(replica->role());
    s.obstacle = replica->obstacle();
    s.term = replica->term();
    s.linked = replica->linked();
    s.frozen = replica->frozen();
    s.tick = {desk.figures.tick.load()};
    s.ns = {desk.figures.virtual_ns.load()};
    if (replica->sends_log()) {
      const Ack& ack = replica->acknowledged();
      s.lag_ticks = s.tick > ack.executed ? s.tick - ack.executed : 0;
      s.lag_ns = lag.behind_ns(now());
      s.round_trip_ns = lag.round_trip_ns();
    }
    s.log_bytes = feed.bytes() + received_bytes;
    s.log_messages = feed.messages() + received_messages;
    s.log_bits_per_second = log_rate.bits_per_second();
    s.join_done_bytes = desk.figures.join_done_bytes;
    s.join_total_bytes = desk.figures.join_total_bytes;
    s.blackout_ns = desk.figures.blackout_ns;
    s.released = desk.released();
    s.recorded = feed.known_until();
    s.last_agreement = {desk.figures.last_agreement.load()};
    s.digests_compared = desk.figures.digests_compared;
    s.joins = joins;
    s.take_overs = take_overs;
    s.arbiter = options.arbiter;
    s.arbiter_trouble = arbiter_trouble;
    s.peer_trouble = peer_trouble;
    return s;
  }

  PairingOptions options;
  Desk& desk;
  std::thread thread;
  kj::Own<kj::PromiseFulfiller<void>> stopper;

  kj::AsyncIoContext* io = nullptr;
  kj::Own<kj::TaskSet> tasks;
  Keys keys;
  kj::Own<Doorway> doorway;
  kj::Own<Arbiter> arbiter;
  std::optional<StandingFile> standing_file;
  std::optional<Replica> replica;
  Role was_role = Role::standby;
  HostTime started = 0;
  kj::Own<ControlServer> control;
  kj::Own<kj::UnixEventPort::FdObserver> bell;

  kj::Own<Link> link;
  std::deque<kj::Own<Link>> retired;  ///< to be destroyed when none of their calls is on the stack
  std::string peer_trouble, arbiter_trouble;
  Header leaders_machine;

  LogFeed feed{desk};
  EntryDecoder decoder;
  LogUnpacker unpacker;
  bool flush_planned = false, part_on_its_way = false, joins_failed = false, ending = false;
  std::uint64_t received_bytes = 0, received_messages = 0, joins = 0, take_overs = 0;
  LagMeter lag;
  RateMeter log_rate;
};

Pairing::Pairing(std::unique_ptr<Thread> thread) : thread_(std::move(thread)) {}

Result<std::unique_ptr<Pairing>> Pairing::open(PairingOptions options, Desk& desk) {
  auto thread = std::make_unique<Thread>(std::move(options), desk);
  std::promise<Outcome> ready;
  auto begun = ready.get_future();
  Thread* raw = thread.get();
  raw->thread = std::thread([raw, ready = std::move(ready)]() mutable { raw->main(std::move(ready)); });
  const Outcome outcome = begun.get();
  if (!outcome) {
    raw->thread.join();
    return outcome.error();
  }
  return std::unique_ptr<Pairing>(new Pairing(std::move(thread)));
}

Pairing::~Pairing() {
  thread_->desk.quit();
  thread_->thread.join();
}

void Pairing::take_signals() {
  for (const int signal : {SIGINT, SIGTERM}) kj::UnixEventPort::captureSignal(signal);
}

}  // namespace lockstitch::sync

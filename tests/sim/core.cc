// See core.h.
#include "tests/sim/core.h"

#include <algorithm>
#include <string>
#include <utility>

namespace lockstitch::sim {
namespace {

/// Unit: ticks. A host ms is one; a machine that was stopped for long does not run after the clock.
constexpr std::uint64_t ticks_at_once_max = 30;

/// First byte of a part.
constexpr std::uint8_t some_disk = 0, whole_machine = 1, note_of_standby = 2;

std::vector<std::uint8_t> with_tag(std::uint8_t tag, std::uint64_t number) {
  std::vector<std::uint8_t> part{tag};
  for (unsigned i = 0; i < 8; ++i) part.push_back(static_cast<std::uint8_t>(number >> (8 * i)));
  return part;
}

}  // namespace

/// Clients' requests, each at the tick at which the machine happens to be.
class Core::Live final : public Source {
 public:
  explicit Live(Core& core) : core_(core) {}
  std::optional<Arrival> take(Moment now) override {
    if (core_.requests_.empty()) return std::nullopt;
    if (core_.world_.random().chance(50)) core_.world_.hurry();
    const RequestId id = core_.requests_.front();
    core_.requests_.pop_front();
    std::vector<std::uint8_t> payload;
    for (unsigned i = 0; i < 8; ++i) payload.push_back(static_cast<std::uint8_t>(std::uint64_t{id} >> (8 * i)));
    return Arrival{now.tick, ToyMachine::port, {}, std::move(payload)};
  }
  Tick next_known() const override { return tick_never; }
  Tick horizon() const override { return tick_never; }
  Tick idle(Moment, Moment until) override { return until.tick; }

 private:
  Core& core_;
};

/// Leads to whoever joins, most of the time to nobody.
class Core::Tape final : public sync::LogStream {
 public:
  explicit Tape(Core& core) : core_(core) {}
  void append(sync::Entry entry) override {
    if (core_.log_) core_.log_->append(std::move(entry));
  }
  void passed(Tick tick) override {
    if (core_.log_) core_.log_->passed(tick);
  }

 private:
  Core& core_;
};

/// From the recorder to the gate.
class Core::Outlet final : public Sink {
 public:
  explicit Outlet(Core& core) : core_(core) {}
  void effect(const Effect& effect) override {
    World& world = core_.world_;
    const bool waits =
        world.gate().add({core_.guest_->machine->life(), effect.tick, effect.ordinal, payload_of(effect.payload)});
    if (waits && world.random().chance(world.scenario().hurry_permille)) world.hurry();
  }
  void digest(Tick, const Digest&) override {}

 private:
  Core& core_;
};

/// Keeps what the leader may not have let out.
class Core::Shadow final : public Sink {
 public:
  explicit Shadow(Core& core) : core_(core) {}
  void effect(const Effect& effect) override {
    core_.shadow_.push_back({core_.guest_->machine->life(), effect.tick, effect.ordinal, payload_of(effect.payload)});
  }
  void digest(Tick, const Digest&) override {}

 private:
  Core& core_;
};

/// Plant::dropped_entry.
class Core::Losing final : public Source {
 public:
  Losing(Core& core, Source& next) : core_(core), next_(next) {}
  std::optional<Arrival> take(Moment now) override {
    auto arrival = next_.take(now);
    const bool loses = core_.world_.scenario().plant == Plant::dropped_entry && core_.mode_ == Mode::taking_over;
    if (arrival && loses && !std::exchange(lost_, true)) return next_.take(now);
    return arrival;
  }
  Tick next_known() const override { return next_.next_known(); }
  Tick horizon() const override { return next_.horizon(); }
  Tick idle(Moment now, Moment until) override { return next_.idle(now, until); }

 private:
  Core& core_;
  Source& next_;
  bool lost_ = false;
};

void Core::run() {
  while (!orders_.empty()) {
    Order order = std::move(orders_.front());
    orders_.pop_front();
    std::visit([this](auto& o) { take(o); }, order);
  }
  if (guest_ && !frozen_) {
    switch (mode_) {
      case Mode::empty:
      case Mode::receiving:
        break;
      case Mode::following: {
        // Behind the end of the log nothing comes.
        const Tick known = guest_->cursor->known_until();
        follow(2 * ticks_at_once_max, known == tick_never || known == Tick{} ? known : Tick{known.value - 1});
        forget_sent();
        break;
      }
      case Mode::taking_over:
        follow(world_.scenario().catch_up_ticks, guest_->cursor->known_until());
        if (ended() || executed() >= guest_->cursor->known_until()) went_live();
        break;
      case Mode::leading:
        run_live();
        break;
    }
  }
  ran_until_ = world_.now();
}

// ---- Orders

void Core::begin_history() {
  guest_->history = std::make_shared<History>(History{guest_->machine->tick(), {}});
  guest_->history_number = world_.keep(guest_->history);
  remember();
}

void Core::remember() {
  History& mine = *guest_->history;
  const Tick tick = guest_->machine->tick();
  if (tick.value < mine.from.value + mine.sums.size()) return;
  mine.sums.push_back(guest_->machine->sum());
  if (!guest_->leaders) return;
  const History& theirs = *guest_->leaders;
  const std::uint64_t at = tick - theirs.from;
  if (at >= theirs.sums.size())
    throw Violation{"a follower ran ahead of its leader, to tick " + std::to_string(tick.value)};
  if (theirs.sums[at] != mine.sums.back()) {
    throw Violation{"leader and follower differ at tick " + std::to_string(tick.value)};
  }
}

void Core::take(sync::ColdStart&) {
  world_.cold_starts();
  guest_.emplace();
  requests_.clear();
  guest_->machine = std::make_unique<ToyMachine>(world_.new_life(), world_.disk());
  begin_history();
  lead();
}

void Core::lead() {
  Guest& g = *guest_;
  g.cursor.reset();
  g.leaders.reset();
  g.live = std::make_unique<Live>(*this);
  g.tape = std::make_unique<Tape>(*this);
  g.outlet = std::make_unique<Outlet>(*this);
  g.source = std::make_unique<sync::RecordingSource>(*g.live, *g.tape, *g.machine);
  g.sink = std::make_unique<sync::RecordingSink>(*g.outlet, *g.source, *g.tape, *g.machine);
  mode_ = Mode::leading;
  ran_until_ = world_.now();
}

void Core::take(sync::BeginJoin&) {
  inviting_ = true;
  noted_ = false;
  parts_left_ = static_cast<unsigned>(world_.random().below(5));
}

void Core::take(sync::EndJoin&) { inviting_ = false; }

void Core::take(sync::BeginReceiving&) {
  ++machines_;
  guest_.reset();
  shadow_.clear();
  requests_.clear();
  leader_sent_until_ = {};
  frozen_ = inviting_ = false;
  mode_ = Mode::receiving;
  world_.send_part(with_tag(note_of_standby, 0));
}

void Core::take(sync::Deliver& deliver) {
  const std::vector<std::uint8_t>& part = deliver.data.part;
  if (part.empty()) return;
  if (part[0] == note_of_standby) noted_ = true;
  if (mode_ != Mode::receiving) return;
  if (part[0] == some_disk) world_.disk().rows.clear();  // half of it is the leader's by now: useless
  if (part[0] != whole_machine || guest_) return;
  guest_.emplace();
  guest_->machine = std::make_unique<ToyMachine>(Bytes(part).subspan(9), world_.disk());
  std::uint64_t number = 0;
  for (unsigned i = 0; i < 8; ++i) number |= std::uint64_t{part[1 + i]} << (8 * i);
  guest_->leaders = world_.history(number);
  begin_history();
  Guest& g = *guest_;
  g.cursor = std::make_unique<sync::ReplayCursor>(g.machine->tick());
  g.shadow = std::make_unique<Shadow>(*this);
  g.replaying = std::make_unique<sync::ReplayingSource>(*g.cursor, *g.machine);
  g.losing = std::make_unique<Losing>(*this, *g.replaying);
  g.checking = std::make_unique<sync::CheckingSink>(*g.cursor, *g.machine, *g.shadow,
                                                    [](Tick, Bytes, Bytes) { return std::nullopt; });
  mode_ = Mode::following;
  world_.joined(machines_);
}

void Core::take(Followed& followed) {
  leader_sent_until_ = std::max(leader_sent_until_, followed.sent_until);
  if (mode_ != Mode::following) return;
  for (sync::Entry& entry : followed.entries) {
    const bool early = world_.scenario().plant == Plant::early_arrival && sync::is_input(entry);
    if (early && entry.tick > executed()) entry.tick = {entry.tick.value - 1};
    guest_->cursor->feed(std::move(entry));
  }
}

void Core::take(sync::TakeOver&) {
  if (!guest_) throw Violation{"told to take over, but there is no machine"};
  mode_ = Mode::taking_over;
}

void Core::take(sync::Freeze&) {
  frozen_ = true;
  world_.frozen(executed());
}

void Core::take(sync::Thaw&) {
  frozen_ = false;
  ran_until_ = world_.now();
}

void Core::take(sync::Discard&) {
  ++machines_;
  guest_.reset();
  shadow_.clear();
  requests_.clear();
  frozen_ = inviting_ = false;
  mode_ = Mode::empty;
}

// ---- As leader

void Core::run_live() {
  std::uint64_t ticks = std::min((world_.now() - ran_until_) / ms, ticks_at_once_max);
  // The log may leave in the middle of a tick, and the process die of what follows.
  while (ticks-- > 0 && !ended() && !world_.dead()) {
    guest_->machine->step(*guest_->source, *guest_->sink);
    remember();
    if (ended()) guest_->tape->append({executed(), sync::EndEntry{0, 0, guest_->machine->digest()}});
  }
  if (inviting_ && noted_ && !ended() && world_.random().chance(300)) send_machine();
}

void Core::send_machine() {
  if (parts_left_ > 0) {
    --parts_left_;
    world_.send_part(with_tag(some_disk, 0));
    return;
  }
  inviting_ = false;
  std::vector<std::uint8_t> part = with_tag(whole_machine, guest_->history_number);
  const auto saved = guest_->machine->save();
  part.insert(part.end(), saved.begin(), saved.end());
  world_.send_part(std::move(part));
  log_ = std::make_unique<sync::LogQueue>();
}

Tick Core::sent_until() {
  if (!guest_ || mode_ != Mode::leading) return {};
  return world_.gate().sent_until(ended() ? tick_never : executed());
}

// ---- As follower

void Core::follow(std::uint64_t ticks, Tick limit) {
  Guest& g = *guest_;
  while (ticks-- > 0 && executed() < limit && !ended()) {
    g.machine->step(*g.losing, *g.checking);
    remember();
  }
  if (const auto& divergence = g.cursor->divergence()) {
    throw Violation{"the follower says it diverged in '" + divergence->component + "' at tick " +
                    std::to_string(divergence->tick.value) + ": " + divergence->expected + ", " + divergence->got};
  }
}

void Core::forget_sent() {
  while (!shadow_.empty() && shadow_.front().tick < leader_sent_until_) shadow_.pop_front();
}

void Core::went_live() {
  world_.took_over();
  forget_sent();
  lead();
  for (const Emitted& effect : std::exchange(shadow_, {})) world_.gate().add(effect);
}

}  // namespace lockstitch::sim

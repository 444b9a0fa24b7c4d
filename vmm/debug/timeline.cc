// See timeline.h.
#include "vmm/debug/timeline.h"

#include <algorithm>
#include <chrono>

#include "lockstitch/assert.h"
#include "vmm/debug/guest_access.h"

namespace lockstitch::debug {
namespace {

/// Unit: ticks. From the nearest mark in front of a goal to the goal; the marks before lie four times as far each.
constexpr std::uint64_t nearest_mark_ticks = 512, farthest_mark_ticks = 1ull << 33;
/// Unit: ticks. Running so far costs as much as setting the machine to a mark.
constexpr std::uint64_t worth_a_restore_ticks = 500'000;
/// Unit: ticks. Of the stretch that steps backwards go along.
constexpr std::uint64_t stretch_ticks = 1500;
/// Unit: ms. Between two marks of a long run.
constexpr std::int64_t mark_every_ms = 250;
/// Marks may slow a run by one in so many.
constexpr std::int64_t mark_cost_factor = 25;
/// Unit: passes. Between two looks whether the person has had enough.
constexpr unsigned passes_between_looks = 8;

std::int64_t host_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

bool stands_on_breakpoint(Machine& machine, const WatchSet& set) {
  if (set.breakpoints.empty()) return false;
  const CpuState cpu = machine.cpu();
  return cpu.activity == Activity::running &&
         std::find(set.breakpoints.begin(), set.breakpoints.end(), linear_rip(cpu)) != set.breakpoints.end();
}

/// Nothing is watched any more when it ends.
class Watching {
 public:
  Watching(Machine& machine, const WatchSet& set) : machine_(machine), nothing_(set.empty()) {
    if (!nothing_) machine_.set_watched(set);
  }
  ~Watching() {
    if (!nothing_) machine_.set_watched({});
  }
  Watching(const Watching&) = delete;
  Watching& operator=(const Watching&) = delete;

 private:
  Machine& machine_;
  const bool nothing_;
};

}  // namespace

class Timeline::OnceSink final : public Sink {
 public:
  explicit OnceSink(Sink& next) : next_(next) {}
  void effect(const Effect& effect) override {
    if (effect.tick < passed_) return;
    next_.effect(effect);
    newest_ = effect.tick;
  }
  void digest(Tick, const Digest&) override {}
  /// The machine was set back to an earlier moment.
  void set_back() { passed_ = std::max(passed_, newest_ + 1); }

 private:
  Sink& next_;
  Tick passed_, newest_;
};

Timeline::Timeline(Machine& machine, const Disks& disks, sync::EntryStream& log, sync::Probe& probe,
                   sync::StateComparer compare, Sink& effects, const TimelineOptions& options)
    : machine_(machine),
      log_(log),
      probe_(probe),
      compare_(std::move(compare)),
      effects_(std::make_unique<OnceSink>(effects)),
      options_(options),
      marks_(machine, disks, options.budget_bytes),
      mark_at_ms_(host_ms() + mark_every_ms) {
  begin_at_machine();
}

Timeline::~Timeline() = default;

void Timeline::begin_at_machine() {
  log_.wind_to(machine_.tick());
  cursor_ = std::make_unique<sync::ReplayCursor>(log_, machine_.tick());
  replaying_ = std::make_unique<sync::ReplayingSource>(*cursor_, probe_);
  checking_ = std::make_unique<sync::CheckingSink>(*cursor_, probe_, *effects_, compare_);
  ended_ = false;
}

bool Timeline::set_back(Tick mark) {
  const Outcome restored = marks_.restore(mark);
  if (!restored.ok()) {
    trouble_ = restored.error().text;
    return false;
  }
  effects_->set_back();
  diverted_from_.reset();
  machine_.take_hit();  // putting pages back counts as writing
  begin_at_machine();
  return true;
}

Source& Timeline::source() { return diverted() ? static_cast<Source&>(quiet_) : *replaying_; }
Sink& Timeline::sink() { return diverted() ? static_cast<Sink&>(*effects_) : *checking_; }

// What a pass came to: nothing if it may go on.
std::optional<Arrived> Timeline::note(const std::optional<End>& end) {
  if (!diverted() && cursor_->divergence()) {
    const Divergence& what = *cursor_->divergence();
    trouble_ = "the replay diverged from the recording at tick " + std::to_string(what.tick.value) + " (" +
               what.component + "): what is seen from here on did not happen";
    cursor_ = nullptr;
    begin_at_machine();
    return Arrived::history_end;
  }
  if (!diverted() && !cursor_->trouble().ok()) {
    trouble_ = cursor_->trouble().error().text;
    return Arrived::history_end;
  }
  if (!end) return std::nullopt;
  if (end->reason == EndReason::watched) return Arrived::watched;
  if (end->reason == EndReason::stop_tick) return std::nullopt;
  ended_ = true;
  return Arrived::history_end;
}

// To the first boundary of a tick. Nothing: there; `watched` only of what is watched at the moment.
std::optional<Arrived> Timeline::advance(Tick until, const Interrupted& interrupted) {
  const Tick stop = diverted() ? until : std::min(until, options_.limit);
  for (unsigned passes = 0; !ended_ && (machine_.paused() || machine_.tick() < stop); ++passes) {
    if (passes % passes_between_looks == passes_between_looks - 1 && interrupted()) return Arrived::interrupted;
    if (const auto arrived = note(machine_.step(source(), sink(), stop))) return arrived;
    mark_now_and_then();
  }
  return ended_ || machine_.tick() < until ? std::optional(Arrived::history_end) : std::nullopt;
}

void Timeline::mark_now_and_then() {
  if (diverted() || machine_.paused() || ended_) return;
  const std::int64_t now = host_ms();
  if (now < mark_at_ms_) return;
  marks_.take();
  const std::int64_t after = host_ms();
  mark_at_ms_ = after + std::max(mark_every_ms, (after - now) * mark_cost_factor);
}

std::optional<Arrived> Timeline::advance_leaving_marks(Tick until, const Interrupted& interrupted) {
  for (std::uint64_t distance = farthest_mark_ticks; distance >= nearest_mark_ticks && !diverted(); distance /= 4) {
    if (until.value < distance) continue;
    const Tick place{until.value - distance};
    // One that is near enough serves as well.
    if (place <= machine_.tick() || marks_.before(place).value + distance / 4 >= place.value) continue;
    if (const auto arrived = advance(place, interrupted)) return arrived;
    marks_.take();
  }
  return advance(until, interrupted);
}

Arrived Timeline::go_to(Boundary there, const Interrupted& interrupted) {
  const Tick from = marks_.before(there.tick);
  const bool behind = diverted() || ended_ || there < here() || (machine_.paused() && there.tick == machine_.tick());
  if (there.tick < begin()) there = {begin(), 0};
  if (behind || from.value > machine_.tick().value + worth_a_restore_ticks) {
    if (!set_back(from)) return Arrived::history_end;
  }
  if (const auto arrived = advance_leaving_marks(there.tick, interrupted)) return *arrived;
  while (here() < there) {
    if (const Arrived arrived = step_once(interrupted); arrived != Arrived::there) return arrived;
  }
  return Arrived::there;
}

// Past waiting, to the next boundary behind an instruction or a delivery.
Arrived Timeline::step_once(const Interrupted& interrupted) {
  for (unsigned passes = 0; !ended_; ++passes) {
    if (!diverted() && !machine_.paused() && machine_.tick() >= options_.limit) return Arrived::history_end;
    if (passes % passes_between_looks == passes_between_looks - 1 && interrupted()) return Arrived::interrupted;
    const Tick limit = diverted() ? tick_never : options_.limit;
    if (const auto arrived = note(machine_.step_once(source(), sink(), limit))) {
      return *arrived == Arrived::watched ? Arrived::there : *arrived;
    }
  }
  return Arrived::history_end;
}

Arrived Timeline::step(const WatchSet& set, const Interrupted& interrupted) {
  hit_.reset();
  WatchSet ranges = set;
  ranges.breakpoints.clear();
  const Watching watching(machine_, ranges);
  const Arrived arrived = step_once(interrupted);
  if (!ranges.empty()) hit_ = machine_.take_hit();
  return arrived == Arrived::there && hit_ ? Arrived::watched : arrived;
}

bool Timeline::stands_on(const WatchSet& set) {
  if (!stands_on_breakpoint(machine_, set)) return false;
  hit_ = {WatchKind::breakpoint, linear_rip(machine_.cpu()), 0, 0, here()};
  return true;
}

// Fills stretch_ such that it ends with `end` and has a boundary before it.
bool Timeline::find_stretch(Boundary end, const Interrupted& interrupted) {
  const auto known = std::lower_bound(stretch_.begin(), stretch_.end(), end);
  if (known != stretch_.begin() && known != stretch_.end() && *known == end) return true;
  const Tick base{std::max(begin().value, end.tick.value - std::min(end.tick.value, stretch_ticks))};
  if (go_to({base, 0}, interrupted) != Arrived::there) return false;
  marks_.take();
  stretch_.clear();
  // A CPU that waits stands where it last executed.
  stretch_.push_back({std::max(std::min(machine_.executed_until(), base), begin()), 0});
  while (here() < end) {
    if (step_once(interrupted) != Arrived::there) break;
    if (here() < end) stretch_.push_back(here());
  }
  stretch_.push_back(end);
  return true;
}

Arrived Timeline::step_back(const Interrupted& interrupted) {
  LS_ASSERT(!diverted());
  const Boundary from = here();
  if (from <= Boundary{begin(), 0}) return Arrived::history_begin;
  if (!find_stretch(from, interrupted)) return Arrived::interrupted;
  const auto at = std::lower_bound(stretch_.begin(), stretch_.end(), from);
  return go_to(*std::prev(at), interrupted);
}

Arrived Timeline::run(const WatchSet& set, const Interrupted& interrupted) {
  hit_.reset();
  const Watching watching(machine_, set);
  machine_.take_hit();
  for (;;) {
    auto arrived = advance(tick_never, interrupted);
    hit_ = machine_.take_hit();
    if (!hit_ && arrived == Arrived::watched) {
      hit_ = {WatchKind::breakpoint, linear_rip(machine_.cpu()), 0, 0, here()};
    }
    if (hit_) return Arrived::watched;
    if (arrived) return *arrived;
  }
}

// The last of the set from the mark `from` on, before `until`, in hit_. Nothing: looked all through.
std::optional<Arrived> Timeline::collect(const WatchSet& set, Tick from, Boundary until,
                                         const Interrupted& interrupted) {
  hit_.reset();
  if (!set_back(from)) return Arrived::history_end;
  if (stands_on_breakpoint(machine_, set)) hit_ = {WatchKind::breakpoint, linear_rip(machine_.cpu()), 0, 0, here()};
  const Watching watching(machine_, set);
  machine_.take_hit();
  const auto keep = [&] {
    if (auto found = machine_.take_hit(); found && found->begin < until) hit_ = found;
  };
  // The last tick in steps: what stands at `until` itself does not count.
  const Tick last{until.tick.value - (until.tick > from ? 1 : 0)};
  const auto arrived = advance(last, interrupted);
  keep();
  if (arrived && *arrived != Arrived::history_end) return arrived;
  while (!ended_ && here() < until) {
    if (step_once(interrupted) != Arrived::there) break;
    keep();
    if (here() < until && stands_on_breakpoint(machine_, set)) {
      hit_ = {WatchKind::breakpoint, linear_rip(machine_.cpu()), 0, 0, here()};
    }
  }
  return std::nullopt;
}

Arrived Timeline::run_back(const WatchSet& wanted, const Interrupted& interrupted) {
  LS_ASSERT(!diverted());
  WatchSet set = wanted;
  set.collect = true;
  Boundary until = here();
  while (until > Boundary{begin(), 0}) {
    Tick from = marks_.before(until.tick);
    if (Boundary{from, 0} >= until) from = marks_.before(Tick{until.tick.value - 1});
    if (collect(set, from, until, interrupted)) {
      hit_.reset();
      go_to(until, [] { return false; });
      return Arrived::interrupted;
    }
    if (hit_) {
      const WatchHit found = *hit_;
      const Arrived arrived = go_to(found.begin, interrupted);
      hit_ = found;
      return arrived == Arrived::there ? Arrived::watched : arrived;
    }
    until = {from, 0};
  }
  go_to({begin(), 0}, interrupted);
  return Arrived::history_begin;
}

void Timeline::divert() {
  if (!diverted()) diverted_from_ = here();
}

Arrived Timeline::end_diversion(const Interrupted& interrupted) {
  if (!diverted()) return Arrived::there;
  const Boundary from = *diverted_from_;
  return go_to(from, interrupted);
}

}  // namespace lockstitch::debug

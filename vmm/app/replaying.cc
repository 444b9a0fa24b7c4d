// See replaying.h.
#include "vmm/app/replaying.h"

#include <fmt/format.h>

#include "sync/log/entry_text.h"
#include "vmm/app/ending.h"
#include "vmm/machine/state_comparer.h"

namespace lockstitch::app {

namespace {

/// Unit: entries. Shown behind a divergence.
constexpr std::size_t shown_ahead = 4;

/// Some ends happen between two ticks: the machine stands at the tick and does nothing more.
bool stands_still(const sync::EndEntry& end) {
  const auto reason = static_cast<EndReason>(end.reason);
  return reason == EndReason::stop_tick || reason == EndReason::dead;
}

std::string end_text(const End& end, Tick tick) {
  return fmt::format("{} ({}) at tick {}", describe(end).reason, end.argument, tick.value);
}

}  // namespace

Result<std::unique_ptr<Replaying>> Replaying::open(const OpenTrace& trace, const ReplayOptions& options) {
  std::unique_ptr<Replaying> replay(new Replaying(trace, options));
  auto survey = trace.survey();
  if (!survey.ok()) return survey.error();
  replay->survey_ = std::move(survey).value();
  if (const Outcome limited = replay->set_limit(); !limited) return limited.error();
  if (const Outcome chosen = replay->choose_start(); !chosen) return chosen.error();
  auto reader = trace.read_log();
  if (!reader.ok()) return reader.error();
  replay->reader_ = std::move(reader).value();
  const Tick from = replay->start_ ? replay->start_->tick() : Tick{};
  replay->account_.started_at = from;
  replay->cursor_ = std::make_unique<sync::ReplayCursor>(*replay->reader_, from);
  if (options.check) {
    for (auto& listing : trace.checkpoints()) {
      if (listing.tick > from) replay->to_compare_.push_back(std::move(listing));
    }
  }
  return replay;
}

Outcome Replaying::set_limit() {
  if (survey_.end) {
    const auto& end = std::get<sync::EndEntry>(survey_.end->body);
    limit_ = stands_still(end) ? survey_.end->tick : survey_.end->tick + 1;
  } else {
    limit_ = survey_.known_until;
  }
  if (options_.to && *options_.to <= limit_) {
    limit_ = *options_.to;
  } else if (survey_.damage) {
    return *survey_.damage;
  } else if (options_.to && survey_.end) {
    return Error{ExitCode::usage, fmt::format("the recording ends at tick {}, before tick {}", survey_.end->tick.value,
                                              options_.to->value)};
  }
  return success();
}

Outcome Replaying::choose_start() {
  if (!options_.from_checkpoint.empty()) {
    auto file = sync::CheckpointFile::open(options_.from_checkpoint, trace_.identity());
    if (!file.ok()) return file.error();
    start_ = std::move(file).value();
  } else if (options_.from.value != 0) {
    auto file = trace_.checkpoint_before(options_.from);
    if (!file.ok()) return file.error();
    start_ = std::move(file).value();
  }
  const Tick from = std::max(options_.from, start_ ? start_->tick() : Tick{});
  if (from > limit_) {
    return Error{ExitCode::usage, fmt::format("tick {} is behind tick {}, where the replay would end{}", from.value,
                                              limit_.value, survey_.cut.empty() ? "" : "; " + survey_.cut)};
  }
  return success();
}

void Replaying::begin(Machine& machine, const WrittenDisks& disks) {
  machine_ = &machine;
  disks_ = &disks;
  probe_ = std::make_unique<MachineProbe>(machine);
}

Tick Replaying::next_compared() const {
  return next_to_compare_ < to_compare_.size() ? to_compare_[next_to_compare_].tick : tick_never;
}

bool Replaying::between_passes() {
  if (cursor_->divergence() || !cursor_->trouble()) return true;
  const Tick now = machine_->tick();
  while (now == next_compared()) compare_checkpoint();
  return now >= limit_ || !trouble_ || cursor_->divergence();
}

void Replaying::compare_checkpoint() {
  const auto& listing = to_compare_[next_to_compare_++];
  auto file = sync::CheckpointFile::open(listing.path, trace_.identity());
  if (!file.ok()) {
    trouble_ = file.error();
    return;
  }
  auto difference = compare_snapshot(*machine_, *disks_, file.value());
  if (!difference.ok()) {
    trouble_ = difference.error();
  } else if (difference.value()) {
    cursor_->diverged(*difference.value());
  } else {
    ++account_.checkpoints_compared;
  }
}

void Replaying::compare_end(const End& end) {
  const Tick tick = machine_->tick();
  const bool stopped = end.reason == EndReason::stop_tick;
  if (!survey_.end || limit_ < survey_.end->tick) {
    // The replay ends somewhere in the recording, so the machine may not end by itself.
    if (!stopped) cursor_->diverged({tick, "end", "a running machine", end_text(end, tick)});
    return;
  }
  const auto& entry = std::get<sync::EndEntry>(survey_.end->body);
  const End expected{static_cast<EndReason>(entry.reason), entry.argument};
  const bool as_recorded = stands_still(entry) ? stopped && tick == survey_.end->tick
                                               : end.reason == expected.reason && end.argument == expected.argument &&
                                                     tick == survey_.end->tick;
  if (!as_recorded) {
    cursor_->diverged({tick, "end", end_text(expected, survey_.end->tick),
                       stopped ? fmt::format("a running machine at tick {}", tick.value) : end_text(end, tick)});
    return;
  }
  const Digest digest = machine_->digest();
  if (digest != entry.digest) {
    cursor_->diverged({tick, "digest at the end", to_text(entry.digest), to_text(digest)});
    return;
  }
  account_.complete = true;
}

Result<std::optional<DivergenceReport>> Replaying::finish(const std::optional<End>& end) {
  if (!cursor_->trouble()) return cursor_->trouble().error();
  if (!trouble_) return trouble_.error();
  const bool interrupted = !end && machine_->tick() < limit_;
  if (!cursor_->divergence() && !interrupted) {
    if (checker_ != nullptr) checker_->ended(machine_->tick());
    compare_end(end.value_or(End{EndReason::stop_tick, machine_->tick().value}));
  }
  if (!survey_.cut.empty() && (!options_.to || *options_.to > survey_.known_until)) account_.cut = survey_.cut;
  if (!cursor_->divergence()) return std::optional<DivergenceReport>();
  return std::optional<DivergenceReport>(report());
}

DivergenceReport Replaying::report() const {
  DivergenceReport report;
  report.what = *cursor_->divergence();
  report.last_agreement = cursor_->last_agreement();
  const auto& ports = trace_.header().board.ports;
  for (const sync::Entry& entry : cursor_->behind()) report.entries.push_back("  " + sync::to_text(entry, ports));
  report.entries.push_back(fmt::format("> {} here", report.what.tick.value));
  for (const sync::Entry& entry : cursor_->ahead(shown_ahead)) {
    report.entries.push_back("  " + sync::to_text(entry, ports));
  }
  report.repeat = fmt::format("lockstitch replay {} --from {} --to {} --check", trace_.name(),
                              report.last_agreement.value_or(Tick{}).value, report.what.tick.value + 1);
  return report;
}

Replaying::Account Replaying::account() const {
  Account account = account_;
  account.inputs = cursor_->inputs_taken();
  account.digests_compared = cursor_->digests_compared();
  return account;
}

std::string to_text(const DivergenceReport& report) {
  std::string text = fmt::format("The replay diverged from the recording at tick {}.\n", report.what.tick.value);
  text += fmt::format("  component  {}\n  expected   {}\n  got        {}\n", report.what.component,
                      report.what.expected, report.what.got);
  text += report.last_agreement ? fmt::format("  last equal digest at tick {}\n", report.last_agreement->value)
                                : std::string("  no digest was compared before\n");
  text += "  entries around it:\n";
  for (const std::string& entry : report.entries) text += "  " + entry + "\n";
  return text + "  to see it again: " + report.repeat + "\n";
}

}  // namespace lockstitch::app

// See run_command.h.
#include "vmm/app/run_command.h"

#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>

#include "vmm/app/debug_run.h"
#include "vmm/app/ending.h"
#include "vmm/app/message.h"
#include "vmm/app/open_trace.h"
#include "vmm/app/rtc_start.h"
#include "vmm/app/seed.h"
#include "vmm/app/session.h"
#include "vmm/app/summary_writer.h"
#include "vmm/app/trace_header.h"
#include "vmm/world/wall_clock.h"

namespace lockstitch::app {

namespace {

using HostTime = std::chrono::steady_clock;

/// Unit: ticks. A tenth of a second of the guest; each costs about a millisecond of ours.
constexpr std::uint64_t recorded_digest_every = 100'000'000;

void fill_in(Settings& settings, Mode mode) {
  const bool repeats = settings.clock == ClockMode::unpaced;
  if (!settings.seed) settings.seed = repeats ? 0 : random_seed();
  if (!settings.rtc_start_seconds) {
    settings.rtc_start_seconds = repeats ? rtc_start_virtual_seconds : world::wall_clock_seconds();
  }
  if (settings.digest_ignored_bits == 0) settings.digest_ignored_bits = digest_ignored_bits(settings.engine.unit(mode));
  if (mode == Mode::record && settings.digest_every == 0)
    settings.digest_every = recorded_digest_every / ns_per_tick(settings.engine.unit(mode));
}

/// A checkpoint that a run goes on from, with the trace that it belongs to.
struct Start {
  std::unique_ptr<OpenTrace> trace;
  sync::CheckpointFile checkpoint;
};

/// Turns the settings into those of the trace's machine, connected as the person wants.
Result<Start> go_back_to(Settings& settings) {
  auto trace = OpenTrace::open(trace_of_checkpoint(settings.from));
  if (!trace.ok()) return trace.error();
  if (const Outcome can = check_replayable(trace.value()->header()); !can.ok()) return can.error();
  auto checkpoint = sync::CheckpointFile::open(settings.from, trace.value()->identity());
  if (!checkpoint.ok()) return checkpoint.error();
  const auto header = trace.value()->header_with_images({});
  if (!header.ok()) return header.error();

  Settings machine = settings_of(header.value());
  if (settings.network.kind != NetworkSetting::Kind::none) {
    if (machine.network.kind == NetworkSetting::Kind::none) {
      return Error{ExitCode::usage, "the trace's machine has no network card; leave out --net"};
    }
    const auto mac = machine.network.mac;
    machine.network = settings.network;
    machine.network.mac = mac;
  }
  machine.serial = settings.serial_console();
  machine.console = settings.console;
  machine.clock = settings.clock;
  if (settings.engine != EngineSetting{}) {
    const std::optional<TickUnit> counted = machine.engine.ticks;
    machine.engine = settings.engine;
    if (!machine.engine.ticks && counted == TickUnit::exit) machine.engine.ticks = counted;
  }
  // The guest's clock goes on as it was made.
  if (ns_per_tick(machine.engine.unit(Mode::run)) != header.value().board.ns_per_tick) {
    return Error{ExitCode::usage,
                 "the checkpoint's guest was counted otherwise; leave out --ticks, or say it as it was "
                 "recorded"};
  }
  machine.stop_at_tick = settings.stop_at_tick;
  machine.digest_every = settings.digest_every;
  machine.print_digests = settings.print_digests;
  machine.digests = settings.digests;
  machine.summary = settings.summary;
  machine.json = settings.json;
  machine.quiet = settings.quiet;
  machine.gdb = settings.gdb;
  machine.gdb_remote = settings.gdb_remote;
  machine.vnc = settings.vnc;
  machine.vnc_password = settings.vnc_password;
  machine.control = settings.control;
  settings = std::move(machine);
  return Start{std::move(trace).value(), std::move(checkpoint).value()};
}

double seconds_since(HostTime::time_point start) {
  return std::chrono::duration<double>(HostTime::now() - start).count();
}

void say_ending(const Ending& ending, const Summary& summary, const CpuState& cpu, const Settings& settings) {
  // The guest may have left the cursor in the middle of a line.
  if (settings.serial_console().kind == ConsoleSetting::Kind::stdio && ::isatty(STDOUT_FILENO))
    std::fputc('\n', stderr);
  const std::uint64_t tick = summary.machine->end.tick.value;
  if (ending.crash) {
    say(fmt::format("{} at tick {} (RIP {:#x})", ending.what, tick, cpu.rip));
  } else if (!settings.quiet) {
    say(fmt::format("{} at tick {} after {:.3f} s of its time and {:.3f} s of the host's; digest {}, seed {}",
                    ending.what, tick, static_cast<double>(summary.machine->end.ns.value) * 1e-9, summary.wall_seconds,
                    to_text(summary.machine->digest), summary.seed));
  }
  if (summary.recorded && !settings.quiet) {
    say(fmt::format("the trace is in '{}': {} entries, {} checkpoints; `lockstitch replay {}` repeats it",
                    summary.recorded->trace, summary.recorded->log_entries, summary.recorded->checkpoints,
                    summary.recorded->trace));
  }
}

Summary::Recorded account_of(const Recording& recording) {
  const Recording::Account a = recording.account();
  return {recording.folder(), a.log_entries,      a.log_bytes,
          a.checkpoints,      a.checkpoint_bytes, a.checkpoint_pause_seconds};
}

}  // namespace

Summary begin_summary(const Settings& settings, Mode mode) {
  Summary summary;
  summary.seed = *settings.seed;
  summary.rtc_start = rtc_start_text(*settings.rtc_start_seconds);
  summary.engine = to_text(settings.engine);
  summary.ticks = to_text(settings.engine.unit(mode));
  summary.clock = settings.clock;
  summary.guest_memory_bytes = settings.memory_bytes;
  return summary;
}

Result<int> run_guest(Settings settings, Mode mode) {
  const auto started = HostTime::now();
  std::optional<Start> start;
  if (!settings.from.empty()) {
    auto found = go_back_to(settings);
    if (!found.ok()) return found.error();
    start = std::move(found).value();
  }
  fill_in(settings, mode);
  if (const std::string why = settle_engine(settings.engine, mode); !why.empty() && !settings.quiet)
    say("the engine is interp: " + why);
  auto writer = SummaryWriter::open(settings.summary, settings.json);
  if (!writer.ok()) return writer.error();
  Summary summary = begin_summary(settings, mode);

  const auto last_words = [&] {
    summary.end_reason = "disk_trouble";
    summary.exit_code = static_cast<int>(ExitCode::world);
    summary.wall_seconds = seconds_since(started);
    (void)writer.value().write(summary);
  };
  Session session(settings, mode, last_words);
  if (start) session.set_start(start->checkpoint);
  if (!settings.gdb.empty()) session.set_debugger(run_debugged);
  if (const Outcome opened = session.open(); !opened.ok()) return opened.error();
  const auto end = session.run();
  if (!end.ok()) return end.error();
  Outcome recorded = success();
  if (session.recording() != nullptr) {
    recorded = session.recording()->finish(*end.value());
    summary.recorded = account_of(*session.recording());
  }

  const Ending ending = describe(*end.value());
  summary.end_reason = ending.reason;
  summary.exit_code = recorded.ok() ? ending.exit_code : static_cast<int>(recorded.error().code);
  summary.machine = session.account();
  summary.wall_seconds = seconds_since(started);
  if (recorded.ok()) say_ending(ending, summary, session.machine().cpu(), settings);
  if (const Outcome written = writer.value().write(summary); !written.ok()) return written.error();
  if (!recorded.ok()) return recorded.error();
  if (!session.digests_written().ok()) return session.digests_written().error();
  return ending.exit_code;
}

}  // namespace lockstitch::app

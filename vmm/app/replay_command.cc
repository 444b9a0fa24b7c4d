// See replay_command.h.
#include "vmm/app/replay_command.h"

#include <fmt/format.h>

#include <chrono>
#include <cstdio>

#include "vmm/app/debug_replay.h"
#include "vmm/app/flag_parser.h"
#include "vmm/app/memory_size.h"
#include "vmm/app/message.h"
#include "vmm/app/prepared_replay.h"
#include "vmm/app/run_command.h"
#include "vmm/app/session.h"
#include "vmm/app/summary_writer.h"
#include "vmm/app/trace_header.h"

namespace lockstitch::app {

namespace {

struct Wish {
  std::string trace, from, to, speed = "max", summary;
  std::vector<std::string> images;
  bool console = false, check = false, json = false, quiet = false;
  std::string gdb, gdb_memory;
  bool gdb_remote = false;
  std::string vnc, vnc_password, control;
  std::string engine;
};

constexpr const char* replay_footer =
    "Examples:\n"
    "  lockstitch replay trace --console\n"
    "  lockstitch replay trace --from 60000000000 --to 61000000000 --check\n"
    "  lockstitch replay trace --gdb :1234       and in gdb: target remote :1234\n"
    "\n"
    "The exit code is 0 when the replay reached its goal and everything compared was equal, 81 when it diverged, 64 to "
    "66\n"
    "for wrong arguments, damaged and missing files, 69 when this program or host cannot replay the trace, and 82 "
    "when\n"
    "it was interrupted. A recording that was cut off is replayed up to the cut, which is said.\n";

void add_flags(CLI::App& app, Wish& wish) {
  app.add_option("TRACE", wish.trace, "the trace: a folder, or a file made by `lockstitch trace pack`");
  app.add_option("--from", wish.from,
                 wrapped("a tick, or a checkpoint's file; the replay starts at the latest checkpoint before it, and "
                         "shows what happens from there on"))
      ->type_name("PLACE");
  app.add_option("--to", wish.to, "stop exactly at this tick; default: the end of the recording")->type_name("TICK");
  app.add_flag("--console", wish.console, "show what the guest writes to its serial port");
  app.add_flag("--check", wish.check,
               wrapped("compare the machine with every checkpoint on the way as well, byte for byte; a difference in "
                       "memory is then named by its address"));
  app.add_option("--speed", wish.speed, "max (default), or realtime: no faster than the guest's clock")
      ->type_name("SPEED");
  app.add_option("--engine", wish.engine,
                 wrapped("what executes the guest: interp, kvm, or a list with the ticks of changes; default: as "
                         "recorded, if this host has it"))
      ->type_name("NAME");
  add_images_flag(app, wish.images);
  app.add_option("--gdb", wish.gdb,
                 wrapped("wait for gdb at :PORT, ADDRESS:PORT or unix:PATH, which can go forwards and backwards; "
                         "docs/DEBUGGING.md"))
      ->type_name("PLACE");
  app.add_flag("--gdb-remote", wish.gdb_remote, "debuggers on other hosts may connect");
  app.add_option("--gdb-memory", wish.gdb_memory, "for moments to go back to at once; default: 2G")->type_name("SIZE");
  app.add_option(
         "--vnc", wish.vnc,
         wrapped("let VNC viewers see the screen at ADDRESS:PORT, or a display, as :1; to follow it use --speed "
                 "realtime"))
      ->type_name("PLACE");
  app.add_option("--vnc-password", wish.vnc_password, "ask viewers for the password in the first line of FILE")
      ->type_name("FILE");
  app.add_option("--control", wish.control, "make a socket for `lockstitch screen` and `lockstitch screenshot`")
      ->type_name("PATH");
  app.add_option("--summary", wish.summary, "write a summary as JSON at the end")->type_name("FILE");
  app.add_flag("--json", wish.json, "print that summary on stdout");
  app.add_flag("--quiet", wish.quiet, "print errors only");
}

/// A place is a tick or a file.
Outcome read_place(const std::string& text, ReplayOptions& options) {
  if (text.empty()) return success();
  if (text.find_first_not_of("0123456789xabcdefABCDEF") != std::string::npos) {
    options.from_checkpoint = text;
    return success();
  }
  auto tick = parse_whole_number(text);
  if (!tick.ok()) return Error{ExitCode::usage, "--from: " + tick.error().text};
  options.from = Tick{tick.value()};
  return success();
}

Result<ReplayOptions> options_of(const Wish& wish) {
  ReplayOptions options;
  if (wish.trace.empty()) return Error{ExitCode::usage, "a trace is missing; name the folder that was recorded"};
  if (const Outcome place = read_place(wish.from, options); !place.ok()) return place.error();
  if (!wish.to.empty()) {
    auto tick = parse_whole_number(wish.to);
    if (!tick.ok()) return Error{ExitCode::usage, "--to: " + tick.error().text};
    options.to = Tick{tick.value()};
  }
  if (wish.speed != "max" && wish.speed != "realtime") {
    return Error{ExitCode::usage, fmt::format("--speed: there is no speed '{}'; it is max or realtime", wish.speed)};
  }
  if (wish.json && wish.console) {
    return Error{ExitCode::usage,
                 "--json and --console cannot both have the standard output; write the summary with --summary FILE"};
  }
  if (wish.gdb.empty() && (wish.gdb_remote || !wish.gdb_memory.empty())) {
    return Error{ExitCode::usage, "--gdb-remote and --gdb-memory mean nothing without --gdb"};
  }
  if (!wish.gdb.empty() && (wish.check || wish.json || !wish.summary.empty() || wish.speed != "max")) {
    return Error{ExitCode::usage, "--gdb goes its own ways: --check, --speed, --summary and --json do not go with it"};
  }
  if (!wish.gdb.empty() && !(wish.vnc + wish.control).empty()) {
    return Error{ExitCode::usage, "--gdb does not go with --vnc and --control; in gdb use `monitor screen`"};
  }
  Settings looked_at;
  looked_at.vnc = wish.vnc;
  looked_at.vnc_password = wish.vnc_password;
  if (const Outcome vnc = check_vnc(looked_at); !vnc.ok()) return vnc.error();
  if (!wish.engine.empty()) {
    auto engine = parse_engine(wish.engine);
    if (!engine.ok()) return Error{engine.error().code, "--engine: " + engine.error().text};
    if (!engine.value().automatic) options.engines = std::move(engine).value().turns;
  }
  options.debugged = !wish.gdb.empty();
  options.realtime = wish.speed == "realtime";
  options.check = wish.check;
  return options;
}

void warn(const PreparedReplay& prepared, bool quiet) {
  const sync::Header& header = prepared.trace->header();
  if (quiet || header.numeric_mode == numeric_mode()) return;
  say(fmt::format(
      "the trace was recorded on another processor ({}; this is {}): instructions that approximate, as FSIN "
      "and RCPPS, may differ",
      header.numeric_mode, numeric_mode()));
}

Summary::Replayed account_of(const Replaying& replaying, const std::string& name,
                             const std::optional<DivergenceReport>& report) {
  const Replaying::Account a = replaying.account();
  Summary::Replayed replayed{name,       a.started_at, a.inputs, a.digests_compared, a.checkpoints_compared,
                             a.complete, a.cut,        {}};
  if (report) {
    replayed.diverged = {report->what.tick, report->what.component, report->what.expected, report->what.got};
  }
  return replayed;
}

std::string_view reason_of(const Summary::Replayed& replayed, bool interrupted) {
  if (replayed.diverged) return "divergence";
  if (interrupted) return "signal";
  return replayed.complete ? "replayed" : replayed.cut.empty() ? "stop_tick" : "cut";
}

void say_result(const Summary& summary, bool interrupted) {
  const Summary::Replayed& r = *summary.replayed;
  const Moment& end = summary.machine->end;
  if (!r.cut.empty()) say(r.cut);
  std::string compared = fmt::format("{} digests", r.digests_compared);
  if (r.checkpoints_compared != 0) compared += fmt::format(" and {} checkpoints", r.checkpoints_compared);
  say(fmt::format("{} at tick {} ({:.3f} s of guest time, replayed in {:.3f} s); {} compared, all equal{}; digest {}",
                  interrupted     ? "the replay was interrupted"
                  : r.complete    ? "the replay ended as the recording did"
                  : r.cut.empty() ? "the replay was stopped"
                                  : "the replay came to where the log is cut off",
                  end.tick.value, static_cast<double>(end.ns.value) * 1e-9, summary.wall_seconds, compared,
                  r.complete ? ", the end too" : "", to_text(summary.machine->digest)));
}

Result<int> run_replay(PreparedReplay prepared, const Wish& wish) {
  const auto started = std::chrono::steady_clock::now();
  auto writer = SummaryWriter::open(wish.summary, wish.json);
  if (!writer.ok()) return writer.error();
  Settings& settings = prepared.settings;
  if (wish.console) settings.serial = ConsoleSetting{ConsoleSetting::Kind::stdio, ""};
  settings.quiet = wish.quiet;
  settings.vnc = wish.vnc;
  settings.vnc_password = wish.vnc_password;
  settings.control = wish.control;
  Session session(settings, Mode::replay, {});
  session.set_replaying(*prepared.replaying);
  if (prepared.replaying->start()) session.set_start(*prepared.replaying->start());
  if (const Outcome opened = session.open(); !opened.ok()) return opened.error();
  warn(prepared, wish.quiet);
  const auto end = session.run();
  if (!end.ok()) return end.error();
  const auto report = prepared.replaying->finish(end.value());
  if (!report.ok()) return report.error();

  const bool interrupted =
      !report.value() && !end.value() && session.stop_asked() && session.machine().tick() < prepared.replaying->goal();
  Summary summary = begin_summary(settings, Mode::replay);
  summary.replayed = account_of(*prepared.replaying, wish.trace, report.value());
  summary.end_reason = reason_of(*summary.replayed, interrupted);
  const ExitCode code = report.value() ? ExitCode::divergence : interrupted ? ExitCode::interrupted : ExitCode::ok;
  summary.exit_code = static_cast<int>(code);
  summary.machine = session.account();
  summary.wall_seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
  if (report.value()) {
    std::fputs(("lockstitch: " + to_text(*report.value())).c_str(), stderr);
  } else if (!wish.quiet) {
    say_result(summary, interrupted);
  } else if (!summary.replayed->cut.empty()) {
    say(summary.replayed->cut);
  }
  if (const Outcome written = writer.value().write(summary); !written.ok()) return written.error();
  return summary.exit_code;
}

}  // namespace

Result<int> replay(const std::vector<std::string>& arguments) {
  Wish wish;
  CLI::App app("Replay a recorded guest and compare it with the recording.", "lockstitch replay");
  add_flags(app, wish);
  app.footer(replay_footer);
  const auto parsed = parse_flags(app, arguments, "a replay has one trace");
  if (!parsed.ok()) return parsed.error();
  if (!parsed.value()) {
    fmt::print("{}", app.help());
    return 0;
  }
  const auto options = options_of(wish);
  if (!options.ok()) return options.error();
  auto prepared = prepare_replay(wish.trace, options.value(), wish.images);
  if (!prepared.ok()) return prepared.error();
  if (wish.gdb.empty()) return run_replay(std::move(prepared).value(), wish);
  DebugOptions debugging{wish.gdb, wish.gdb_remote};
  if (!wish.gdb_memory.empty()) {
    const auto bytes = parse_memory_size(wish.gdb_memory);
    if (!bytes.ok()) return Error{ExitCode::usage, "--gdb-memory: " + bytes.error().text};
    debugging.budget_bytes = bytes.value();
  }
  warn(prepared.value(), wish.quiet);
  return debug_replay(std::move(prepared).value(), debugging, wish.console);
}

}  // namespace lockstitch::app

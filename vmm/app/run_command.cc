// See run_command.h.
#include "vmm/app/run_command.h"

#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>

#include "vmm/app/ending.h"
#include "vmm/app/message.h"
#include "vmm/app/rtc_start.h"
#include "vmm/app/seed.h"
#include "vmm/app/session.h"
#include "vmm/world/wall_clock.h"

namespace lockstitch::app {

namespace {

using HostTime = std::chrono::steady_clock;

void fill_in(Settings& settings) {
  const bool repeats = settings.clock == ClockMode::unpaced;
  if (!settings.seed) settings.seed = repeats ? 0 : random_seed();
  if (!settings.rtc_start_seconds) {
    settings.rtc_start_seconds = repeats ? rtc_start_virtual_seconds : world::wall_clock_seconds();
  }
}

Summary begin_summary(const Settings& settings) {
  Summary summary;
  summary.seed = *settings.seed;
  summary.rtc_start = rtc_start_text(*settings.rtc_start_seconds);
  summary.engine = settings.engine;
  summary.clock = settings.clock;
  summary.guest_memory_bytes = settings.memory_bytes;
  return summary;
}

/// Where the summary goes, both places at once if wanted.
class SummaryWriter {
 public:
  static Result<SummaryWriter> open(const Settings& settings) {
    SummaryWriter writer;
    writer.to_stdout_ = settings.json;
    if (!settings.summary.empty()) {
      auto file = OutputFile::create(settings.summary, "The summary");
      if (!file.ok()) return file.error();
      writer.file_ = std::move(file).value();
    }
    return writer;
  }

  Outcome write(const Summary& summary) {
    const std::string json = to_json(summary);
    if (to_stdout_ && (std::fputs(json.c_str(), stdout) < 0 || std::fflush(stdout) != 0)) {
      return Error{ExitCode::world, "the summary could not be written to the standard output"};
    }
    return file_ ? file_->write(json) : success();
  }

 private:
  bool to_stdout_ = false;
  std::optional<OutputFile> file_;
};

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
}

}  // namespace

Result<int> run_guest(Settings settings) {
  const auto start = HostTime::now();
  fill_in(settings);
  auto writer = SummaryWriter::open(settings);
  if (!writer.ok()) return writer.error();
  Summary summary = begin_summary(settings);

  const auto last_words = [&] {
    summary.end_reason = "disk_trouble";
    summary.exit_code = static_cast<int>(ExitCode::world);
    summary.wall_seconds = seconds_since(start);
    (void)writer.value().write(summary);
  };
  Session session(settings, Mode::run, last_words);
  if (const Outcome opened = session.open(); !opened.ok()) return opened.error();
  const auto end = session.run();
  if (!end.ok()) return end.error();

  const Ending ending = describe(end.value());
  summary.end_reason = ending.reason;
  summary.exit_code = ending.exit_code;
  summary.machine = session.account();
  summary.wall_seconds = seconds_since(start);
  say_ending(ending, summary, session.machine().cpu(), settings);
  if (const Outcome written = writer.value().write(summary); !written.ok()) return written.error();
  if (!session.digests_written().ok()) return session.digests_written().error();
  return ending.exit_code;
}

}  // namespace lockstitch::app

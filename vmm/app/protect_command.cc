// See protect_command.h.
#include "vmm/app/protect_command.h"

#include <fmt/format.h>

#include <cstdio>

#include "sync/peer/pairing.h"
#include "sync/trace/image.h"
#include "vmm/app/ending.h"
#include "vmm/app/image_files.h"
#include "vmm/app/message.h"
#include "vmm/app/output_file.h"
#include "vmm/app/pair_text.h"
#include "vmm/app/protected_run.h"
#include "vmm/app/seed.h"
#include "vmm/app/trace_header.h"
#include "vmm/world/wall_clock.h"

namespace lockstitch::app {

namespace {

/// Unit: ticks. As when recording.
constexpr std::uint64_t digest_every = 100'000'000;

/// Kernels by what they hold; disks that the guest writes by their size alone, for what they hold is copied.
Result<std::vector<sync::ImageReference>> images_of(const Settings& settings) {
  std::vector<sync::ImageReference> images;
  for (const ImageFile& file : image_files(settings)) {
    if (file.written) {
      images.push_back({file.role, file.path, 0, {}});
      continue;
    }
    const auto format = format_name(file);
    if (!format.ok()) return format.error();
    if (!format.value().empty()) {
      return Error{
          ExitCode::unavailable,
          fmt::format("The disk image '{}' has the format {}, and a protected guest's disk with mode=ro must be "
                      "raw; convert it on each host with `qemu-img convert -O raw`, or use mode=rw.",
                      file.path, format.value())};
    }
    const auto found = sync::identify_image(file.path);
    if (!found.ok()) return found.error();
    images.push_back({file.role, file.path, found.value().bytes, found.value().hash});
  }
  return images;
}

/// Makes the whole machine once, so that whatever is wrong is said before anybody relies on this replica.
Result<sync::Header> try_out(const Settings& settings, Mode mode, sync::Desk& desk) {
  auto images = images_of(settings);
  if (!images.ok()) return images.error();
  Session session(settings, mode, {});
  session.set_desk(desk);
  if (const Outcome opened = session.open(); !opened) return opened.error();
  session.end_world();
  for (std::size_t i = 0; i < settings.disks.size(); ++i) {
    for (auto& image : images.value()) {
      if (image.role == fmt::format("disk{}", i)) image.bytes = session.written_disks()[i]->sectors() * sector_bytes;
    }
  }
  return describe(settings, session.board(), std::move(images).value());
}

class Events {
 public:
  static Result<Events> open(const std::string& path) {
    Events events;
    if (path.empty()) return events;
    auto file = OutputFile::append(path, "The log of events");
    if (!file.ok()) return file.error();
    events.file_ = std::move(file).value();
    return events;
  }
  void write(const std::string& line) {
    if (file_) {
      (void)file_->write(line + "\n");
    } else {
      std::fputs((line + "\n").c_str(), stderr);
    }
  }

 private:
  std::optional<OutputFile> file_;
};

/// The machine that a leader has.
Settings like(Settings settings, const sync::Header& machine) {
  settings.seed = machine.board.seed;
  settings.rtc_start_seconds = machine.board.rtc_start_seconds;
  settings.digest_every = machine.digest_every;
  settings.clock = machine.paced ? ClockMode::realtime : ClockMode::unpaced;
  return settings;
}

/// One machine's time with this replica. Nothing: it was not ours to the end, and another may come.
Result<std::optional<int>> live(const Settings& settings, Mode mode, sync::Desk& desk, bool leads,
                                gdb::Listener* debuggers) {
  Session session(settings, mode, {});
  session.set_desk(desk);
  Outcome opened = session.open();
  if (opened) opened = session.begin_world();
  if (!opened) {
    desk.set_waker({});
    if (leads) return opened.error();
    desk.report({sync::CoreReport::Kind::step_down, opened.error().text, {}});
    return std::optional<int>();
  }
  ProtectedRun run(session, desk, debuggers);
  const auto life = leads ? run.lead() : run.receive();
  session.end_world();
  switch (life) {
    case ProtectedRun::Life::guest_ended: {
      const Ending ending = describe(*run.end());
      if (!settings.quiet) say(fmt::format("{} at tick {}", ending.what, session.machine().tick().value));
      return std::optional<int>(ending.exit_code);
    }
    case ProtectedRun::Life::discarded:
      return std::optional<int>();
    case ProtectedRun::Life::asked_to_end:
      break;
  }
  return std::optional<int>(static_cast<int>(ExitCode::interrupted));
}

}  // namespace

Result<int> protect_guest(Settings settings, Mode mode) {
  sync::Pairing::take_signals();
  if (!settings.seed) settings.seed = random_seed();
  if (!settings.rtc_start_seconds) settings.rtc_start_seconds = world::wall_clock_seconds();
  if (settings.digest_every == 0) settings.digest_every = digest_every;
  if (!settings.serial) settings.serial = ConsoleSetting{ConsoleSetting::Kind::none, ""};

  sync::Desk desk;
  auto machine = try_out(settings, mode, desk);
  if (!machine.ok()) return machine.error();
  auto events = Events::open(settings.pair.events);
  if (!events.ok()) return events.error();

  sync::PairingOptions options;
  options.replica.name = settings.pair.name;
  options.replica.may_start = mode == Mode::protect;
  options.pair = settings.pair.pair;
  options.listen = settings.pair.listen;
  options.peer = settings.pair.peer;
  options.arbiter = settings.pair.arbiter;
  options.keys = settings.pair.keys;
  options.state = settings.pair.state;
  options.control = settings.control.empty() ? settings.pair.state + "/control" : settings.control;
  options.metrics = settings.pair.metrics;
  options.machine = std::move(machine).value();
  options.on_event = [&](const sync::Report& report, const sync::PairStatus& status) {
    events.value().write(event_json(report, status));
  };
  options.status_text = status_json;
  options.metrics_text = metrics_text;
  std::unique_ptr<gdb::Listener> debuggers;
  if (!settings.gdb.empty()) {
    auto listener = gdb::Listener::open(settings.gdb, settings.gdb_remote, [&desk] { return desk.end_waits(); });
    if (!listener.ok()) return listener.error();
    debuggers = std::move(listener).value();
  }
  auto pairing = sync::Pairing::open(std::move(options), desk);
  if (!pairing.ok()) return pairing.error();

  for (;;) {
    const auto order = desk.next_order();
    if (!order) {
      desk.wait_ms(1000);
      continue;
    }
    Result<std::optional<int>> exit_code = std::optional<int>();
    if (order->kind == sync::OrderKind::cold_start) {
      exit_code = live(settings, mode, desk, true, nullptr);
    } else if (order->kind == sync::OrderKind::begin_receiving) {
      exit_code = live(like(settings, *order->machine), mode, desk, false, debuggers.get());
    } else if (order->kind == sync::OrderKind::end) {
      exit_code = std::optional<int>(static_cast<int>(ExitCode::interrupted));
    }
    if (const std::string failure = desk.failure(); !failure.empty()) return Error{ExitCode::world, failure};
    if (!exit_code.ok()) return exit_code.error();
    if (exit_code.value()) return *exit_code.value();
  }
}

}  // namespace lockstitch::app

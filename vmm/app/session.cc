// See session.h.
#include "vmm/app/session.h"

#include <fmt/format.h>

#include <array>
#include <cstdio>

#include "vmm/app/cdrom_setting.h"
#include "vmm/app/firmware_file.h"
#include "vmm/app/image_files.h"
#include "vmm/app/message.h"
#include "vmm/app/pair_trouble.h"
#include "vmm/app/progress.h"
#include "vmm/app/seed.h"
#include "vmm/world/disk_image.h"
#include "vmm/world/host_file.h"

namespace lockstitch::app {

namespace {

/// Unit: bytes. No kernel is larger; a disk image given as kernel is noticed before it fills the memory.
constexpr std::size_t kernel_max_bytes = 1u << 30;
constexpr std::size_t initrd_max_bytes = 4ull << 30;

/// In the order of ExitKind.
constexpr std::array exit_names{"bound",    "interrupt_window", "halted",        "shutdown",      "watched",
                                "spinning", "port_read",        "port_write",    "memory_read",   "memory_write",
                                "msr_read", "msr_write",        "priority_read", "priority_write"};
static_assert(exit_names.size() == std::tuple_size_v<decltype(MachineCounters::exits)>);

/// Unit: ticks. How long the machine runs without a look at its inputs.
std::uint64_t quantum_of(TickUnit unit) {
  constexpr std::uint64_t exits = 32, host_ns = 1'000'000;
  switch (unit) {
    case TickUnit::exit:
      return exits;
    case TickUnit::host_ns:
      return host_ns;
    case TickUnit::instruction:
      break;
  }
  return limits::quantum_ticks;
}

Result<std::vector<std::uint8_t>> read_if_given(const std::string& path, std::size_t limit_bytes,
                                                std::string_view what) {
  if (path.empty()) return std::vector<std::uint8_t>();
  return world::read_host_file(path, limit_bytes, what);
}

/// The world asks the desk what may leave, and is told when that changes.
class ReleaseBell final : public world::Endpoint {
 public:
  explicit ReleaseBell(sync::Desk& desk) : desk_(desk) {}
  PortId port() const override { return control_port; }
  void want(std::vector<pollfd>& fds) override { fds.push_back({desk_.release_fd(), POLLIN, 0}); }
  void ready(std::span<const pollfd> fds) override {
    if (fds[0].revents != 0) desk_.clear_release_fd();
  }

 private:
  sync::Desk& desk_;
};

}  // namespace

Session::Session(const Settings& settings, Mode mode, std::function<void()> last_words)
    : settings_(settings),
      mode_(mode),
      trouble_(std::make_unique<world::PauseOnTrouble>(stop_, std::move(last_words))) {}

Outcome Session::open() {
  if (!settings_.digests.empty()) {
    auto file = OutputFile::create(settings_.digests, "The file of digests");
    if (!file.ok()) return file.error();
    digests_ = std::move(file).value();
  }
  if (mode_ == Mode::record) {
    auto recording = Recording::create(settings_, stop_);
    if (!recording.ok()) return recording.error();
    recording_ = std::move(recording).value();
  }
  join_desk();
  if (const Outcome disks = open_disks(); !disks.ok()) return disks;
  if (const Outcome media = open_media(); !media.ok()) return media;
  if (const Outcome bootable = check_bootable(); !bootable.ok()) return bootable;
  if (const Outcome board = make_board(); !board.ok()) return board;
  if (const Outcome there = go_to_start(); !there.ok()) return there;
  if (recording_) {
    if (const Outcome begun = recording_->begin(*board_, written_disks_); !begun.ok()) return begun;
    world_.add(recording_->endpoint());
    world_.set_gate([this] { return recording_->make_safe() ? tick_never : Tick{}; });
  }
  if (replaying_ != nullptr) replaying_->begin(machine(), written_disks_);
  ends_ = make_source_and_sink(
      mode_, {inbox_, outbox_, host_clock_, settings_.clock, digest_handler(), recording_.get(), replaying_, desk_,
              is_pair(mode_) ? &machine() : nullptr, ns_per_tick(settings_.engine.unit(mode_))});
  if (const Outcome network = open_network(); !network.ok()) return network;
  if (const Outcome control = open_control(); !control.ok()) return control;
  if (const Outcome vnc = open_vnc(); !vnc.ok()) return vnc;
  if (is_pair(mode_)) return open_consoles();  // signals are the pairing's
  auto signals = world::Signals::open(stop_, [this] {
    for (const auto& console : consoles_) console->resume();
  });
  if (!signals.ok()) return signals.error();
  signals_ = std::move(signals).value();
  world_.add(*signals_);
  return open_consoles();
}

void Session::join_desk() {
  if (desk_ == nullptr) return;
  trouble_ = std::make_unique<PairTrouble>(*desk_);
  release_bell_ = std::make_unique<ReleaseBell>(*desk_);
  world_.add(*release_bell_);
  world_.set_gate([this] {
    desk_->set_sent_until(world_.sent_until());
    return desk_->released();
  });
  desk_->set_waker([this](bool leaving) {
    inbox_.nudge();
    if (leaving) outbox_.release();
  });
}

void Session::end_world() {
  if (desk_ != nullptr) desk_->set_waker({});
  vnc_.reset();
  world_.stop();
  consoles_.clear();
}

Outcome Session::open_disks() {
  for (const DiskSetting& setting : settings_.disks) {
    auto disk = world::open_disk_image(setting.file, setting.format, setting.mode, *trouble_,
                                       recording_ ? recording_->folder() : "");
    if (!disk.ok()) return disk.error();
    disks_.push_back(std::move(disk).value());
    written_disks_.push_back(std::make_unique<sync::WrittenDisk>(*disks_.back()));
  }
  return success();
}

Outcome Session::open_media() {
  if (!settings_.pc.media) return success();
  for (const std::string& path : *settings_.pc.media) {
    auto medium = open_cdrom(path, *trouble_);
    if (!medium.ok()) return medium.error();
    media_.push_back(std::move(medium).value());
  }
  return success();
}

/// A new machine whose BIOS can only boot from disks: one of them has a boot sector. A replica's disk may be empty, for
/// it is filled by its peer.
Outcome Session::check_bootable() const {
  const PcModel pc = settings_.pc_model();
  const bool looks = (mode_ == Mode::run || mode_ == Mode::record) && start_ == nullptr;
  if (!looks || pc.firmware != FirmwareKind::bios || disks_.empty() || pc.cdrom || pc.boot_menu ||
      boots_from_network(settings_, pc))
    return success();
  for (const auto& disk : disks_) {
    std::array<std::uint8_t, sector_bytes> sector;
    disk->read(0, sector);
    if (sector[510] == 0x55 && sector[511] == 0xaa) return success();
  }
  return Error{
      ExitCode::bad_input,
      fmt::format("The disk image '{}' has no boot sector, so the BIOS cannot boot from it; install a guest from "
                  "--cdrom FILE, name another image, or say --boot-menu to look at the firmware.",
                  settings_.disks.front().file)};
}

Result<BootFiles> Session::read_boot_files() const {
  BootFiles boot;
  auto kernel = read_if_given(settings_.kernel, kernel_max_bytes, "The kernel");
  if (!kernel.ok()) return kernel.error();
  boot.kernel = std::move(kernel).value();
  auto initrd = read_if_given(settings_.initrd, initrd_max_bytes, "The initrd");
  if (!initrd.ok()) return initrd.error();
  boot.initrd = std::move(initrd).value();
  boot.command_line = settings_.append;
  boot.flat = settings_.flat;
  for (const ImageFile& file : image_files(settings_)) {
    std::vector<std::uint8_t>* const to = file.role == "firmware"         ? &boot.firmware
                                          : file.role == "uefi-variables" ? &boot.uefi_variables
                                          : file.role == "vga-rom"        ? &boot.vga_rom
                                          : file.role == "network-rom"    ? &boot.network_rom
                                                                          : nullptr;
    if (to == nullptr) continue;
    auto contents = read_firmware_file(file.path, file.role);
    if (!contents.ok()) return contents.error();
    *to = std::move(contents).value();
  }
  return boot;
}

Outcome Session::make_board() {
  auto boot = read_boot_files();
  if (!boot.ok()) return boot.error();
  BoardConfig config;
  config.machine.digest_every_ticks = settings_.digest_every;
  const TickUnit ticks = settings_.engine.unit(mode_);
  config.machine.ns_per_tick = ns_per_tick(ticks);
  config.machine.quantum_ticks = quantum_of(ticks);
  config.machine.digest_ignored_bits = settings_.digest_ignored_bits;
  config.engine = engine_request();
  config.memory_bytes = settings_.memory_bytes;
  config.rtc_start_seconds = *settings_.rtc_start_seconds;
  config.seed = seed_bytes(*settings_.seed);
  for (const auto& disk : written_disks_) config.disks.push_back(disk.get());
  for (const auto& medium : media_) config.media.push_back(medium.get());
  config.pc = settings_.pc_model();
  if (settings_.network.kind != NetworkSetting::Kind::none)
    config.network = BoardConfig::Network{settings_.network.mac};
  config.virtio_console = settings_.has_virtio_console();
  config.reboot = !settings_.no_reboot;
  auto board = Board::make(config, std::move(boot).value());
  if (!board.ok()) {
    const Error& error = board.error();
    if (error.code != ExitCode::bad_input || settings_.kernel.empty()) return error;
    return Error{error.code, fmt::format("The kernel '{}' cannot be booted: {}", settings_.kernel, error.text)};
  }
  board_ = std::move(board).value();
  return success();
}

EngineRequest Session::engine_request() {
  EngineRequest request;
  request.turns = settings_.engine.turns;
  request.device = settings_.engine.device;
  request.ticks = settings_.engine.unit(mode_);
  // Engines that take turns in a plain run may each count their own.
  if (mode_ == Mode::run && !settings_.engine.ticks) request.ticks.reset();
  request.patience = [this](unsigned times) {
    constexpr unsigned said_after = 5;
    if (times == said_after) {
      say("the guest computes without an exit, so nothing reaches it: what it waits for in a loop cannot come with "
          "--ticks exits; docs/KVM.md tells which kernel options avoid such loops");
    }
    return !stop_.asked();
  };
  return request;
}

Outcome Session::go_to_start() {
  if (start_ == nullptr) return success();
  return restore_snapshot(machine(), written_disks_, *start_);
}

void Session::open_panic_reports() {
  const auto open = [this](std::optional<PortId> port, PanicReport::Text text) {
    if (!port) return;
    panic_reports_.push_back(std::make_unique<PanicReport>(*port, text));
    world_.add(*panic_reports_.back());
  };
  open(board_->panic_port(), panic_text);
  open(board_->crash_port(), crash_text);
}

Outcome Session::open_consoles() {
  open_panic_reports();
  ends_.live_sink->add_stream(board_->serial_port());
  if (const Outcome serial = open_console(board_->serial_port(), settings_.serial_console()); !serial.ok())
    return serial;
  if (settings_.firmware_log.kind != ConsoleSetting::Kind::none) {
    ends_.live_sink->add_stream(board_->debug_port());
    if (const Outcome log = open_console(board_->debug_port(), settings_.firmware_log); !log.ok()) return log;
  }
  if (!board_->console_port()) return success();
  ends_.live_sink->add_stream(*board_->console_port());
  return open_console(*board_->console_port(), settings_.console);
}

Outcome Session::open_console(PortId port, const ConsoleSetting& setting) {
  world::TerminalOptions options;
  options.port = port;
  switch (setting.kind) {
    case ConsoleSetting::Kind::none:
      return success();
    case ConsoleSetting::Kind::stdio:
      options.log_path = setting.file;
      break;
    case ConsoleSetting::Kind::file: {
      auto file = is_pair(mode_) ? OutputFile::append(setting.file, "The console's file")
                                 : OutputFile::create(setting.file, "The console's file");
      if (!file.ok()) return file.error();
      options.in_fd = -1;
      options.out_fd = file.value().fd();
      console_files_.push_back(std::move(file).value());
      break;
    }
  }
  auto console = world::Terminal::open(options, inbox_, outbox_, stop_);
  if (!console.ok()) return console.error();
  consoles_.push_back(std::move(console).value());
  world_.add(*consoles_.back());
  return success();
}

Outcome Session::open_network() {
  const NetworkSetting& network = settings_.network;
  switch (network.kind) {
    case NetworkSetting::Kind::none:
    case NetworkSetting::Kind::unplugged:
      break;
    case NetworkSetting::Kind::tap: {
      auto tap = world::Tap::open(network.tap, *board_->network_port(), inbox_);
      if (!tap.ok()) return tap.error();
      tap_ = std::move(tap).value();
      world_.add(*tap_);
      break;
    }
    case NetworkSetting::Kind::user: {
      auto net = world::UserNet::open(*board_->network_port(), network.forwards, inbox_);
      if (!net.ok()) return net.error();
      user_net_ = std::move(net).value();
      world_.add(*user_net_);
      break;
    }
  }
  return success();
}

std::string Session::control_path() const {
  if (mode_ == Mode::record) return recording_->control();
  return is_pair(mode_) ? settings_.pair.state + "/guest" : settings_.control;
}

Outcome Session::open_control() {
  const std::string path = control_path();
  // A recording or a pair can do without; only commands to it cannot.
  if (path.empty() || (mode_ == Mode::record && !world::ControlSocket::fits(path))) return success();
  auto socket = world::ControlSocket::open(path, inbox_);
  if (!socket.ok()) {
    if (is_pair(mode_)) return success();
    return socket.error();
  }
  control_ = std::move(socket).value();
  world_.add(*control_);
  const GuestParts parts{board_->screen(), board_->keyboard_port(), board_->mouse_port(), board_->tablet_port(),
                         board_->cdrom_port()};
  requests_.emplace(parts, inbox_);
  if (recording_) requests_->set_checkpoint([this] { return recording_->checkpoint_now(); });
  if (mode_ == Mode::replay) requests_->set_closed("a replay takes no input: it repeats what was recorded");
  return success();
}

Outcome Session::open_vnc() {
  if (settings_.vnc.empty()) return success();
  if (board_->screen() == nullptr) {
    return Error{ExitCode::usage, "this machine has no screen that a VNC viewer could show; leave out --vnc"};
  }
  const auto place = world::parse_vnc_place(settings_.vnc);
  if (!place.ok()) return place.error();
  world::VncOptions options;
  options.place = place.value();
  if (!settings_.vnc_password.empty()) {
    auto password = world::read_vnc_password(settings_.vnc_password);
    if (!password.ok()) return password.error();
    options.password = std::move(password).value();
  }
  if (mode_ != Mode::replay) {
    options.keyboard = board_->keyboard_port();
    options.mouse = board_->mouse_port();
    options.tablet = board_->tablet_port();
  }
  auto server = world::VncServer::open(options, display_, inbox_);
  if (!server.ok()) return server.error();
  vnc_ = std::move(server).value();
  return success();
}

void Session::show_screen() {
  if (const Screen* screen = board_->screen(); screen != nullptr) display_.show(*screen);
}

void Session::answer_requests() {
  // Each client once, so that the guest goes on whatever they do.
  for (std::size_t i = 0; i < world::ControlSocket::max_clients; ++i) {
    const auto request = control_->next();
    if (!request) return;
    control_->answer(request->client, requests_->answer_to(request->line));
  }
}

bool Session::uses_stdio() const {
  return settings_.serial_console().kind == ConsoleSetting::Kind::stdio ||
         settings_.console.kind == ConsoleSetting::Kind::stdio;
}

Result<std::optional<End>> Session::run() {
  if (const Outcome started = world_.start(); !started.ok()) return started.error();
  Result<std::optional<End>> end = debugger_ ? debugger_(*this) : step_until_end();
  end_world();
  if (const Outcome saved = save_uefi_variables(); !saved.ok()) return saved.error();
  return end;
}

Outcome Session::save_uefi_variables() {
  // Those of a recording belong to its trace.
  const bool keeps = mode_ == Mode::run || is_pair(mode_);
  const std::string& path = settings_.pc.uefi_variables;
  if (!keeps || path.empty() || board_->uefi_variables().empty()) return success();
  return world::replace_host_file(path, board_->uefi_variables(), "The file of UEFI variables");
}

std::optional<End> Session::step_until_end() {
  const Tick stop_at = settings_.stop_at_tick ? Tick{*settings_.stop_at_tick} : tick_never;
  const bool silent = uses_stdio() || settings_.quiet || (settings_.print_digests && !digests_);
  Progress progress(!silent, machine().tick(), replaying_ != nullptr ? replaying_->goal() : stop_at);
  for (;;) {
    const Tick limit = replaying_ != nullptr ? replaying_->limit() : stop_at;
    if (const auto end = machine().step(ends_.source(), ends_.sink(), limit)) {
      // A replay also stops where it compares, and goes on.
      if (replaying_ == nullptr || end->reason != EndReason::stop_tick) return end;
    }
    progress.reached(machine().now());
    if (recording_) recording_->between_passes();
    serve_viewers();
    if (replaying_ == nullptr) continue;
    if (replaying_->between_passes() || stop_.asked()) return std::nullopt;
    if (replaying_->options().realtime) wait_for_guest_time();
  }
}

void Session::wait_for_guest_time() {
  if (machine().tick() < replaying_->options().from) return;
  if (!shown_pace_) shown_pace_.emplace(host_clock_.now(), machine().now().ns);
  const world::HostNs when = shown_pace_->host_when(machine().now().ns);
  while (host_clock_.now() < when && !stop_.asked()) {
    inbox_.wait_until(host_clock_, when);
    serve_viewers();
  }
}

world::LiveSink::DigestHandler Session::digest_handler() {
  if (!settings_.print_digests) return {};
  return [this](Tick tick, const Digest& digest) { print_digest(tick, digest); };
}

void Session::print_digest(Tick tick, const Digest& digest) {
  const std::string line = fmt::format("{} {}\n", tick.value, to_text(digest));
  if (!digests_) {
    std::fputs(line.c_str(), stderr);
  } else if (digests_written_.ok()) {
    digests_written_ = digests_->write(line);
  }
}

Summary::Machine Session::account() {
  Machine& m = machine();
  Summary::Machine account;
  account.end = m.now();
  account.digest = m.digest();
  account.usage = host_usage(m.memory());

  const MachineCounters& c = m.counters();
  account.counters = {
      {"passes", c.passes},
      {"idle_jumps", c.idle_jumps},
      {"arrivals", c.arrivals},
      {"arrivals_dropped", c.arrivals_dropped},
      {"alarms", c.alarms},
      {"interrupts", c.interrupts},
      {"nmis", c.nmis},
      {"resets", c.resets},
      {"digests", c.digests},
      {"unclaimed_accesses", m.unclaimed_accesses()},
      {"effects", m.effects_emitted()},
      {"effects_unclaimed", world_.unclaimed_effects()},
      {"frames_dropped_out", ends_.live_sink->frames_dropped() + (tap_ ? tap_->dropped_out() : 0)},
      {"frames_dropped_in", (tap_ ? tap_->dropped_in() : 0) + (user_net_ ? user_net_->dropped_in() : 0)},
      {"console_bytes_lost", ends_.live_sink->stream_bytes_lost()},
  };
  for (const EngineCounter& counter : m.engine_counters()) account.engine[std::string(counter.name)] = counter.value;
  for (std::size_t kind = 0; kind < exit_names.size(); ++kind) account.exits[exit_names[kind]] = c.exits[kind];
  return account;
}

}  // namespace lockstitch::app

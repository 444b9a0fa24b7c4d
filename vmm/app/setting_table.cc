// See setting_table.h.
#include "vmm/app/setting_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "sync/peer/member_name.h"
#include "vmm/app/duration.h"
#include "vmm/app/flag_parser.h"
#include "vmm/app/memory_size.h"
#include "vmm/app/rtc_start.h"
#include "vmm/app/suggestion.h"
#include "vmm/world/wall_clock.h"

namespace lockstitch::app {

namespace {

using Kind = SettingKind;

Error usage(std::string text) { return {ExitCode::usage, std::move(text)}; }

template <class To, class From>
Outcome store(Result<From> parsed, To& to) {
  if (!parsed.ok()) return parsed.error();
  to = std::move(parsed).value();
  return success();
}

Outcome store_path(const std::string& value, const PathBase& base, std::string& to) {
  if (value.empty()) return usage("the name of the file is empty");
  to = base.resolve(value);
  return success();
}

Outcome set_flag(const std::string& value, bool& to) {
  to = value == "true";
  return success();
}

Outcome set_clock(Settings& settings, const std::string& value, const PathBase&) {
  if (value == "realtime") {
    settings.clock = ClockMode::realtime;
  } else if (value == "virtual") {
    settings.clock = ClockMode::unpaced;
  } else {
    return usage(fmt::format("there is no clock '{}'; it is realtime or virtual", value));
  }
  return success();
}

Outcome set_engine(Settings& settings, const std::string& value, const PathBase&) {
  EngineSetting parsed;
  if (const Outcome stored = store(parse_engine(value), parsed); !stored.ok()) return stored;
  settings.engine.turns = std::move(parsed.turns);
  settings.engine.automatic = parsed.automatic;
  return success();
}

Outcome set_kvm(Settings& settings, const std::string& value, const PathBase& base) {
  return store_path(value, base, settings.engine.device);
}

Outcome set_ticks(Settings& settings, const std::string& value, const PathBase&) {
  return store(parse_tick_unit(value), settings.engine.ticks);
}

Outcome set_digest_every(Settings& settings, const std::string& value, const PathBase&) {
  auto ticks = parse_whole_number(value);
  if (!ticks.ok()) return ticks.error();
  if (ticks.value() == 0) return usage("digests every 0 ticks are impossible; the least is 1");
  settings.digest_every = ticks.value();
  settings.print_digests = true;
  return success();
}

Outcome add_disk(Settings& settings, const std::string& value, const PathBase& base) {
  auto disk = parse_disk(value, base);
  if (!disk.ok()) return disk.error();
  settings.disks.push_back(std::move(disk).value());
  return success();
}

constexpr std::string_view machine = "machine", run = "run", record = "record", pair = "pair", none = "";
constexpr std::string_view boot_group = "What to boot", machine_group = "The machine", device_group = "Its devices",
                           run_group = "This run", record_group = "The recording", pair_group = "The pair";

Outcome set_kernel(Settings& s, const std::string& value, const PathBase& base) {
  return store_path(value, base, s.kernel);
}
Outcome set_initrd(Settings& s, const std::string& value, const PathBase& base) {
  return store_path(value, base, s.initrd);
}
Outcome set_append(Settings& s, const std::string& value, const PathBase&) {
  s.append = value;
  return success();
}
Outcome set_flat(Settings& s, const std::string& value, const PathBase&) { return set_flag(value, s.flat); }
Outcome set_firmware(Settings& s, const std::string& value, const PathBase& base) {
  return s.pc.set_firmware(value, base);
}
Outcome set_uefi_variables(Settings& s, const std::string& value, const PathBase& base) {
  return store_path(value, base, s.pc.uefi_variables);
}
Outcome set_cdrom(Settings& s, const std::string& value, const PathBase& base) { return s.pc.set_cdrom(value, base); }
Outcome set_boot(Settings& s, const std::string& value, const PathBase&) { return s.pc.set_boot(value); }
Outcome set_boot_menu(Settings& s, const std::string& value, const PathBase&) {
  return set_flag(value, s.pc.boot_menu);
}
Outcome set_display(Settings& s, const std::string& value, const PathBase&) {
  if (value != "vga" && value != "none")
    return usage(fmt::format("there is no display '{}'; it is vga or none", value));
  s.pc.display = value == "vga";
  return success();
}
Outcome set_tablet(Settings& s, const std::string& value, const PathBase&) { return set_flag(value, s.pc.tablet); }
Outcome set_hpet(Settings& s, const std::string& value, const PathBase&) { return set_flag(value, s.pc.hpet); }
Outcome set_hyperv(Settings& s, const std::string& value, const PathBase&) { return set_flag(value, s.pc.hyperv); }
Outcome set_memory(Settings& s, const std::string& value, const PathBase&) {
  return store(parse_memory_size(value), s.memory_bytes);
}
Outcome set_seed(Settings& s, const std::string& value, const PathBase&) {
  return store(parse_whole_number(value), s.seed);
}
Outcome set_rtc(Settings& s, const std::string& value, const PathBase&) {
  if (value != "now" && value != "local") return store(parse_rtc_start(value), s.rtc_start_seconds);
  s.rtc_start_seconds = value == "now" ? world::wall_clock_seconds() : world::local_clock_seconds();
  return success();
}
Outcome set_no_reboot(Settings& s, const std::string& value, const PathBase&) { return set_flag(value, s.no_reboot); }
Outcome set_network(Settings& s, const std::string& value, const PathBase&) {
  return store(parse_network(value), s.network);
}
Outcome set_serial(Settings& s, const std::string& value, const PathBase& base) {
  return store(parse_console(value, base), s.serial);
}
Outcome set_firmware_log(Settings& s, const std::string& value, const PathBase& base) {
  return store(parse_console(value, base), s.firmware_log);
}
Outcome set_console(Settings& s, const std::string& value, const PathBase& base) {
  return store(parse_console(value, base), s.console);
}
Outcome set_stop_at(Settings& s, const std::string& value, const PathBase&) {
  return store(parse_whole_number(value), s.stop_at_tick);
}
Outcome set_digests(Settings& s, const std::string& value, const PathBase& base) {
  return store_path(value, base, s.digests);
}
Outcome set_gdb(Settings& s, const std::string& value, const PathBase&) {
  s.gdb = value;
  return success();
}
Outcome set_gdb_remote(Settings& s, const std::string& value, const PathBase&) { return set_flag(value, s.gdb_remote); }
Outcome set_summary(Settings& s, const std::string& value, const PathBase& base) {
  return store_path(value, base, s.summary);
}
Outcome set_json(Settings& s, const std::string& value, const PathBase&) { return set_flag(value, s.json); }
Outcome set_quiet(Settings& s, const std::string& value, const PathBase&) { return set_flag(value, s.quiet); }
Outcome set_from(Settings& s, const std::string& value, const PathBase& base) {
  return store_path(value, base, s.from);
}
Outcome set_output(Settings& s, const std::string& value, const PathBase& base) {
  return store_path(value, base, s.trace);
}
Outcome set_checkpoint_every(Settings& s, const std::string& value, const PathBase&) {
  return store(parse_duration(value), s.checkpoint_every_ns);
}
Outcome set_log_sync(Settings& s, const std::string& value, const PathBase&) {
  const auto ns = parse_duration(value);
  if (!ns.ok()) return ns.error();
  if (ns.value() > 3'600'000'000'000) return usage("more than an hour is no cadence; the default is 1s");
  s.log_sync_ms = static_cast<unsigned>((ns.value() + 999'999) / 1'000'000);
  return success();
}

/// ADDR:PORT. What the address means is found out when it is used.
Outcome store_address(const std::string& value, std::string& to) {
  const std::size_t colon = value.rfind(':');
  const auto port = parse_whole_number(colon == std::string::npos ? "" : value.substr(colon + 1));
  if (colon == 0 || !port.ok() || port.value() == 0 || port.value() > 65'535) {
    return usage(fmt::format("'{}' is no address with a port; write ADDR:PORT, such as 10.1.1.1:7400", value));
  }
  to = value;
  return success();
}

Outcome set_name(Settings& s, const std::string& value, const PathBase&) {
  if (!sync::is_member_name(value)) {
    return usage(fmt::format("'{}' is no name for a replica; use 1 to 63 of a-z, 0-9 and -, not - at first", value));
  }
  s.pair.name = value;
  return success();
}
Outcome set_pair(Settings& s, const std::string& value, const PathBase&) {
  if (!sync::is_member_name(value)) {
    return usage(fmt::format("'{}' is no name for a pair; use 1 to 63 of a-z, 0-9 and -, not - at first", value));
  }
  s.pair.pair = value;
  return success();
}
Outcome set_listen(Settings& s, const std::string& value, const PathBase&) {
  return store_address(value, s.pair.listen);
}
Outcome set_peer(Settings& s, const std::string& value, const PathBase&) { return store_address(value, s.pair.peer); }
Outcome set_arbiter(Settings& s, const std::string& value, const PathBase& base) {
  s.pair.arbiter = value.starts_with("file:") ? "file:" + base.resolve(value.substr(5)) : value;
  return success();
}
Outcome set_keys(Settings& s, const std::string& value, const PathBase& base) {
  return store_path(value, base, s.pair.keys);
}
Outcome set_state(Settings& s, const std::string& value, const PathBase& base) {
  return store_path(value, base, s.pair.state);
}
Outcome set_control(Settings& s, const std::string& value, const PathBase& base) {
  return store_path(value, base, s.control);
}
Outcome set_vnc(Settings& s, const std::string& value, const PathBase&) {
  if (value.empty()) return usage("a place is missing; write ADDRESS:PORT, as 127.0.0.1:5900, or a display, as :1");
  s.vnc = value;
  return success();
}
Outcome set_vnc_password(Settings& s, const std::string& value, const PathBase& base) {
  return store_path(value, base, s.vnc_password);
}
Outcome set_metrics(Settings& s, const std::string& value, const PathBase&) {
  return store_address(value, s.pair.metrics);
}
Outcome set_events(Settings& s, const std::string& value, const PathBase& base) {
  return store_path(value, base, s.pair.events);
}

const std::array rows{
    SettingRow{"kernel", Kind::text, machine, boot_group, "FILE",
               "Linux bzImage, ELF (PVH or Multiboot 1), or with --flat a flat image", set_kernel},
    SettingRow{"initrd", Kind::text, machine, boot_group, "FILE",
               "initial RAM disk; for Multiboot and PVH the only module", set_initrd},
    SettingRow{"append", Kind::text, machine, boot_group, "TEXT", "kernel command line", set_append},
    SettingRow{"flat", Kind::flag, machine, boot_group, none,
               "the kernel is a flat real-mode image, entered at 0000:7C00", set_flat},
    SettingRow{
        "firmware", Kind::text, machine, boot_group, "NAME",
        "without a kernel, what boots disks and CDs: bios (default) or uefi; or bios=FILE, uefi=FILE for an image "
        "other than Debian's",
        set_firmware},
    SettingRow{"uefi-vars", Kind::text, machine, boot_group, "FILE",
               "keeps the variables of UEFI firmware, and is made if it is not there; default: they are forgotten",
               set_uefi_variables},
    SettingRow{"boot", Kind::text, machine, boot_group, "ORDER",
               "what firmware boots from: disk, cdrom, network; default disk,cdrom", set_boot},
    SettingRow{"boot-menu", Kind::flag, machine, boot_group, none, "firmware waits for a key that opens its menu",
               set_boot_menu},
    SettingRow{
        "from", Kind::text, none, boot_group, "CHECKPOINT",
        "go on live from a checkpoint of a trace instead of booting; the machine is the trace's, only what it is "
        "connected to can be chosen",
        set_from, Commands::run},

    SettingRow{"memory", Kind::text, machine, machine_group, "SIZE", "guest memory, as 512M or 2G; default 512M",
               set_memory},
    SettingRow{"engine", Kind::text, machine, machine_group, "NAME",
               "what executes the guest: interp (default), kvm, or auto, which is kvm where it is sound; or a list "
               "with the ticks of changes, as interp,1000000:kvm",
               set_engine},
    SettingRow{"kvm", Kind::text, machine, machine_group, "FILE", "another device than /dev/kvm", set_kvm},
    SettingRow{"ticks", Kind::text, machine, machine_group, "UNIT",
               "what the machine counts: instructions (default of interp), exits (kvm when recorded), host (kvm "
               "otherwise); docs/KVM.md",
               set_ticks},
    SettingRow{"clock", Kind::text, machine, machine_group, "MODE",
               "realtime: guest time follows the host's (default); virtual: guest time is the count of executed "
               "instructions alone, so that equal inputs give equal runs",
               set_clock},
    SettingRow{"seed", Kind::number, machine, machine_group, "N",
               "where all randomness that the machine offers comes from; default: random, with --clock virtual 0",
               set_seed},
    SettingRow{"rtc", Kind::text, machine, machine_group, "TIME",
               "date of the guest's clock at power-on, as 2020-01-31T12:00:00Z, now (in UTC), or local; default: "
               "now, with --clock virtual 2020-01-01T00:00:00Z",
               set_rtc},
    SettingRow{"no-reboot", Kind::flag, machine, machine_group, none,
               "end when the guest resets, instead of booting it again", set_no_reboot},

    SettingRow{"disk", Kind::disks, none, device_group, "FILE[,mode=M][,bus=B]",
               "add a disk from an image; mode overlay: changes are forgotten at the end (default), ro: read-only, "
               "rw: changes go to the image; bus: virtio (default with a kernel) or ide (default otherwise)",
               add_disk},
    SettingRow{"cdrom", Kind::text, machine, device_group, "FILE[,FILE]...",
               "a CD-ROM drive and the ISO images for it, the first of them inserted; or empty", set_cdrom},
    SettingRow{"net", Kind::network, none, device_group, "KIND",
               "none (default), user[,forward=tcp:ADDR:PORT-:GUESTPORT]..., or tap=NAME; each with [,mac=02:...] and "
               "[,card=virtio|e1000]",
               set_network},
    SettingRow{"serial", Kind::text, machine, device_group, "PLACE",
               "the serial port: stdio[,log=FILE] (default), file:FILE or none; on a terminal Ctrl-A x ends the "
               "machine, Ctrl-A h helps",
               set_serial},
    SettingRow{"console", Kind::text, machine, device_group, "PLACE",
               "a virtio console: none (default), stdio[,log=FILE] or file:FILE", set_console},

    SettingRow{"firmware-log", Kind::text, machine, device_group, "PLACE",
               "what firmware tells port 402h: none (default) or file:FILE", set_firmware_log},
    SettingRow{"display", Kind::text, machine, device_group, "KIND",
               "vga, with keyboard and mouse (default with firmware), or none", set_display},
    SettingRow{"tablet", Kind::flag, machine, device_group, none,
               "add a USB tablet: the guest's pointer is where the viewer's is", set_tablet},
    SettingRow{"hpet", Kind::flag, machine, device_group, none, "add a high-precision event timer", set_hpet},
    SettingRow{"hyperv", Kind::flag, machine, device_group, none,
               "offer the interface of Hyper-V: for Windows 7 and later", set_hyperv},

    SettingRow{"output", Kind::text, none, record_group, "DIR", "the trace: a folder that is made for it", set_output,
               Commands::record, "o"},
    SettingRow{"checkpoint-every", Kind::text, record, record_group, "TIME",
               "of guest time, as 60s or 500ms, or none; default 60s", set_checkpoint_every, Commands::record},
    SettingRow{
        "log-sync", Kind::text, record, record_group, "TIME",
        "how often the log is made to survive a power cut; 0s: before every effect leaves; default 1s. It always "
        "survives a kill of this program",
        set_log_sync, Commands::record},

    SettingRow{"listen", Kind::text, pair, pair_group, "ADDR:PORT", "where the other replica reaches this one",
               set_listen, Commands::pair},
    SettingRow{"peer", Kind::text, pair, pair_group, "ADDR:PORT",
               "where this replica reaches the other; a standby learns it from its leader", set_peer, Commands::pair},
    SettingRow{
        "arbiter", Kind::text, pair, pair_group, "WHO",
        "who decides which replica goes on alone: witness:HOST:PORT, file:PATH on storage that both hosts share, "
        "or etcd:HOST:PORT",
        set_arbiter, Commands::pair},
    SettingRow{"keys", Kind::text, pair, pair_group, "DIR",
               "this replica's folder of those that `lockstitch keys` made", set_keys, Commands::pair},
    SettingRow{"state", Kind::text, pair, pair_group, "DIR",
               "where this replica remembers what it was; also the place of its control socket", set_state,
               Commands::pair},
    SettingRow{"name", Kind::text, pair, pair_group, "NAME", "of this replica; default: that of its keys", set_name,
               Commands::pair},
    SettingRow{"pair", Kind::text, pair, pair_group, "NAME",
               "of the pair, for the arbiter may serve several; default lockstitch", set_pair, Commands::pair},
    SettingRow{"metrics", Kind::text, pair, pair_group, "ADDR:PORT", "serve Prometheus metrics over HTTP; default none",
               set_metrics, Commands::pair},
    SettingRow{"events", Kind::text, pair, pair_group, "FILE",
               "append one line of JSON for each change of state; default stderr", set_events, Commands::pair},

    SettingRow{"stop-at-tick", Kind::number, run, run_group, "N", "end exactly after N instructions", set_stop_at,
               Commands::single},
    SettingRow{"digest-every", Kind::number, run, run_group, "N",
               "print tick and digest of the whole machine every N instructions", set_digest_every, Commands::single},
    SettingRow{"digests", Kind::text, run, run_group, "FILE", "where these digests go; default stderr", set_digests,
               Commands::single},
    SettingRow{"gdb", Kind::text, run, run_group, "PLACE",
               "let gdb connect at :PORT, ADDRESS:PORT or unix:PATH; a guest that runs waits for it before its first "
               "instruction, a follower leaves its pair for as long as it is looked at",
               set_gdb, Commands::live},
    SettingRow{"gdb-remote", Kind::flag, run, run_group, none, "debuggers on other hosts may connect", set_gdb_remote,
               Commands::live},
    SettingRow{"vnc", Kind::text, run, run_group, "PLACE",
               "let VNC viewers see the screen and use keyboard and mouse: ADDRESS:PORT, or a display, as :1 for port "
               "5901; without an address only this host reaches it",
               set_vnc},
    SettingRow{"vnc-password", Kind::text, run, run_group, "FILE",
               "ask viewers for the password in the first line of FILE", set_vnc_password},
    SettingRow{"control", Kind::text, run, run_group, "PATH",
               "the control socket, by which `lockstitch screen`, `type` and the like reach a guest that runs, and "
               "`lockstitch status` a replica; default: none, of a replica STATE/control",
               set_control, Commands::live, "", pair},
    SettingRow{"summary", Kind::text, run, run_group, "FILE", "write a summary as JSON at the end", set_summary,
               Commands::single},
    SettingRow{"json", Kind::flag, run, run_group, none,
               "print that summary on stdout; the serial port is then none unless told otherwise", set_json,
               Commands::single},
    SettingRow{"quiet", Kind::flag, run, run_group, none, "print errors only", set_quiet},
};

}  // namespace

bool SettingRow::is_key_of(std::string_view name_of_table) const {
  return !name_of_table.empty() && (name_of_table == table || name_of_table == other_table);
}

bool SettingRow::belongs_to(Mode mode) const {
  switch (commands) {
    case Commands::all:
      return true;
    case Commands::run:
      return mode == Mode::run;
    case Commands::record:
      return mode == Mode::record;
    case Commands::single:
      return !is_pair(mode);
    case Commands::live:
      return mode == Mode::run || is_pair(mode);
    case Commands::pair:
      return is_pair(mode);
  }
  return false;
}

std::span<const SettingRow> setting_table() { return rows; }

const SettingRow* find_setting(std::string_view name) {
  const auto row = std::find_if(rows.begin(), rows.end(), [&](const SettingRow& r) { return r.name == name; });
  return row == rows.end() ? nullptr : &*row;
}

}  // namespace lockstitch::app

// See setting_table.h.
#include "vmm/app/setting_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

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

Result<std::uint64_t> parse_number(const std::string& text) {
  std::uint64_t value = 0;
  const bool hex = text.starts_with("0x");
  const char* const begin = text.data() + (hex ? 2 : 0);
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(begin, end, value, hex ? 16 : 10);
  if (error == std::errc::result_out_of_range) return usage(fmt::format("'{}' is larger than 2^64 - 1", text));
  if (error != std::errc{} || stop != end) return usage(fmt::format("'{}' is no whole number from 0 on", text));
  return value;
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
  static constexpr std::array<std::string_view, 2> engines{"interp", "auto"};
  if (value == "jit" || value == "kvm") {
    return usage(fmt::format("the engine '{}' is not part of this version yet; use interp or auto", value));
  }
  if (std::find(engines.begin(), engines.end(), value) == engines.end()) {
    return usage(fmt::format("there is no engine '{}'{}", value, did_you_mean(value, engines, "use interp or auto")));
  }
  settings.engine = "interp";
  return success();
}

Outcome set_digest_every(Settings& settings, const std::string& value, const PathBase&) {
  auto ticks = parse_number(value);
  if (!ticks.ok()) return ticks.error();
  if (ticks.value() == 0) return usage("digests every 0 ticks are impossible; the least is 1");
  settings.digest_every = ticks.value();
  return success();
}

Outcome add_disk(Settings& settings, const std::string& value, const PathBase& base) {
  auto disk = parse_disk(value, base);
  if (!disk.ok()) return disk.error();
  settings.disks.push_back(std::move(disk).value());
  return success();
}

#define LS_SET [](Settings & s, const std::string& value, [[maybe_unused]] const PathBase& base) -> Outcome

constexpr std::string_view machine = "machine", run = "run", none = "";
constexpr std::string_view boot_group = "What to boot", machine_group = "The machine", device_group = "Its devices",
                           run_group = "This run";

const std::array rows{SettingRow{"kernel", Kind::text, machine, boot_group, "FILE",
                                 "Linux bzImage, ELF (PVH or Multiboot 1), or with --flat a flat image",
                                 LS_SET{return store_path(value, base, s.kernel);
}  // namespace
}  // namespace lockstitch::app
, SettingRow{"initrd", Kind::text, machine, boot_group, "FILE",
             "initial RAM disk; for Multiboot and PVH the only module", LS_SET{return store_path(value, base, s.initrd);
}
}
, SettingRow{"append", Kind::text, machine, boot_group, "TEXT", "kernel command line", LS_SET{s.append = value;
return success();
}
}
, SettingRow{"flat", Kind::flag, machine, boot_group, none,
             "the kernel is a flat real-mode image, entered at 0000:7C00", LS_SET{return set_flag(value, s.flat);
}
}
,

    SettingRow{"memory", Kind::text, machine, machine_group, "SIZE", "guest memory, as 512M or 2G; default 512M",
               LS_SET{return store(parse_memory_size(value), s.memory_bytes);
}
}
, SettingRow{"engine",      Kind::text, machine,
             machine_group, "NAME",     "what executes the guest: interp or auto; default interp",
             set_engine},
    SettingRow{"clock",
               Kind::text,
               machine,
               machine_group,
               "MODE",
               "realtime: guest time follows the host's (default); virtual: guest time is the count of executed "
               "instructions alone, so that equal inputs give equal runs",
               set_clock},
    SettingRow{"seed", Kind::number, machine, machine_group, "N",
               "where all randomness that the machine offers comes from; default: random, with --clock virtual 0",
               LS_SET{return store(parse_number(value), s.seed);
}
}
, SettingRow{"rtc", Kind::text, machine, machine_group, "TIME",
             "date of the guest's clock at power-on, as 2020-01-31T12:00:00Z, or now; default: now, with --clock "
             "virtual 2020-01-01T00:00:00Z",
             LS_SET{if (value != "now") return store(parse_rtc_start(value), s.rtc_start_seconds);
s.rtc_start_seconds = world::wall_clock_seconds();
return success();
}
}
, SettingRow{"no-reboot", Kind::flag, machine, machine_group, none,
             "end when the guest resets, instead of booting it again", LS_SET{return set_flag(value, s.no_reboot);
}
}
,

    SettingRow{"disk",
               Kind::disks,
               none,
               device_group,
               "FILE[,mode=M]",
               "add a disk from a raw image; mode overlay: changes are forgotten at the end (default), ro: read-only, "
               "rw: changes go to the image",
               add_disk},
    SettingRow{"net", Kind::network, none, device_group, "KIND",
               "none (default), user[,forward=tcp:ADDR:PORT-:GUESTPORT]..., or tap=NAME; each with [,mac=02:...]",
               LS_SET{return store(parse_network(value), s.network);
}
}
, SettingRow{"serial", Kind::text, machine, device_group, "PLACE",
             "the serial port: stdio[,log=FILE] (default), file:FILE or none; on a terminal Ctrl-A x ends the machine, "
             "Ctrl-A h helps",
             LS_SET{return store(parse_console(value, base), s.serial);
}
}
, SettingRow{"console", Kind::text, machine, device_group, "PLACE",
             "a virtio console: none (default), stdio[,log=FILE] or file:FILE",
             LS_SET{return store(parse_console(value, base), s.console);
}
}
,

    SettingRow{"stop-at-tick", Kind::number, run, run_group, "N", "end exactly after N instructions",
               LS_SET{return store(parse_number(value), s.stop_at_tick);
}
}
, SettingRow{"digest-every",  Kind::number, run,
             run_group,       "N",          "print tick and digest of the whole machine every N instructions",
             set_digest_every},
    SettingRow{"digests", Kind::text, run, run_group, "FILE", "where these digests go; default stderr",
               LS_SET{return store_path(value, base, s.digests);
}
}
, SettingRow{"summary", Kind::text, run, run_group, "FILE", "write a summary as JSON at the end",
             LS_SET{return store_path(value, base, s.summary);
}
}
, SettingRow{"json", Kind::flag, run, run_group, none,
             "print that summary on stdout; the serial port is then none unless told otherwise",
             LS_SET{return set_flag(value, s.json);
}
}
, SettingRow{"quiet", Kind::flag, run, run_group, none, "print errors only", LS_SET{return set_flag(value, s.quiet);
}
}
,
}
;

}  // namespace

std::span<const SettingRow> setting_table() { return rows; }

const SettingRow* find_setting(std::string_view name) {
  const auto row = std::find_if(rows.begin(), rows.end(), [&](const SettingRow& r) { return r.name == name; });
  return row == rows.end() ? nullptr : &*row;
}

}  // namespace lockstitch::app

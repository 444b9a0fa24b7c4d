// See settings.h.
#include "vmm/app/settings.h"

#include "vmm/app/memory_size.h"

namespace lockstitch::app {

namespace {

Outcome no(const char* why) { return Error{ExitCode::usage, why}; }

}  // namespace

ConsoleSetting Settings::serial_console() const {
  if (serial) return *serial;
  // Standard output belongs to the summary, or to the console that asked for it.
  const bool taken = json || console.kind == ConsoleSetting::Kind::stdio;
  return {taken ? ConsoleSetting::Kind::none : ConsoleSetting::Kind::stdio, ""};
}

Outcome check(const Settings& settings, Mode mode) {
  const bool serial_stdio = settings.serial_console().kind == ConsoleSetting::Kind::stdio;
  const bool console_stdio = settings.console.kind == ConsoleSetting::Kind::stdio;
  if (!settings.from.empty()) {
    const bool machine_given = !settings.kernel.empty() || !settings.initrd.empty() || !settings.append.empty() ||
                               !settings.disks.empty() || settings.seed || settings.rtc_start_seconds;
    if (machine_given)
      return no("with --from the machine is the trace's; leave out kernel, disks and what else makes one");
  } else if (settings.kernel.empty()) {
    return no("there is no kernel; give one with --kernel FILE or in a guest file");
  }
  if (mode == Mode::record) {
    if (settings.trace.empty()) return no("a recording needs a folder for its trace; name one with -o DIR");
    for (const DiskSetting& disk : settings.disks) {
      if (disk.mode != world::BlockMode::read_write) continue;
      return no(
          "a recording never changes a disk image, for it could not be replayed then; use mode=overlay, and `lockstitch "
          "commit` when the guest's writes are to stay");
    }
  }
  if (settings.flat && !settings.initrd.empty())
    return no("a flat image takes no initrd; leave out --flat or --initrd");
  if (settings.flat && !settings.append.empty())
    return no("a flat image takes no command line; leave out --flat or --append");
  if (serial_stdio && console_stdio) {
    return no("--serial and --console cannot both be stdio; give one of them file:PATH or none");
  }
  if (settings.json && (serial_stdio || console_stdio)) {
    return no(
        "--json and a console cannot both have the standard output; write the summary with --summary FILE, or the "
        "console with file:PATH");
  }
  if (!settings.digests.empty() && settings.digest_every == 0) return no("--digests needs --digest-every N");
  return check_host_memory(settings.memory_bytes);
}

}  // namespace lockstitch::app

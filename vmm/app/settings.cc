// See settings.h.
#include "vmm/app/settings.h"

#include "vmm/app/memory_size.h"
#include "vmm/world/vnc_place.h"

namespace lockstitch::app {

namespace {

Outcome no(const char* why) { return Error{ExitCode::usage, why}; }

Outcome check_pair(const Settings& settings) {
  const PairSettings& pair = settings.pair;
  if (pair.listen.empty())
    return no("the peer must be able to reach this replica; give an address with --listen ADDR:PORT");
  if (pair.arbiter.empty())
    return no(
        "without a third party both replicas might run the guest when their link breaks; name one with --arbiter "
        "file:PATH, witness:HOST:PORT or etcd:HOST:PORT");
  if (pair.keys.empty())
    return no(
        "the replicas know each other by their keys; make some with `lockstitch keys` and name this one's folder "
        "with --keys DIR");
  if (pair.state.empty()) return no("a replica must remember what it was; name a folder of its own with --state DIR");
  for (const DiskSetting& disk : settings.disks) {
    if (disk.mode == world::BlockMode::overlay)
      return no(
          "a protected guest writes into its disk images, one copy on each host; say so with mode=rw, or mode=ro for a "
          "disk that never changes");
  }
  if (settings.network.kind == NetworkSetting::Kind::user)
    return no("user-mode networking keeps its connections in this process and would lose them with it; use tap=NAME");
  for (const ConsoleSetting& console : {settings.serial.value_or(ConsoleSetting{}), settings.console}) {
    if (console.kind == ConsoleSetting::Kind::stdio)
      return no("the console of a protected guest may move to the other host; give it a file with file:PATH, or none");
  }
  return success();
}

}  // namespace

PcModel Settings::pc_model() const {
  PcModel model = pc.model(!kernel.empty());
  const bool direct = model.firmware == FirmwareKind::none;
  model.card = network.card.value_or(direct ? NetworkCard::virtio : NetworkCard::e1000);
  for (const DiskSetting& disk : disks)
    model.buses.push_back(disk.bus.value_or(direct ? DiskBus::virtio : DiskBus::ide));
  return model;
}

Outcome check_vnc(const Settings& settings) {
  if (settings.vnc.empty()) {
    return settings.vnc_password.empty() ? success() : no("--vnc-password means nothing without --vnc");
  }
  const auto place = world::parse_vnc_place(settings.vnc);
  if (!place.ok()) return Error{place.error().code, "--vnc: " + place.error().text};
  if (!place.value().loopback && settings.vnc_password.empty())
    return no(
        "whoever reaches the VNC server has the guest's keyboard; on an address that other hosts reach it needs "
        "--vnc-password FILE");
  return success();
}

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
  } else if (settings.kernel.empty() && settings.disks.empty() && !settings.pc.media && !settings.pc.firmware) {
    return no(
        "there is nothing to boot; give a disk image with --disk FILE, a CD image with --cdrom FILE, or a kernel with "
        "--kernel FILE");
  }
  if (!settings.kernel.empty() && settings.pc.firmware)
    return no("a kernel is entered without firmware; leave out --firmware or --kernel");
  if (settings.kernel.empty() && (!settings.initrd.empty() || !settings.append.empty() || settings.flat))
    return no("--initrd, --append and --flat go with --kernel FILE; give one or leave them out");
  if (!settings.pc.uefi_variables.empty() && settings.pc_model().firmware != FirmwareKind::uefi)
    return no("--uefi-vars goes with --firmware uefi");
  if (mode == Mode::record) {
    if (settings.trace.empty()) return no("a recording needs a folder for its trace; name one with -o DIR");
    for (const DiskSetting& disk : settings.disks) {
      if (disk.mode != world::BlockMode::read_write) continue;
      return no(
          "a recording never changes a disk image, for it could not be replayed then; use mode=overlay, and "
          "`lockstitch "
          "commit` when the guest's writes are to stay");
    }
  }
  if (is_pair(mode)) {
    if (const Outcome pair = check_pair(settings); !pair.ok()) return pair;
  }
  if (const Outcome engine = check_engine(settings.engine, mode, !settings.gdb.empty()); !engine.ok()) return engine;
  if (settings.flat && !settings.initrd.empty())
    return no("a flat image takes no initrd; leave out --flat or --initrd");
  if (settings.flat && !settings.append.empty())
    return no("a flat image takes no command line; leave out --flat or --append");
  if (serial_stdio && console_stdio) {
    return no("--serial and --console cannot both be stdio; give one of them file:PATH or none");
  }
  if (settings.firmware_log.kind == ConsoleSetting::Kind::stdio)
    return no("the firmware's log goes to a file; give one with --firmware-log file:PATH");
  if (settings.json && (serial_stdio || console_stdio)) {
    return no(
        "--json and a console cannot both have the standard output; write the summary with --summary FILE, or the "
        "console with file:PATH");
  }
  if (const Outcome vnc = check_vnc(settings); !vnc.ok()) return vnc;
  if (!settings.digests.empty() && settings.digest_every == 0) return no("--digests needs --digest-every N");
  return check_host_memory(settings.memory_bytes);
}

}  // namespace lockstitch::app

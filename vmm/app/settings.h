// What a person asked for, by flags and guest file together, each value checked on its own.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "lockstitch/result.h"
#include "vmm/app/console_setting.h"
#include "vmm/app/disk_setting.h"
#include "vmm/app/engine_setting.h"
#include "vmm/app/mode.h"
#include "vmm/app/network_setting.h"
#include "vmm/app/pc_setting.h"

namespace lockstitch::app {

enum class ClockMode : std::uint8_t { realtime, unpaced };

/// A replica and how it reaches the others.
struct PairSettings {
  std::string name;  ///< of this replica; empty: that of its keys
  std::string pair = "lockstitch";
  std::string listen, peer, arbiter, keys, state, metrics, events;
};

struct Settings {
  // The machine: all that the guest can see.
  std::uint64_t memory_bytes = 512ull << 20;
  std::string kernel, initrd, append;
  bool flat = false;
  std::vector<DiskSetting> disks;
  NetworkSetting network;
  PcSetting pc;
  std::optional<ConsoleSetting> serial;  ///< nothing said: stdio, or none when the summary goes to stdout
  ConsoleSetting firmware_log;           ///< what firmware writes to port 402h
  ConsoleSetting console;                ///< none: the machine has no virtio console, unless the next says so
  bool virtio_console = false;           ///< a virtio console even if it is connected to nothing
  ClockMode clock = ClockMode::realtime;
  std::optional<std::uint64_t> seed;               ///< nothing said: random, or 0 with ClockMode::unpaced
  std::optional<std::uint64_t> rtc_start_seconds;  ///< nothing said: now, or a fixed date with ClockMode::unpaced
  EngineSetting engine;
  std::uint64_t digest_ignored_bits = 0;  ///< see MemoryDigest
  bool no_reboot = false;

  // This run of it.
  std::optional<std::uint64_t> stop_at_tick;
  std::uint64_t digest_every = 0;  ///< Unit: ticks; 0: never
  bool print_digests = false;      ///< the person wants to see them
  std::string digests, summary;    ///< files; empty: stderr, none
  bool json = false;
  bool quiet = false;
  std::string gdb;  ///< where gdb connects; empty: nowhere
  bool gdb_remote = false;
  std::string vnc;           ///< where VNC viewers connect; empty: nowhere
  std::string vnc_password;  ///< a file; empty: none is asked for
  std::string control;       ///< path of the control socket; empty: none, or that of the trace or of the pair's state

  // The recording of it.
  std::string trace;                                   ///< the folder; empty: none
  std::uint64_t checkpoint_every_ns = 60'000'000'000;  ///< Unit: ns of guest time; 0: none
  unsigned log_sync_ms = 1000;                         ///< Unit: ms; 0: before every effect

  // The pair.
  PairSettings pair;

  /// A checkpoint to go on from; empty: power-on. The machine is then the trace's.
  std::string from;

  ConsoleSetting serial_console() const;
  PcModel pc_model() const;
  bool has_virtio_console() const { return virtio_console || console.kind != ConsoleSetting::Kind::none; }
};

/// Of vnc and vnc_password. Fails: no place; other hosts could connect without a password.
Outcome check_vnc(const Settings& settings);

/// What the values say together. Fails: no kernel, two users of stdio, and the like.
Outcome check(const Settings& settings, Mode mode);

}  // namespace lockstitch::app

// What a person asked for, by flags and guest file together, each value checked on its own.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "lockstitch/result.h"
#include "vmm/app/console_setting.h"
#include "vmm/app/disk_setting.h"
#include "vmm/app/network_setting.h"

namespace lockstitch::app {

enum class ClockMode : std::uint8_t { realtime, unpaced };

struct Settings {
  // The machine: all that the guest can see.
  std::uint64_t memory_bytes = 512ull << 20;
  std::string kernel, initrd, append;
  bool flat = false;
  std::vector<DiskSetting> disks;
  NetworkSetting network;
  std::optional<ConsoleSetting> serial;  ///< nothing said: stdio, or none when the summary goes to stdout
  ConsoleSetting console;                ///< none: the machine has no virtio console
  ClockMode clock = ClockMode::realtime;
  std::optional<std::uint64_t> seed;               ///< nothing said: random, or 0 with ClockMode::unpaced
  std::optional<std::uint64_t> rtc_start_seconds;  ///< nothing said: now, or a fixed date with ClockMode::unpaced
  std::string engine = "interp";
  bool no_reboot = false;

  // This run of it.
  std::optional<std::uint64_t> stop_at_tick;
  std::uint64_t digest_every = 0;  ///< Unit: ticks; 0: never
  std::string digests, summary;    ///< files; empty: stderr, none
  bool json = false;
  bool quiet = false;

  ConsoleSetting serial_console() const;
};

/// What the values say together. Fails: no kernel, two users of stdio, and the like.
Outcome check(const Settings& settings);

}  // namespace lockstitch::app

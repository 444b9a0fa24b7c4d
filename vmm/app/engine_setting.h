// Which engine executes the guest, what its ticks are, and the engines' making. What KVM of this host is good for is
// asked here (`auto`).
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "lockstitch/engine.h"
#include "lockstitch/result.h"
#include "vmm/app/mode.h"
#include "vmm/engine/interp/cpuid.h"

namespace lockstitch::app {

enum class EngineKind : std::uint8_t { interp, kvm };

/// From a tick on an engine executes the guest.
struct EngineTurn {
  Tick from;
  EngineKind kind = EngineKind::interp;
  friend bool operator==(const EngineTurn&, const EngineTurn&) = default;
};

struct EngineSetting {
  std::vector<EngineTurn> turns{{Tick{}, EngineKind::interp}};  ///< the first from tick 0 on; ascending
  bool automatic = false;                                       ///< KVM if it is sound here
  std::optional<TickUnit> ticks;  ///< nothing said: what the engine and the mode like best
  std::string device = "/dev/kvm";

  bool uses(EngineKind kind) const;
  /// Of one that takes turns the first's.
  TickUnit unit(Mode mode) const;
  friend bool operator==(const EngineSetting&, const EngineSetting&) = default;
};

/// Fails: not NAME or NAME,TICK:NAME,... with ascending ticks.
Result<EngineSetting> parse_engine(const std::string& value);
/// "instructions", "exits" or "host".
Result<TickUnit> parse_tick_unit(const std::string& value);
std::string to_text(const EngineSetting& setting);
std::string_view to_text(TickUnit unit);

/// Whether that engine can do what this mode needs. Fails: with the trait that is missing and what to use instead.
Outcome check_engine(const EngineSetting& setting, Mode mode, bool debugged);

/// Decides what `auto` means here. Returns why it is not KVM; empty: it is, or nobody asked.
std::string settle_engine(EngineSetting& setting, Mode mode);

/// Unit: ns of guest time a tick stands for.
std::uint64_t ns_per_tick(TickUnit unit);

/// What digests leave out of every 64-bit word of memory, so that they are equal wherever the guest does the same: of
/// KVM the accessed and dirty bits of page tables, and what this host's processor stores otherwise than the manuals
/// say.
std::uint64_t digest_ignored_bits(TickUnit unit);

struct EngineRequest {
  std::vector<EngineTurn> turns{{Tick{}, EngineKind::interp}};
  /// Nothing: KVM's is the host's time and the interpreter's are instructions.
  std::optional<TickUnit> ticks = TickUnit::instruction;
  bool hyperv = false;
  std::string device = "/dev/kvm";
  Patience patience;
};

interp::CpuModel cpu_model(bool hyperv, TickUnit ticks);

/// Fails: KVM is not there or not enough.
Result<std::unique_ptr<Engine>> make_engine(const EngineRequest& request, GuestMemory& memory);

}  // namespace lockstitch::app

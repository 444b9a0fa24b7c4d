// Position and time of the guest. A tick is a place in the execution (one retired instruction, or one chunk of a
// REP string instruction); a virtual nanosecond is what the guest's clocks show there. Host time has no type here.
#pragma once
#include <compare>
#include <cstdint>

namespace lockstitch {

/// Position in the execution. Only grows. Unit: retired instructions, plus the ticks jumped over while halted.
struct Tick {
  std::uint64_t value = 0;
  friend constexpr auto operator<=>(Tick, Tick) = default;
};
constexpr Tick operator+(Tick t, std::uint64_t n) { return {t.value + n}; }
constexpr std::uint64_t operator-(Tick a, Tick b) { return a.value - b.value; }

/// Further than any run goes.
inline constexpr Tick tick_never{~std::uint64_t{0}};

/// Guest time. Unit: nanoseconds since power-on.
struct VirtualNs {
  std::uint64_t value = 0;
  friend constexpr auto operator<=>(VirtualNs, VirtualNs) = default;
};
constexpr VirtualNs operator+(VirtualNs t, std::uint64_t n) { return {t.value + n}; }
constexpr std::uint64_t operator-(VirtualNs a, VirtualNs b) { return a.value - b.value; }

inline constexpr VirtualNs ns_never{~std::uint64_t{0}};

/// The straight line that turns ticks into virtual time: ns = tick * ns_per_tick + offset_ns.
struct ClockLine {
  std::uint64_t ns_per_tick = 1;
  std::uint64_t offset_ns = 0;

  constexpr VirtualNs at(Tick t) const { return {t.value * ns_per_tick + offset_ns}; }

  /// The first tick at which the clock shows `ns` or more (tick 0 if it always has).
  constexpr Tick first_tick_at(VirtualNs ns) const {
    if (ns == ns_never) return tick_never;
    if (ns.value <= offset_ns) return {0};
    return {(ns.value - offset_ns + ns_per_tick - 1) / ns_per_tick};
  }
};

/// One instant, in both measures.
struct Moment {
  Tick tick;
  VirtualNs ns;
};

}  // namespace lockstitch

// What comes from outside (law 1). An Arrival is an input with its place in the execution; nothing else of the host ever
// reaches the core. Order: (tick, order in the log) is a total order.
#pragma once
#include <cstdint>
#include <vector>

#include "lockstitch/tick.h"

namespace lockstitch {

/// A device's connection to the world, numbered by the board in wiring order. 0 is the machine itself (Control).
struct PortId {
  std::uint16_t value = 0;
  friend constexpr auto operator<=>(PortId, PortId) = default;
};
inline constexpr PortId control_port{0};

/// Inputs to the machine as a whole.
enum class ControlKind : std::uint8_t {
  advance_clock,  ///< argument: nanoseconds added to the virtual clock's offset
  power_button,   ///< the user pressed it; argument unused
  reset,          ///< the user pulled it; argument unused
  stop,           ///< leave the loop; argument: a StopReason of the application
};

struct Control {
  ControlKind kind = ControlKind::stop;
  std::uint64_t argument = 0;
};

/// One input. `control` is meaningful for port 0, `payload` for all others. Range: payload up to limits::message_max_bytes.
struct Arrival {
  Tick tick;
  PortId port;
  Control control;
  std::vector<std::uint8_t> payload;
};

}  // namespace lockstitch

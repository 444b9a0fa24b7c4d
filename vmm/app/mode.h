// What a machine's inputs and effects are connected to.
#pragma once
#include <cstdint>

namespace lockstitch::app {

enum class Mode : std::uint8_t {
  run,      ///< the live world
  record,   ///< the live world, written down
  replay,   ///< what was written down
  protect,  ///< the live world, or a leader; this replica may start the guest
  standby,  ///< the same, but it only ever takes over
};

/// With a peer.
inline bool is_pair(Mode mode) { return mode == Mode::protect || mode == Mode::standby; }

}  // namespace lockstitch::app

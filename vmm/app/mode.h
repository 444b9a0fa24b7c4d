// What a machine's inputs and effects are connected to.
#pragma once
#include <cstdint>

namespace lockstitch::app {

enum class Mode : std::uint8_t {
  run,     ///< the live world
  record,  ///< the live world, written down
  replay,  ///< what was written down
};

}  // namespace lockstitch::app

// What leaves the guest: network frames, console bytes. An effect is identified by (port, ordinal), so that a duplicate
// after a take-over is recognisable and a gap is visible.
#pragma once
#include <cstdint>

#include "lockstitch/arrival.h"
#include "lockstitch/types.h"

namespace lockstitch {

struct Effect {
  Tick tick;
  PortId port;
  std::uint64_t ordinal = 0;  ///< counts the effects of this port from 0
  Bytes payload;              ///< valid during the call that delivers it
};

}  // namespace lockstitch

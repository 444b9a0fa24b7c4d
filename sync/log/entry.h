// What a log holds, as plain values: the inputs of a machine in their order, and what was observed of it on the way.
// The machine's past is a function of the header and of these. Not here: how entries become bytes (entry_codec.h).
#pragma once
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "lockstitch/arrival.h"
#include "lockstitch/digest.h"
#include "lockstitch/tick.h"

namespace lockstitch::sync {

/// Where the CPU stood when an input was taken: the low half of a hash of RIP, RFLAGS and the general registers. Two
/// executions that agree here agree on far more than the tick.
struct Position {
  std::uint32_t hash = 0;
  friend constexpr bool operator==(Position, Position) = default;
};

/// An input to a device.
struct ArrivalEntry {
  PortId port;  ///< never control_port
  Position position;
  std::vector<std::uint8_t> payload;  ///< Range: up to limits::message_max_bytes
};

/// An input to the machine as a whole.
struct ControlEntry {
  Control control;
  Position position;
};

/// No further input has the entry's tick or an earlier one: a machine may run up to the tick after it.
struct HorizonEntry {};

/// The machine's fingerprint at a tick.
struct DigestEntry {
  Digest digest;
  /// Everything but RAM, as the stream of state_format.h. Opaque here; what a divergence is found in.
  std::vector<std::uint8_t> state;
  /// Sums over equal parts of RAM, in ascending order: what tells which part differs.
  std::vector<std::uint64_t> memory_sums;
};

/// A note for people; no meaning for the machine.
struct MarkEntry {
  std::string text;
};

/// The last entry of a complete log.
struct EndEntry {
  std::uint8_t reason = 0;  ///< EndReason of the machine
  std::uint64_t argument = 0;
  Digest digest;  ///< of the machine as it ended
};

using EntryBody = std::variant<ArrivalEntry, ControlEntry, HorizonEntry, DigestEntry, MarkEntry, EndEntry>;

/// Order: ticks do not fall along a log; entries of one tick are in the order in which the machine met them.
struct Entry {
  Tick tick;
  EntryBody body;
};

/// An input of the machine, whichever kind.
inline bool is_input(const Entry& entry) {
  return std::holds_alternative<ArrivalEntry>(entry.body) || std::holds_alternative<ControlEntry>(entry.body);
}

}  // namespace lockstitch::sync

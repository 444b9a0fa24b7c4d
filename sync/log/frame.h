// How messages lie in a file: one frame each, with length and checksums, chained so that none can be lost, exchanged or
// moved unnoticed. A file that was cut off is told from one that was changed.
//
//   frame := magic (4), payload length (4), check of these and the chain before (8), payload check (8), payload
//   chain := XXH3-128 of (chain before, payload); of a file's first frame it is what the caller says
// Integers are little endian. The payload check is the low half of the chain after the frame.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "lockstitch/digest.h"
#include "lockstitch/types.h"

namespace lockstitch::sync {

/// What was read or written so far, as a hash.
using Chain = Digest;

inline constexpr std::size_t frame_header_bytes = 24;
/// Unit: bytes. A batch is closed long before; a longer frame is damage.
inline constexpr std::size_t frame_max_bytes = 64u << 20;

/// Appends one frame to `out` and returns the chain after it. Range: payload up to frame_max_bytes.
Chain append_frame(std::vector<std::uint8_t>& out, Bytes payload, Chain before);

enum class FrameFault : std::uint8_t {
  none,
  end,      ///< no byte follows
  cut,      ///< a frame begins and its end is missing
  damaged,  ///< bytes that no writer wrote here
};

struct Frame {
  FrameFault fault = FrameFault::none;
  Bytes payload;
  std::size_t bytes = 0;  ///< of the whole frame
  Chain after;
};

/// The frame at the beginning of `bytes`. Any bytes are safe.
Frame read_frame(Bytes bytes, Chain before);

}  // namespace lockstitch::sync

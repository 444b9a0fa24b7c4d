// One piece of a log on disk. While it grows it is open: frames one behind the other in `NNNNNN.open`. When it is
// complete it is sealed: the same bytes compressed in `NNNNNN.zst`, which zstd itself can read.
//
//   sealed := skippable frame (magic, length), "LSSG", length of the rest (8), XXH3-64 of the rest (8),
//             XXH3-64 of the 20 bytes before (8); then one zstd frame
// The length tells a file that was cut off from one that was changed.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "lockstitch/result.h"

namespace lockstitch::sync {

/// Unit: bytes. A segment is closed at some MiB; what a damaged one can make us allocate.
inline constexpr std::size_t segment_max_bytes = 256u << 20;

struct SegmentNames {
  std::string open, sealed;
};
SegmentNames segment_names(const std::string& folder, std::uint64_t number);

/// Writes the sealed form of the open one, durable, and removes the open one. Fails: unwritable; the open one stays.
Outcome seal_segment(const std::string& folder, std::uint64_t number);

struct SegmentContents {
  std::vector<std::uint8_t> frames;
  bool cut = false;     ///< the file is shorter than it was: `frames` is what could be saved of the beginning
  bool sealed = false;  ///< nothing can be missing behind its end but whole segments
};

/// Fails: changed, or unreadable.
Result<SegmentContents> read_segment(const std::string& folder, std::uint64_t number);

/// The numbers of all segments in the folder, ascending. Fails: the folder cannot be read.
Result<std::vector<std::uint64_t>> list_segments(const std::string& folder);

}  // namespace lockstitch::sync

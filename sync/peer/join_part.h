// Parts of a machine on its way to a standby, as plain values and as bytes (join.capnp).
#pragma once
#include <cstdint>
#include <variant>
#include <vector>

#include "lockstitch/digest.h"
#include "lockstitch/result.h"
#include "lockstitch/tick.h"
#include "lockstitch/types.h"

namespace lockstitch::sync {

/// Unit: bytes. What the standby's sums stand for.
inline constexpr std::uint64_t join_chunk_bytes = 64 << 10;
/// Unit: bytes. Contents of one part, before compression.
inline constexpr std::size_t join_part_max_bytes = 4u << 20;

struct DiskSums {
  std::uint16_t disk = 0;
  std::uint64_t first_chunk = 0;
  std::vector<Digest> sums;
};

struct DiskData {
  std::uint16_t disk = 0;
  std::vector<std::uint64_t> clusters;
  std::vector<std::uint8_t> contents;  ///< 4096 bytes for each
};

struct RamPages {
  std::vector<std::uint64_t> numbers;
  std::vector<std::uint8_t> contents;  ///< 4096 bytes for each
};

struct MachineState {
  Tick tick;
  Digest digest;
  std::vector<std::uint8_t> state;
};

struct JoinProgress {
  std::uint64_t done_bytes = 0, total_bytes = 0;
};

using JoinPart = std::variant<DiskSums, DiskData, RamPages, MachineState, JoinProgress>;

std::vector<std::uint8_t> encode(const JoinPart& part);
/// Any bytes are safe. Fails: not a part, a bound exceeded.
Result<JoinPart> decode_join_part(Bytes bytes);

/// What a chunk is compared by.
Digest chunk_sum(Bytes chunk);

}  // namespace lockstitch::sync

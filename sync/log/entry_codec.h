// Entries as bytes and back: one packed Cap'n Proto Batch (log.capnp) each time. States are written as differences to
// the one before, so encoder and decoder must go along a log from its beginning.
#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "lockstitch/result.h"
#include "lockstitch/types.h"
#include "sync/log/entry.h"

namespace lockstitch::sync {

/// Unit: entries. Of one batch.
inline constexpr std::size_t batch_max_entries = 65'536;
/// Unit: bytes. A machine's state without RAM; PC-1 has some 20 KB.
inline constexpr std::size_t state_max_bytes = 16u << 20;
inline constexpr std::size_t memory_sums_max = 4096;
/// Unit: bytes. Text of a mark.
inline constexpr std::size_t mark_max_bytes = 65'536;

class EntryEncoder {
 public:
  /// Range: up to batch_max_entries.
  std::vector<std::uint8_t> encode(std::span<const Entry> entries);

 private:
  std::vector<std::uint8_t> last_state_;
};

class EntryDecoder {
 public:
  /// Appends the batch's entries to `out`. Any bytes are safe. Fails: not a batch, a bound exceeded; the text says
  /// what.
  Outcome decode(Bytes batch, std::vector<Entry>& out);

 private:
  std::vector<std::uint8_t> last_state_;
};

}  // namespace lockstitch::sync

// A checkpoint as bytes and back: the message of checkpoint.capnp.
#pragma once
#include <cstdint>
#include <vector>

#include "lockstitch/result.h"
#include "lockstitch/types.h"
#include "sync/checkpoint/page_store.h"
#include "sync/checkpoint/snapshot.h"

namespace lockstitch::sync {

struct PageRun {
  std::uint64_t first_page = 0, count = 0;
  PageId first_id = 0;
};

struct CheckpointContents {
  Digest trace;
  Tick tick;
  VirtualNs ns;
  Digest digest;
  std::vector<std::uint8_t> state;
  std::vector<RegionShape> shapes;
  std::vector<std::vector<PageRun>> runs;  ///< of each region, ascending, inside its size
};

std::vector<std::uint8_t> encode(const CheckpointContents& contents);

/// Any bytes are safe. Fails: not a checkpoint, another version, a bound exceeded; the text says what, without the
/// file.
Result<CheckpointContents> decode_checkpoint(Bytes message);

}  // namespace lockstitch::sync

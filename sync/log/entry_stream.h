// Where a replayer gets its entries: a file, later a peer.
#pragma once
#include <optional>

#include "lockstitch/result.h"
#include "sync/log/entry.h"

namespace lockstitch::sync {

class EntryStream {
 public:
  virtual ~EntryStream() = default;
  /// The next entry; nothing at the end. Fails: damage.
  virtual Result<std::optional<Entry>> next() = 0;
};

}  // namespace lockstitch::sync

// Where a recorder puts what it records: a file, later a peer. Not here: how it gets there.
#pragma once
#include "sync/log/entry.h"

namespace lockstitch::sync {

class LogStream {
 public:
  virtual ~LogStream() = default;
  /// Order: ticks do not fall.
  virtual void append(Entry entry) = 0;
  /// Every input of this tick and of earlier ones was appended. Cheap; called at every pass of the machine's loop.
  virtual void passed(Tick tick) = 0;
};

}  // namespace lockstitch::sync

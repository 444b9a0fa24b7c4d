// A replica's standing on disk: one small text file in its state folder, written whole and durable before write()
// returns. The folder belongs to one process at a time.
#pragma once
#include <string>

#include "lockstitch/result.h"
#include "sync/log/file_bytes.h"
#include "sync/replica/standing.h"

namespace lockstitch::sync {

class StandingFile {
 public:
  /// The folder is made if it is missing; without a file the standing is fresh. Fails: unwritable, in use by another
  /// process, damaged, of another pair.
  static Result<StandingFile> open(const std::string& folder, const std::string& pair);

  const Standing& standing() const { return standing_; }
  Outcome write(const Standing& standing);

 private:
  std::string path_, pair_;
  FileHandle lock_;
  Standing standing_;
};

}  // namespace lockstitch::sync

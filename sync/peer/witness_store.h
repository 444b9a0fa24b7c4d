// What a witness keeps: a record for each pair, in one folder, a small file each (PAIR.term), and nothing else. A file
// is replaced by a finished one, so that kill -9 or a power cut at any moment leaves the old record or the new one.
#pragma once
#include <map>
#include <string>

#include "lockstitch/result.h"
#include "sync/log/file_bytes.h"
#include "sync/replica/term.h"

namespace lockstitch::sync {

class WitnessStore {
 public:
  /// Unit: pairs.
  static constexpr std::size_t max_pairs = 1024;

  /// Makes the folder if it is missing. Fails: unwritable, another witness uses it, a damaged record.
  static Result<WitnessStore> open(const std::string& folder);

  /// Of a pair that was never raised: term 0.
  ArbiterRecord read(const std::string& pair) const;

  struct Raised {
    Claim claim = Claim::denied;  ///< granted or denied; unreachable: the disk refused it, nothing has changed
    ArbiterRecord record;
    std::string why;   ///< with unreachable
    bool now = false;  ///< it was raised by this call, not before
  };
  /// Durable when it returns. Fails: it may or may not have been raised, and this store answers nobody any more.
  Result<Raised> raise(const std::string& pair, Term expected, const std::string& holder);

 private:
  WitnessStore(std::string folder, FileHandle lock) : folder_(std::move(folder)), lock_(std::move(lock)) {}

  Outcome load();
  std::string path_of(const std::string& pair) const { return folder_ + "/" + pair + ".term"; }

  std::string folder_;
  FileHandle lock_;  ///< held as long as the store lives
  std::map<std::string, ArbiterRecord> records_;
  bool failed_ = false;
};

}  // namespace lockstitch::sync

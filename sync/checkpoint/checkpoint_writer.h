// Writes the checkpoints of one trace. The caller hands a snapshot over and goes on; hashing, compression and writing
// happen on a thread of their own. Whatever happens meanwhile, earlier checkpoints stay good: pages are durable before
// the checkpoint that names them, and that appears under its name only when it is whole.
#pragma once
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "lockstitch/result.h"
#include "sync/checkpoint/page_store.h"
#include "sync/checkpoint/snapshot.h"

namespace lockstitch::sync {

class CheckpointWriter {
 public:
  struct Counters {
    std::uint64_t checkpoints = 0;
    std::uint64_t pages_seen = 0;    ///< in the snapshots
    std::uint64_t pages_stored = 0;  ///< that were not there yet
    std::uint64_t bytes_written = 0;
    double seconds_last = 0;  ///< that the last one took to write
  };

  /// The folder is made if it is missing. A store that is there is continued. Fails: unwritable, or another trace's.
  static Result<std::unique_ptr<CheckpointWriter>> open(const std::string& folder, Digest trace,
                                                        std::vector<RegionShape> shapes);
  /// Finishes.
  ~CheckpointWriter();
  CheckpointWriter(const CheckpointWriter&) = delete;
  CheckpointWriter& operator=(const CheckpointWriter&) = delete;

  /// Waits while an earlier one is being written. Fails: an earlier one could not be written; after that none is.
  Outcome add(Snapshot snapshot);
  bool busy() const;
  /// Waits until all are written. Fails: one could not be.
  Outcome finish();
  Counters counters() const;

 private:
  CheckpointWriter(std::string folder, Digest trace, std::vector<RegionShape> shapes, PageStoreWriter store);

  void run();
  Outcome write(const Snapshot& snapshot);

  const std::string folder_;
  const Digest trace_;
  const std::vector<RegionShape> shapes_;
  // Of the second thread.
  PageStoreWriter store_;
  std::vector<std::vector<PageId>> maps_;  ///< of each region, 0 for a page as at power-on

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::optional<Snapshot> waiting_;
  bool writing_ = false, ending_ = false;
  Outcome state_ = success();
  Counters counters_;
  std::thread thread_;
};

}  // namespace lockstitch::sync

// A checkpoint on disk, opened and checked whole. The pages that it names are checked as they are loaded.
#pragma once
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "lockstitch/result.h"
#include "lockstitch/types.h"
#include "sync/checkpoint/checkpoint_codec.h"

namespace lockstitch::sync {

std::string page_store_path(const std::string& folder);
std::string checkpoint_path(const std::string& folder, Tick tick);

struct CheckpointListing {
  Tick tick;
  std::string path;
};

/// Ascending. Other files are ignored; empty when there is no folder.
std::vector<CheckpointListing> list_checkpoints(const std::string& folder);

class CheckpointFile {
 public:
  /// Fails: missing, damaged, cut off, of another trace than `trace`.
  static Result<CheckpointFile> open(const std::string& path, Digest trace);

  Tick tick() const { return contents_.tick; }
  VirtualNs ns() const { return contents_.ns; }
  Digest digest() const { return contents_.digest; }
  const std::vector<std::uint8_t>& state() const { return contents_.state; }
  const std::vector<RegionShape>& shapes() const { return contents_.shapes; }

  /// The largest id that it names; 0: none.
  PageId last_id() const;

  /// Calls each(page number, its 4096 bytes) for every page that the region lists, in no particular order. Fails: a
  /// store that is missing, too short or damaged; some pages may have been given by then.
  Outcome load(std::size_t region, const std::function<void(std::uint64_t, Bytes)>& each) const;
  /// That every page is there and whole.
  Outcome verify() const;

 private:
  std::string path_;
  CheckpointContents contents_;
};

}  // namespace lockstitch::sync

// The contents of pages, each once, in one append-only file that all checkpoints of a trace share. A page's id is its
// place in the order of writing, from 1 on.
//
//   store := block...
//   block := magic (4), pages (4), first id (8), length of the body (8), check of these and the trace (8),
//            check of the body (8), body: the pages as one zstd frame
// Integers are little endian; checks are XXH3-64.
#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <unordered_map>
#include <vector>

#include "lockstitch/digest.h"
#include "lockstitch/result.h"
#include "lockstitch/types.h"
#include "sync/log/file_bytes.h"

namespace lockstitch::sync {

using PageId = std::uint64_t;

struct StoreBlock {
  PageId first = 0;
  std::uint32_t pages = 0;
  std::uint64_t body_offset = 0, body_bytes = 0, body_check = 0;
};

class PageStoreReader {
 public:
  /// Finds the blocks. What follows the last whole block is left alone. Fails: missing, unreadable, another trace's.
  static Result<PageStoreReader> open(const std::string& path, Digest trace);

  /// Ids 1 to this are there.
  PageId last() const { return blocks_.empty() ? 0 : blocks_.back().first + blocks_.back().pages - 1; }
  const std::vector<StoreBlock>& blocks() const { return blocks_; }
  /// Where the last whole block ends.
  std::uint64_t end_offset() const { return end_offset_; }
  /// The block's pages one behind the other. Fails: damaged.
  Outcome read(const StoreBlock& block, std::vector<std::uint8_t>& pages) const;

 private:
  std::string path_;
  FileHandle file_;
  std::vector<StoreBlock> blocks_;
  std::uint64_t end_offset_ = 0;
};

class PageStoreWriter {
 public:
  /// Unit: pages. Of one block: a compromise between compression and what one page costs to read.
  static constexpr std::uint32_t block_pages = 256;
  /// Unit: pages. How many contents are remembered to find equal ones: some 60 bytes each, 1 GiB in all at most. Past
  /// it new pages are written without looking.
  static constexpr std::size_t remembered_max = 16u << 20;

  /// Continues the store at `path`, or begins one. A torn end is cut off. Fails: unwritable, another trace's, damaged.
  static Result<PageStoreWriter> open(const std::string& path, Digest trace);

  /// The id of this content, which is written if it is new. Range: one page. Fails: no room.
  Result<PageId> add(Bytes page);
  /// Everything added so far is in the file and survives a power cut. Fails: no room; the store then ends with the last
  /// whole block, and ids given out since the last sync() are void.
  Outcome sync();

  std::uint64_t pages_stored() const { return next_ - 1; }
  std::uint64_t bytes() const { return offset_; }

 private:
  struct HashOfDigest {
    std::size_t operator()(const Digest& digest) const { return digest.low; }
  };

  Outcome write_block();
  Outcome roll_back(int error_number);

  std::string path_;
  Digest trace_;
  FileHandle file_;
  std::uint64_t offset_ = 0;
  PageId next_ = 1;
  std::unordered_map<Digest, PageId, HashOfDigest> known_;
  std::vector<std::uint8_t> pending_;  ///< pages of the block to come
  std::vector<Digest> pending_hashes_;
};

}  // namespace lockstitch::sync

// Decoded blocks by physical address, and which bytes of which pages they came from. A pure cache: dropping it changes
// nothing. Memory of stale blocks is reused only after a flush, so a running block may go stale under its own feet.
#pragma once
#include <cstdint>
#include <memory>
#include <vector>

#include "vmm/engine/interp/cpu.h"
#include "vmm/engine/interp/paging.h"
#include "vmm/engine/interp/sparse_pages.h"

namespace lockstitch::interp {

class BlockStore {
 public:
  BlockStore(Cpu& cpu, Paging& paging);

  /// Some block that starts at `gpa`; if it reaches into a second page, find_crossing() finds the one for a given second page.
  Block* find(std::uint64_t gpa, std::uint32_t mode) const;
  Block* find_crossing(std::uint64_t gpa, std::uint32_t mode, std::uint64_t gpa_second) const;

  /// Room for a block of up to `ops` slots; null when the store is full (then flush() first).
  Block* reserve(unsigned ops);
  /// Keeps the reserved block, `slots` of it used, and enters it into the tables.
  void keep(Block* block, unsigned slots);

  /// Makes written() report stores to these bytes of one page though no block is kept for them.
  void watch(Gpa from, unsigned bytes) { cover(from, bytes); }

  /// Guest bytes changed. Returns whether any block went stale.
  bool written(Gpa gpa, unsigned size);
  void drop_page(Gpa page);

  void flush();
  void flush_soon() { flush_wanted_ = true; }
  bool flush_wanted() const { return flush_wanted_; }

  std::uint64_t flushes() const { return flushes_; }

 private:
  static constexpr unsigned buckets = 1 << 17;
  static constexpr unsigned granule_shift = 6;  ///< a page has 64 granules of 64 bytes

  struct CodePage {
    Block* blocks = nullptr;
    std::uint64_t granules = 0;  ///< which of them hold decoded bytes
    bool reached = false;        ///< a block of another page ends in this one
  };

  static unsigned bucket(std::uint64_t gpa, std::uint32_t mode) {
    return static_cast<unsigned>((gpa ^ (gpa >> 15) ^ mode * 0x9e37u) & (buckets - 1));
  }
  CodePage& code_page(Gpa gpa) { return page_.at(gpa); }
  void cover(Gpa from, unsigned bytes);
  void make_stale(Block* block);

  Cpu& cpu_;
  Paging& paging_;
  std::unique_ptr<std::uint8_t[]> arena_;
  std::size_t used_ = 0;
  std::vector<Block*> bucket_;
  SparsePages<CodePage> page_;
  std::vector<Block*> crossing_;  ///< the blocks that reach into a second page
  bool flush_wanted_ = false;
  std::uint64_t flushes_ = 0;
};

}  // namespace lockstitch::interp

// The fingerprint of the guest's RAM, kept up to date page by page: only pages written since the last update are
// hashed. It is a function of the contents alone, whatever the order of the writes was.
//
// Each page that is not all zeros contributes XXH3-128(page number, XXH3-64 of its contents); the two halves are summed
// modulo 2^64 in two lanes, so that one page can be exchanged without the others. Fresh memory costs nothing.
//
// Processors set accessed and dirty bits of page tables early or late, and which pages are page tables nobody knows, so
// where that would differ the digest leaves those bits out of every aligned word.
#pragma once
#include <array>
#include <vector>

#include "lockstitch/digest.h"
#include "vmm/machine/memory.h"

namespace lockstitch {

class MemoryDigest {
 public:
  /// Range: memory that was never hashed before; its digest dirty set belongs to this object from now on.
  explicit MemoryDigest(Memory& memory, std::uint64_t ignored_bits = 0);

  /// How many equal parts RAM is divided into, for finding where two machines differ.
  static constexpr std::size_t parts = 64;

  /// The digest of the contents now.
  Digest update();
  /// The low lanes summed over each part, as of the last update().
  const std::array<std::uint64_t, parts>& part_sums() const { return part_sums_; }
  /// Unit: pages. Of a part; the last ones may be shorter or empty.
  std::uint64_t part_pages() const { return (page_hashes_.size() + parts - 1) / parts; }

  /// The same from scratch; slow, for checks.
  static Digest of(const Memory& memory);

 private:
  std::uint64_t hash(std::uint64_t page) const;

  Memory& memory_;
  const std::uint64_t ignored_bits_;
  std::vector<std::uint64_t> page_hashes_;  ///< 0: all zeros
  std::vector<std::uint64_t> dirty_;        ///< scratch
  Digest sum_;
  std::array<std::uint64_t, parts> part_sums_{};
};

}  // namespace lockstitch

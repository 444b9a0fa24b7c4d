// See memory_digest.h.
#include "vmm/machine/memory_digest.h"

#include <xxhash.h>

#include <array>
#include <cstring>

#include "lockstitch/assert.h"

namespace lockstitch {
namespace {

std::uint64_t hash_page(Bytes contents) {
  static const std::uint64_t of_zeros = [] {
    const std::array<std::uint8_t, page_bytes> zeros{};
    return XXH3_64bits(zeros.data(), zeros.size());
  }();
  // XOR makes 0 stand for "all zeros" and keeps the hash one to one.
  return XXH3_64bits(contents.data(), contents.size()) ^ of_zeros;
}

Digest contribution(std::uint64_t page, std::uint64_t page_hash) {
  if (page_hash == 0) return {};
  std::array<std::uint8_t, 16> text;
  for (unsigned i = 0; i < 8; ++i) {
    text[i] = static_cast<std::uint8_t>(page >> (8 * i));
    text[8 + i] = static_cast<std::uint8_t>(page_hash >> (8 * i));
  }
  const XXH128_hash_t hash = XXH3_128bits(text.data(), text.size());
  return {hash.high64, hash.low64};
}

}  // namespace

MemoryDigest::MemoryDigest(Memory& memory, std::uint64_t ignored_bits)
    : memory_(memory), ignored_bits_(ignored_bits), page_hashes_(memory.pages()) {}

std::uint64_t MemoryDigest::hash(std::uint64_t page) const {
  const Bytes contents = memory_.page_contents(page);
  if (ignored_bits_ == 0) return hash_page(contents);
  std::array<std::uint8_t, page_bytes> counted;
  for (std::size_t at = 0; at < page_bytes; at += 8) {
    std::uint64_t word;
    std::memcpy(&word, contents.data() + at, sizeof word);
    word &= ~ignored_bits_;
    std::memcpy(counted.data() + at, &word, sizeof word);
  }
  return hash_page(counted);
}

Digest MemoryDigest::update() {
  if (page_hashes_.size() != memory_.pages()) {
    LS_ASSERT(sum_ == Digest{});  // devices' memory is added before the first digest
    page_hashes_.resize(memory_.pages());
  }
  memory_.take_dirty(DirtySince::digest, dirty_);
  for (const std::uint64_t page : dirty_) {
    const std::uint64_t fresh_hash = hash(page);
    if (fresh_hash == page_hashes_[page]) continue;
    const Digest old = contribution(page, page_hashes_[page]);
    const Digest fresh = contribution(page, fresh_hash);
    sum_.high += fresh.high - old.high;
    sum_.low += fresh.low - old.low;
    part_sums_[page / part_pages()] += fresh.low - old.low;
    page_hashes_[page] = fresh_hash;
  }
  return sum_;
}

Digest MemoryDigest::of(const Memory& memory) {
  Digest sum;
  for (std::uint64_t page = 0; page < memory.pages(); ++page) {
    const Digest part = contribution(page, hash_page(memory.page_contents(page)));
    sum.high += part.high;
    sum.low += part.low;
  }
  return sum;
}

}  // namespace lockstitch

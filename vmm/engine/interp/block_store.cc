// See block_store.h.
#include "vmm/engine/interp/block_store.h"

#include <cstring>

#include "lockstitch/limits.h"

namespace lockstitch::interp {
namespace {

// First op of a stale block: gives back the charge and lets the dispatcher decode afresh.
void stale(Cpu& cpu, const Op* op) {
  cpu.ticks_left += cpu.block->count;
  cpu.rip = op_rip(cpu, op);
  cpu.block = nullptr;
}

}  // namespace

BlockStore::BlockStore(Cpu& cpu, Paging& paging)
    : cpu_(cpu), paging_(paging), arena_(new std::uint8_t[limits::decoded_store_bytes]), bucket_(buckets) {}

Block* BlockStore::find(std::uint64_t gpa, std::uint32_t mode) const {
  for (Block* b = bucket_[bucket(gpa, mode)]; b; b = b->next_in_bucket)
    if (b->gpa == gpa && b->mode == mode) return b;
  return nullptr;
}

Block* BlockStore::find_crossing(std::uint64_t gpa, std::uint32_t mode, std::uint64_t gpa_second) const {
  for (Block* b = bucket_[bucket(gpa, mode)]; b; b = b->next_in_bucket)
    if (b->gpa == gpa && b->mode == mode && b->gpa_second == gpa_second) return b;
  return nullptr;
}

Block* BlockStore::reserve(unsigned ops) {
  const std::size_t bytes = sizeof(Block) + ops * sizeof(Op);
  if (used_ + bytes > limits::decoded_store_bytes) return nullptr;
  return reinterpret_cast<Block*>(arena_.get() + used_);
}

void BlockStore::cover(Gpa from, unsigned bytes) {
  CodePage& page = code_page(from);
  const unsigned first = (from & page_mask) >> granule_shift;
  const unsigned last = ((from & page_mask) + bytes - 1) >> granule_shift;
  for (unsigned g = first; g <= last; ++g) page.granules |= 1ull << g;
  paging_.note_code(from);
}

void BlockStore::keep(Block* block, unsigned slots) {
  used_ += (sizeof(Block) + slots * sizeof(Op) + 15) & ~std::size_t{15};
  Block*& head = bucket_[bucket(block->gpa, block->mode)];
  block->next_in_bucket = head;
  head = block;
  const unsigned in_first = std::min<unsigned>(block->bytes, page_bytes - (block->gpa & page_mask));
  cover(block->gpa, in_first);
  CodePage& page = code_page(block->gpa);
  block->next_in_page = page.blocks;
  page.blocks = block;
  if (block->gpa_second != no_second) {
    cover(block->gpa_second, block->bytes - in_first);
    code_page(block->gpa_second).reached = true;
    crossing_.push_back(block);
  }
}

void BlockStore::make_stale(Block* block) {
  if (block->stale) return;
  block->stale = true;
  block->ops[0].fn = stale;
  Block** at = &bucket_[bucket(block->gpa, block->mode)];
  while (*at != block) at = &(*at)->next_in_bucket;
  *at = block->next_in_bucket;
}

void BlockStore::drop_page(Gpa page_gpa) {
  CodePage& page = code_page(page_gpa);
  for (Block* b = page.blocks; b; b = b->next_in_page) make_stale(b);
  const bool reached = page.reached;
  page = {};
  if (reached) {
    for (Block* b : crossing_)
      if (b->gpa_second == page_gpa) make_stale(b);
    std::erase_if(crossing_, [](const Block* b) { return b->stale; });
  }
  paging_.forget_code(page_gpa);
}

bool BlockStore::written(Gpa gpa, unsigned size) {
  CodePage& page = code_page(gpa);
  const unsigned first = (gpa & page_mask) >> granule_shift;
  const unsigned last = ((gpa & page_mask) + size - 1) >> granule_shift;
  std::uint64_t touched = 0;
  for (unsigned g = first; g <= last; ++g) touched |= 1ull << g;
  if (!(page.granules & touched)) return false;
  drop_page(gpa & ~page_mask);
  return true;
}

void BlockStore::flush() {
  page_.for_each([this](Gpa gpa, CodePage& page) {
    if (page.granules) paging_.forget_code(gpa);
    page = {};
  });
  bucket_.assign(buckets, nullptr);
  crossing_.clear();
  for (unsigned i = 0; i < jump_entries; ++i) cpu_.jump_cache[i] = {};
  used_ = 0;
  flush_wanted_ = false;
  ++flushes_;
}

}  // namespace lockstitch::interp

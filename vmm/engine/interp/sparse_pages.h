// One T for each page of the guest-physical space, made when it is first asked for: firmware runs just below 4 GiB, far
// from all RAM.
#pragma once
#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "lockstitch/types.h"

namespace lockstitch::interp {

template <class T>
class SparsePages {
 public:
  T& at(Gpa gpa) {
    const std::uint64_t page = gpa / page_bytes, chunk = page / chunk_pages;
    if (chunk >= chunks_.size()) chunks_.resize(chunk + 1);
    if (!chunks_[chunk]) chunks_[chunk] = std::make_unique<Chunk>();
    return (*chunks_[chunk])[page % chunk_pages];
  }
  /// Null: it was never asked for.
  T* find(Gpa gpa) {
    const std::uint64_t page = gpa / page_bytes, chunk = page / chunk_pages;
    return chunk < chunks_.size() && chunks_[chunk] ? &(*chunks_[chunk])[page % chunk_pages] : nullptr;
  }
  /// each(gpa, T&), in ascending order.
  template <class Each>
  void for_each(Each each) {
    for (std::uint64_t chunk = 0; chunk < chunks_.size(); ++chunk) {
      if (!chunks_[chunk]) continue;
      for (std::uint64_t i = 0; i < chunk_pages; ++i) each((chunk * chunk_pages + i) * page_bytes, (*chunks_[chunk])[i]);
    }
  }

 private:
  static constexpr std::uint64_t chunk_pages = 1024;
  using Chunk = std::array<T, chunk_pages>;

  std::vector<std::unique_ptr<Chunk>> chunks_;
};

}  // namespace lockstitch::interp

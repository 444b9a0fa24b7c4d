// What numbered pages of 4 KiB held at moments of the past: each content once, at the moment for which it was kept. A
// page without a version at or before a moment is as it was at the first one.
#pragma once
#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <unordered_map>
#include <vector>

#include "lockstitch/tick.h"
#include "lockstitch/types.h"

namespace lockstitch::debug {

class PageHistory {
 public:
  /// Shape: one page. Of a page that was not written since the latest moment before `at` nothing needs to be kept.
  void keep(std::uint64_t page, Tick at, Bytes contents);
  /// Its latest version at `at` or before; null: there is none.
  const std::uint8_t* find(std::uint64_t page, Tick at) const;
  /// Appends the pages that may differ between two moments, `from` before `to`.
  void changed(Tick from, Tick to, std::vector<std::uint64_t>& pages) const;
  /// Nobody goes back to `gone` any more; `next` is the moment kept after it.
  void forget(Tick gone, Tick next);

  /// Unit: bytes.
  std::uint64_t bytes() const { return versions_ * page_bytes; }

 private:
  using Page = std::array<std::uint8_t, page_bytes>;
  struct Version {
    Tick at;
    std::unique_ptr<Page> contents;
  };

  std::unordered_map<std::uint64_t, std::vector<Version>> pages_;  ///< versions ascending
  std::map<Tick, std::vector<std::uint64_t>> kept_;                ///< which pages have a version of that moment
  std::uint64_t versions_ = 0;
};

}  // namespace lockstitch::debug

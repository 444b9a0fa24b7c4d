// See page_history.h.
#include "vmm/debug/page_history.h"

#include <algorithm>

#include "lockstitch/assert.h"

namespace lockstitch::debug {
namespace {

template <class Versions>
auto first_behind(Versions& versions, Tick at) {
  return std::upper_bound(versions.begin(), versions.end(), at,
                          [](Tick tick, const auto& version) { return tick < version.at; });
}

}  // namespace

void PageHistory::keep(std::uint64_t page, Tick at, Bytes contents) {
  LS_ASSERT_CMP(contents.size(), ==, page_bytes);
  auto& versions = pages_[page];
  const auto behind = first_behind(versions, at);
  if (behind != versions.begin() && std::prev(behind)->at == at) return;
  auto copy = std::make_unique<Page>();
  std::copy(contents.begin(), contents.end(), copy->begin());
  versions.insert(behind, Version{at, std::move(copy)});
  kept_[at].push_back(page);
  ++versions_;
}

const std::uint8_t* PageHistory::find(std::uint64_t page, Tick at) const {
  const auto found = pages_.find(page);
  if (found == pages_.end()) return nullptr;
  const auto behind = first_behind(found->second, at);
  return behind == found->second.begin() ? nullptr : std::prev(behind)->contents->data();
}

void PageHistory::changed(Tick from, Tick to, std::vector<std::uint64_t>& pages) const {
  for (auto at = kept_.upper_bound(from); at != kept_.end() && at->first <= to; ++at) {
    pages.insert(pages.end(), at->second.begin(), at->second.end());
  }
}

void PageHistory::forget(Tick gone, Tick next) {
  const auto found = kept_.find(gone);
  if (found == kept_.end()) return;
  const std::vector<std::uint64_t> numbers = std::move(found->second);
  kept_.erase(found);
  for (const std::uint64_t page : numbers) {
    auto& versions = pages_[page];
    const auto version = std::prev(first_behind(versions, gone));
    const auto after = std::next(version);
    if (after != versions.end() && after->at <= next) {
      versions.erase(version);
      --versions_;
    } else {
      version->at = next;
      kept_[next].push_back(page);
    }
  }
}

}  // namespace lockstitch::debug

// See watch.h.
#include "vmm/engine/interp/watch.h"

#include <algorithm>
#include <utility>

namespace lockstitch::interp {
namespace {

/// Ranges may end at the top of the address space.
bool meet(const WatchRange& range, std::uint64_t from, std::uint64_t bytes) {
  return from - range.from < range.bytes || range.from - from < bytes;
}

}  // namespace

void Watch::set(const WatchSet& set) {
  set_ = set;
  std::sort(set_.breakpoints.begin(), set_.breakpoints.end());
  offsets_.reset();
  for (const std::uint64_t address : set_.breakpoints) offsets_[address & page_mask] = true;
  splits_blocks_ = !set_.collect && std::any_of(set_.ranges.begin(), set_.ranges.end(),
                                                [](const WatchRange& range) { return range.on_read; });
  hit_.reset();
}

bool Watch::stops_at(std::uint64_t linear) const {
  return offsets_[linear & page_mask] && std::binary_search(set_.breakpoints.begin(), set_.breakpoints.end(), linear);
}

Watch::Needs Watch::needs(std::uint64_t linear_page, Gpa page) const {
  Needs needs;
  for (const WatchRange& range : set_.ranges) {
    if (!meet(range, range.space == WatchSpace::linear ? linear_page : page, page_bytes)) continue;
    needs.reads |= range.on_read;
    needs.writes |= range.on_write;
  }
  return needs;
}

void Watch::touched(std::uint64_t linear, Gpa gpa, unsigned bytes, bool write, Boundary begin) {
  for (std::size_t i = 0; i < set_.ranges.size(); ++i) {
    const WatchRange& range = set_.ranges[i];
    if (!(write ? range.on_write : range.on_read)) continue;
    const std::uint64_t from = range.space == WatchSpace::linear ? linear : gpa;
    if (meet(range, from, bytes)) note(write ? WatchKind::write : WatchKind::read, i, from, bytes, begin);
  }
}

void Watch::written(Gpa gpa, std::uint64_t bytes, WatchKind kind, Boundary begin) {
  for (std::size_t i = 0; i < set_.ranges.size(); ++i) {
    const WatchRange& range = set_.ranges[i];
    if (range.space == WatchSpace::physical && range.on_write && meet(range, gpa, bytes))
      note(kind, i, gpa, bytes, begin);
  }
}

void Watch::note(WatchKind kind, std::size_t range, std::uint64_t from, std::uint64_t bytes, Boundary begin) {
  if (wants_pause()) return;
  const std::uint64_t first =
      from - set_.ranges[range].from < set_.ranges[range].bytes ? from : set_.ranges[range].from;
  hit_ = {kind, first, static_cast<std::uint32_t>(bytes), static_cast<std::uint32_t>(range), begin};
}

std::optional<WatchHit> Watch::take_hit() { return std::exchange(hit_, std::nullopt); }

}  // namespace lockstitch::interp

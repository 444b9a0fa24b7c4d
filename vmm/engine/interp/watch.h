// What a debugger watches, as the engine needs it: which blocks must end where, which pages have no fast path, which
// accesses are told of. Empty unless a debugger asked; then the engine looks here only where it is slow anyway.
#pragma once
#include <bitset>
#include <optional>
#include <vector>

#include "lockstitch/engine.h"

namespace lockstitch::interp {

class Watch {
 public:
  void set(const WatchSet& set);

  bool has_breakpoints() const { return !set_.breakpoints.empty(); }
  bool has_ranges() const { return !set_.ranges.empty(); }
  const std::vector<std::uint64_t>& breakpoints() const { return set_.breakpoints; }

  bool collects() const { return set_.collect; }
  /// Loads do not look whether to leave a block behind them, so blocks have one instruction.
  bool splits_blocks() const { return splits_blocks_; }

  /// An instruction at this linear address has a breakpoint.
  bool stops_at(std::uint64_t linear) const;
  /// Blocks are kept by physical address, so they end in front of everything that some address space may stop at.
  bool may_stop_at(std::uint64_t address) const { return offsets_[address & page_mask]; }

  /// Whether accesses of a page must be told to touched(): reads, writes.
  struct Needs {
    bool reads = false, writes = false;
  };
  Needs needs(std::uint64_t linear_page, Gpa page) const;

  void touched(std::uint64_t linear, Gpa gpa, unsigned bytes, bool write, Boundary begin);
  /// By physical address alone: page tables and devices.
  void written(Gpa gpa, std::uint64_t bytes, WatchKind kind, Boundary begin);

  /// A boundary with a breakpoint, of a set that collects.
  void passed(std::uint64_t linear, Boundary at) { hit_ = {WatchKind::breakpoint, linear, 0, 0, at}; }

  /// The run must end at the next boundary.
  bool wants_pause() const { return hit_.has_value() && !set_.collect; }
  std::optional<WatchHit> take_hit();

 private:
  void note(WatchKind kind, std::size_t range, std::uint64_t from, std::uint64_t bytes, Boundary begin);

  WatchSet set_;
  std::bitset<page_bytes> offsets_;
  bool splits_blocks_ = false;
  std::optional<WatchHit> hit_;
};

}  // namespace lockstitch::interp

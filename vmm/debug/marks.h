// Moments of a machine's past to which it can be set back at once, kept within a budget of memory: dense near where it
// stands, thinner with the distance. A mark is taken at the first boundary of a tick, before the machine visits it.
#pragma once
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "lockstitch/result.h"
#include "sync/checkpoint/written_disk.h"
#include "vmm/debug/page_history.h"
#include "vmm/machine/machine.h"

namespace lockstitch::debug {

using Disks = std::vector<std::unique_ptr<sync::WrittenDisk>>;

class Marks {
 public:
  /// Unit: bytes, of pages and states.
  Marks(Machine& machine, const Disks& disks, std::uint64_t budget_bytes);

  /// Keeps the present moment. Order: the machine is not inside a pass.
  void take();
  /// Makes the machine what it was at a mark. Fails: what was kept does not fit the machine.
  Outcome restore(Tick mark);

  /// The latest mark at `tick` or before. There is always the first one.
  Tick before(Tick tick) const;
  bool has(Tick tick) const { return states_.count(tick) != 0; }
  Tick first() const { return states_.begin()->first; }

  std::size_t count() const { return states_.size(); }
  std::uint64_t bytes() const;

 private:
  /// Unit: marks. More would cost more to look through than they save.
  static constexpr std::size_t most = 600;

  template <class Region>
  void put_back(Region& region, PageHistory& history, std::vector<std::uint64_t> changed, Tick mark);
  void thin_out();

  Machine& machine_;
  const Disks& disks_;
  const std::uint64_t budget_bytes_;
  std::map<Tick, std::vector<std::uint8_t>> states_;
  std::uint64_t state_bytes_ = 0;
  std::vector<PageHistory> history_;  ///< RAM, then the disks
  Tick base_;                         ///< the mark since which the dirty pages of the machine are counted
};

}  // namespace lockstitch::debug

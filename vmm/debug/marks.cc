// See marks.h.
#include "vmm/debug/marks.h"

#include <algorithm>

#include "lockstitch/assert.h"
#include "vmm/machine/state_reader.h"
#include "vmm/machine/state_writer.h"

namespace lockstitch::debug {
namespace {

constexpr std::array<std::uint8_t, page_bytes> zeros{};

struct Ram {
  Memory& memory;
  void take(std::vector<std::uint64_t>& pages) { memory.take_dirty(DirtySince::checkpoint, pages); }
  Bytes read(std::uint64_t page, std::vector<std::uint8_t>&) { return memory.page_contents(page); }
  void write(std::uint64_t page, const std::uint8_t* contents) {
    const Bytes wanted(contents != nullptr ? contents : zeros.data(), page_bytes);
    const Bytes now = memory.page_contents(page);
    if (!std::equal(now.begin(), now.end(), wanted.begin())) memory.set_page_contents(page, wanted);
  }
};

struct Disk {
  sync::WrittenDisk& disk;
  void take(std::vector<std::uint64_t>& clusters) { disk.take_written(clusters); }
  Bytes read(std::uint64_t cluster, std::vector<std::uint8_t>& room) {
    room.resize(page_bytes);
    disk.read_cluster(cluster, room);
    return room;
  }
  void write(std::uint64_t cluster, const std::uint8_t* contents) {
    const auto* original = disk.original(cluster);
    if (contents == nullptr && original == nullptr) return;  // as it always was
    disk.write_cluster(cluster, Bytes(contents != nullptr ? contents : original->data(), page_bytes));
  }
};

template <class Region>
void keep_changed(Region region, PageHistory& history, Tick at) {
  std::vector<std::uint64_t> changed;
  std::vector<std::uint8_t> room;
  region.take(changed);
  for (const std::uint64_t page : changed) history.keep(page, at, region.read(page, room));
}

}  // namespace

Marks::Marks(Machine& machine, const Disks& disks, std::uint64_t budget_bytes)
    : machine_(machine), disks_(disks), budget_bytes_(budget_bytes), history_(1 + disks.size()) {
  for (const auto& disk : disks_) disk->keep_originals();
  take();
}

void Marks::take() {
  LS_ASSERT(!machine_.paused());
  const Tick now = machine_.tick();
  if (has(now)) return;
  keep_changed(Ram{machine_.memory()}, history_[0], now);
  for (std::size_t i = 0; i < disks_.size(); ++i) keep_changed(Disk{*disks_[i]}, history_[i + 1], now);
  std::vector<std::uint8_t> state = save_state(machine_);
  state_bytes_ += state.size();
  states_.emplace(now, std::move(state));
  base_ = now;
  thin_out();
}

template <class Region>
void Marks::put_back(Region& region, PageHistory& history, std::vector<std::uint64_t> changed, Tick mark) {
  if (mark != base_) history.changed(std::min(mark, base_), std::max(mark, base_), changed);
  std::sort(changed.begin(), changed.end());
  changed.erase(std::unique(changed.begin(), changed.end()), changed.end());
  for (const std::uint64_t page : changed) region.write(page, history.find(page, mark));
  region.take(changed);  // what was just written is as it was at the mark
}

Outcome Marks::restore(Tick mark) {
  LS_ASSERT(has(mark));
  std::vector<std::uint64_t> changed;
  Ram ram{machine_.memory()};
  ram.take(changed);
  put_back(ram, history_[0], std::move(changed), mark);
  for (std::size_t i = 0; i < disks_.size(); ++i) {
    Disk disk{*disks_[i]};
    changed = {};
    disk.take(changed);
    put_back(disk, history_[i + 1], std::move(changed), mark);
  }
  base_ = mark;
  return load_state(machine_, states_.find(mark)->second);
}

Tick Marks::before(Tick tick) const {
  const auto behind = states_.upper_bound(tick);
  return behind == states_.begin() ? first() : std::prev(behind)->first;
}

std::uint64_t Marks::bytes() const {
  std::uint64_t bytes = state_bytes_;
  for (const PageHistory& history : history_) bytes += history.bytes();
  return bytes;
}

// Away goes the mark that leaves the smallest gap for its distance from here. The first one and the last one stay, and
// the one since which changes are counted.
void Marks::thin_out() {
  while (states_.size() > 3 && (states_.size() > most || bytes() > budget_bytes_)) {
    auto worst = states_.end();
    double least = 0;
    for (auto at = std::next(states_.begin()); std::next(at) != states_.end(); ++at) {
      if (at->first == base_) continue;
      const auto gap = static_cast<double>(std::next(at)->first - std::prev(at)->first);
      const Tick here = machine_.tick();
      const auto distance = static_cast<double>(std::max(here, at->first) - std::min(here, at->first)) + 1;
      if (worst != states_.end() && gap / distance >= least) continue;
      worst = at;
      least = gap / distance;
    }
    if (worst == states_.end()) return;
    for (PageHistory& history : history_) history.forget(worst->first, std::next(worst)->first);
    state_bytes_ -= worst->second.size();
    states_.erase(worst);
  }
}

}  // namespace lockstitch::debug

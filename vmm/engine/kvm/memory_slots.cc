// See memory_slots.h.
#include "vmm/engine/kvm/memory_slots.h"

#include <algorithm>
#include <bit>

#include "vmm/engine/kvm/must.h"

namespace lockstitch::kvm {

MemorySlot MemorySlots::describe(std::size_t number, const MappedRange& range) const {
  MemorySlot slot;
  slot.number = static_cast<std::uint32_t>(number);
  slot.base = range.base;
  slot.bytes = range.bytes;
  slot.memory = range.host;
  slot.read_only = !range.writable;
  slot.logs_writes = logs_ && range.writable;
  return slot;
}

std::vector<MappedRange> MemorySlots::wanted_ranges() const {
  std::vector<MappedRange> ranges = memory_.ranges();
  if (left_out_ == nullptr || left_out_->held().empty()) return ranges;
  std::vector<MappedRange> cut;
  auto page = left_out_->held().begin();
  const auto end = left_out_->held().end();
  for (MappedRange range : ranges) {
    while (page != end && *page < range.base) ++page;
    for (; page != end && *page < range.base + range.bytes; ++page) {
      const std::uint64_t before = *page - range.base;
      if (before != 0) cut.push_back({range.base, before, range.host, range.writable});
      range.base += before + page_bytes;
      range.host += before + page_bytes;
      range.bytes -= before + page_bytes;
    }
    if (range.bytes != 0) cut.push_back(range);
  }
  return cut;
}

void MemorySlots::refresh() {
  if (left_out_ != nullptr && left_out_->take_changed()) stale_ = true;
  if (!stale_) return;
  stale_ = false;
  ++changes_;
  const std::vector<MappedRange> wanted = wanted_ranges();
  const auto is_wanted = [&](const MappedRange& range) {
    return std::find(wanted.begin(), wanted.end(), range) != wanted.end();
  };
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    if (slots_[i].used && !is_wanted(slots_[i].range)) remove(i);
  }
  for (const MappedRange& range : wanted) {
    const bool there =
        std::any_of(slots_.begin(), slots_.end(), [&](const Slot& slot) { return slot.used && slot.range == range; });
    if (!there) add(range);
  }
}

void MemorySlots::remove(std::size_t number) {
  collect(number);
  MemorySlot gone = describe(number, slots_[number].range);
  gone.bytes = 0;
  must(vm_.set_memory(gone));
  slots_[number].used = false;
}

void MemorySlots::add(const MappedRange& range) {
  auto free = std::find_if(slots_.begin(), slots_.end(), [](const Slot& slot) { return !slot.used; });
  if (free == slots_.end()) free = slots_.insert(free, Slot{});
  *free = {range, true};
  must(vm_.set_memory(describe(static_cast<std::size_t>(free - slots_.begin()), range)));
}

void MemorySlots::collect_writes() {
  if (logs_) {
    for (std::size_t i = 0; i < slots_.size(); ++i) collect(i);
    return;
  }
  // Nobody knows what was written until now, so all counts as written.
  logs_ = true;
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    const MappedRange& range = slots_[i].range;
    if (!slots_[i].used || !range.writable) continue;
    must(vm_.set_memory(describe(i, range)));
    for (std::uint64_t done = 0; done < range.bytes; done += page_bytes) memory_.mark_host_dirty(range.host + done);
  }
}

void MemorySlots::collect(std::size_t number) {
  const Slot& slot = slots_[number];
  if (!slot.used || !slot.range.writable || !logs_) return;
  const std::vector<std::uint64_t> bits = must_have(vm_.take_dirty(describe(number, slot.range)));
  for (std::size_t word = 0; word < bits.size(); ++word) {
    for (std::uint64_t left = bits[word]; left != 0; left &= left - 1) {
      const std::uint64_t page = word * 64 + static_cast<unsigned>(std::countr_zero(left));
      memory_.mark_host_dirty(slot.range.host + page * page_bytes);
      if (left_out_ != nullptr) left_out_->forget(slot.range.base + page * page_bytes);
    }
  }
}

}  // namespace lockstitch::kvm

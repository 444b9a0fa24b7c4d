// The guest's memory as KVM's slots: made from the map whenever that has changed, and asked which pages were written.
// Writes are logged from the first question on, so that nobody pays for a log that nobody reads.
#pragma once
#include <cstdint>
#include <vector>

#include "lockstitch/guest_memory.h"
#include "vmm/engine/kvm/counter_pages.h"
#include "vmm/engine/kvm/kvm_vm.h"

namespace lockstitch::kvm {

class MemorySlots {
 public:
  /// `left_out`: pages that are not to be in any slot; null: there are none.
  MemorySlots(KvmVm& vm, GuestMemory& memory, CounterPages* left_out) : vm_(vm), memory_(memory), left_out_(left_out) {}

  void map_changed() { stale_ = true; }
  /// Before KVM runs.
  void refresh();
  /// Marks every page that the guest has written since the last call.
  void collect_writes();

  std::uint64_t changes() const { return changes_; }

 private:
  struct Slot {
    MappedRange range;
    bool used = false;
  };

  MemorySlot describe(std::size_t number, const MappedRange& range) const;
  std::vector<MappedRange> wanted_ranges() const;
  void collect(std::size_t number);
  void remove(std::size_t number);
  void add(const MappedRange& range);

  KvmVm& vm_;
  GuestMemory& memory_;
  CounterPages* const left_out_;
  std::vector<Slot> slots_;
  bool stale_ = true;
  bool logs_ = false;
  std::uint64_t changes_ = 0;
};

}  // namespace lockstitch::kvm

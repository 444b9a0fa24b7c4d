// A sorted set of disjoint address ranges, each answered by one window. Finds the range of an address fast; knows
// nothing of widths, ports or memory.
#pragma once
#include <cstdint>
#include <vector>

#include "lockstitch/device.h"

namespace lockstitch {

struct AddressRange {
  std::uint64_t first = 0;
  std::uint64_t last = 0;  ///< inclusive, so that a range may end at the top of the space
  RegisterWindow* window = nullptr;

  bool holds(std::uint64_t address) const { return address >= first && address <= last; }
};

class AddressSpace {
 public:
  /// Fails: false when the range overlaps another one, is empty or wraps around.
  bool add(std::uint64_t base, std::uint64_t length, RegisterWindow& window);
  /// The range that starts at `base`, which must be there.
  void remove(std::uint64_t base);
  bool is_free(std::uint64_t base, std::uint64_t length) const;

  /// The range that holds the address, or null. Valid until the next add() or remove().
  const AddressRange* find(std::uint64_t address) const {
    if (last_hit_ < ranges_.size() && ranges_[last_hit_].holds(address)) return &ranges_[last_hit_];
    return search(address);
  }
  void forget_last_hit() const { last_hit_ = 0; }

 private:
  const AddressRange* search(std::uint64_t address) const;

  std::vector<AddressRange> ranges_;
  mutable std::size_t last_hit_ = 0;  ///< a cache: always a valid hint, checked before use
};

}  // namespace lockstitch

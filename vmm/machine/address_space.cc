// See address_space.h.
#include "vmm/machine/address_space.h"

#include <algorithm>

#include "lockstitch/assert.h"

namespace lockstitch {
namespace {

bool starts_after(std::uint64_t address, const AddressRange& range) { return address < range.first; }

}  // namespace

bool AddressSpace::is_free(std::uint64_t base, std::uint64_t length) const {
  const std::uint64_t last = base + (length - 1);
  if (length == 0 || last < base) return false;
  const auto next = std::upper_bound(ranges_.begin(), ranges_.end(), base, starts_after);
  if (next != ranges_.end() && next->first <= last) return false;
  return next == ranges_.begin() || std::prev(next)->last < base;
}

bool AddressSpace::add(std::uint64_t base, std::uint64_t length, RegisterWindow& window) {
  if (!is_free(base, length)) return false;
  const auto next = std::upper_bound(ranges_.begin(), ranges_.end(), base, starts_after);
  ranges_.insert(next, {base, base + (length - 1), &window});
  return true;
}

void AddressSpace::remove(std::uint64_t base) {
  const auto next = std::upper_bound(ranges_.begin(), ranges_.end(), base, starts_after);
  LS_ASSERT(next != ranges_.begin());
  LS_ASSERT_CMP(std::prev(next)->first, ==, base);
  ranges_.erase(std::prev(next));
}

const AddressRange* AddressSpace::search(std::uint64_t address) const {
  const auto next = std::upper_bound(ranges_.begin(), ranges_.end(), address, starts_after);
  if (next == ranges_.begin() || !std::prev(next)->holds(address)) return nullptr;
  last_hit_ = static_cast<std::size_t>(std::prev(next) - ranges_.begin());
  return &ranges_[last_hit_];
}

}  // namespace lockstitch

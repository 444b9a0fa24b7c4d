// See msix.h.
#include "devices/pci/msix.h"

#include <string>

#include "lockstitch/assert.h"

namespace lockstitch {

Msix::Msix(MsiPort& port, unsigned vectors) : port_(port), entries_(vectors) { LS_ASSERT_CMP(vectors, <=, 64); }

void Msix::reset() {
  for (Entry& entry : entries_) entry = {};
  pending_ = 0;
  enabled_ = masked_ = false;
}

void Msix::visit(StateVisitor& v) {
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    Section section(v, "vector" + std::to_string(i));
    v.field("address", entries_[i].address);
    v.field("data", entries_[i].data);
    v.field("masked", entries_[i].masked);
  }
  v.field("pending", pending_);
  if (v.loading() && entries_.size() < 64 && pending_ >> entries_.size() != 0)
    v.fail("an absent MSI-X vector is pending");
}

void Msix::control(bool enabled, bool masked) {
  enabled_ = enabled;
  masked_ = masked;
}

void Msix::raise(unsigned vector) {
  if (vector >= entries_.size()) return;
  pending_ |= std::uint64_t{1} << vector;
  deliver();
}

void Msix::deliver() {
  if (!enabled_ || masked_ || pending_ == 0) return;
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    const std::uint64_t bit = std::uint64_t{1} << i;
    if (!(pending_ & bit) || entries_[i].masked) continue;
    pending_ &= ~bit;
    port_.message(entries_[i].address, entries_[i].data);
  }
}

std::uint32_t Msix::read_dword(unsigned index) const {
  if (4 * index >= pending_offset) {
    const unsigned half = index - pending_offset / 4;
    return half < 2 ? static_cast<std::uint32_t>(pending_ >> (32 * half)) : 0;
  }
  if (index / 4 >= entries_.size()) return 0;
  const Entry& entry = entries_[index / 4];
  switch (index % 4) {
    case 0: return static_cast<std::uint32_t>(entry.address);
    case 1: return static_cast<std::uint32_t>(entry.address >> 32);
    case 2: return entry.data;
    default: return entry.masked;
  }
}

void Msix::write_dword(unsigned index, std::uint32_t value) {
  if (index / 4 >= entries_.size()) return;
  Entry& entry = entries_[index / 4];
  switch (index % 4) {
    case 0: entry.address = (entry.address & ~std::uint64_t{0xffff'ffff}) | (value & ~3u); break;
    case 1: entry.address = (entry.address & 0xffff'ffff) | std::uint64_t{value} << 32; break;
    case 2: entry.data = value; break;
    default: entry.masked = value & 1; break;
  }
}

std::uint64_t Msix::read(std::uint64_t offset, unsigned width) {
  std::uint64_t value = 0;
  for (unsigned i = 0; i < width; ++i) {
    const std::uint64_t at = offset + i;
    value |= std::uint64_t{static_cast<std::uint8_t>(read_dword(static_cast<unsigned>(at / 4)) >> (8 * (at & 3)))}
             << (8 * i);
  }
  return value;
}

void Msix::write(std::uint64_t offset, unsigned width, std::uint64_t value) {
  if (offset & 3 || width < 4) return;  // other accesses are undefined by PCI 3.0
  write_dword(static_cast<unsigned>(offset / 4), static_cast<std::uint32_t>(value));
  if (width == 8) write_dword(static_cast<unsigned>(offset / 4) + 1, static_cast<std::uint32_t>(value >> 32));
  deliver();
}

}  // namespace lockstitch

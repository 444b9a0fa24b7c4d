// See virtqueue.h.
#include "devices/virtio/virtqueue.h"

#include <bit>

namespace lockstitch {
namespace {
constexpr unsigned descriptor_bytes = 16, used_element_bytes = 8, ring_header_bytes = 4;
constexpr std::uint16_t flag_next = 1, flag_write = 2, flag_indirect = 4;
constexpr std::uint16_t available_no_interrupt = 1;

struct Descriptor {
  std::uint64_t gpa;
  std::uint32_t bytes;
  std::uint16_t flags, next;
};

std::uint64_t little_endian(const std::uint8_t* from, unsigned bytes) {
  std::uint64_t value = 0;
  for (unsigned i = 0; i < bytes; ++i) value |= std::uint64_t{from[i]} << (8 * i);
  return value;
}

void put_little_endian(std::uint8_t* to, unsigned bytes, std::uint64_t value) {
  for (unsigned i = 0; i < bytes; ++i) to[i] = static_cast<std::uint8_t>(value >> (8 * i));
}

Descriptor decode(const std::uint8_t* raw) {
  return {little_endian(raw, 8), static_cast<std::uint32_t>(little_endian(raw + 8, 4)),
          static_cast<std::uint16_t>(little_endian(raw + 12, 2)),
          static_cast<std::uint16_t>(little_endian(raw + 14, 2))};
}
}  // namespace

void Virtqueue::set_size(std::uint16_t size) {
  if (std::has_single_bit(size) && size <= limits::virtqueue_max_entries) size_ = size;
}

bool Virtqueue::enable() {
  const auto fits = [](Gpa at, std::uint64_t bytes, std::uint64_t alignment) {
    return at % alignment == 0 && at + bytes > at;
  };
  enabled_ = fits(descriptors, descriptor_bytes * std::uint64_t{size_}, 16) &&
             fits(available, ring_header_bytes + 2 * std::uint64_t{size_}, 2) &&
             fits(used, ring_header_bytes + used_element_bytes * std::uint64_t{size_}, 4);
  return enabled_;
}

void Virtqueue::reset() {
  descriptors = available = used = 0;
  size_ = limits::virtqueue_max_entries;
  enabled_ = false;
  next_available_ = next_used_ = 0;
}

void Virtqueue::visit(StateVisitor& v) {
  v.field("descriptors", descriptors);
  v.field("available", available);
  v.field("used", used);
  v.field("size", size_);
  v.field("enabled", enabled_);
  v.field("next_available", next_available_);
  v.field("next_used", next_used_);
  if (!v.loading()) return;
  if (!std::has_single_bit(size_) || size_ > limits::virtqueue_max_entries) {
    size_ = limits::virtqueue_max_entries;
    v.fail("virtqueue: impossible size");
  }
  if (enabled_ && !enable()) v.fail("virtqueue: impossible address");
}

bool Virtqueue::read16(Gpa gpa, std::uint16_t& value) {
  std::array<std::uint8_t, 2> raw;
  if (!memory_.read(gpa, raw)) return false;
  value = static_cast<std::uint16_t>(little_endian(raw.data(), 2));
  return true;
}

Virtqueue::Found Virtqueue::take(DescriptorChain& chain, bool indirect_allowed) {
  std::uint16_t index, head;
  if (!read16(available + 2, index)) return Found::broken;
  if (index == next_available_) return Found::nothing;
  if (static_cast<std::uint16_t>(index - next_available_) > size_) return Found::broken;
  if (!read16(available + ring_header_bytes + 2 * std::uint64_t{next_available_ & (size_ - 1u)}, head)) {
    return Found::broken;
  }
  if (!walk(head, chain, indirect_allowed)) return Found::broken;
  ++next_available_;
  return Found::chain;
}

bool Virtqueue::walk(std::uint16_t head, DescriptorChain& chain, bool indirect_allowed) {
  chain.clear(head);
  std::array<std::uint8_t, descriptor_bytes> raw;
  std::uint16_t at = head;
  // A chain of more descriptors than the table has is a loop.
  for (unsigned steps = 0; steps < size_; ++steps) {
    if (at >= size_ || !memory_.read(descriptors + descriptor_bytes * std::uint64_t{at}, raw)) return false;
    const Descriptor descriptor = decode(raw.data());
    if (descriptor.flags & flag_indirect) {
      if (!indirect_allowed || descriptor.flags & flag_next) return false;
      std::array<std::uint8_t, descriptor_bytes * limits::virtqueue_max_entries> table;
      const std::uint32_t bytes = descriptor.bytes;
      if (bytes == 0 || bytes % descriptor_bytes != 0 || bytes > table.size()) return false;
      if (descriptor.gpa + bytes < descriptor.gpa) return false;
      if (!memory_.read(descriptor.gpa, MutableBytes(table).first(bytes))) return false;
      const unsigned entries = bytes / descriptor_bytes;
      unsigned entry = 0;
      for (unsigned inner_steps = 0; inner_steps < entries; ++inner_steps) {
        const Descriptor inner = decode(table.data() + descriptor_bytes * entry);
        if (inner.flags & flag_indirect || !chain.append(inner.gpa, inner.bytes, inner.flags & flag_write))
          return false;
        if (!(inner.flags & flag_next)) return true;
        entry = inner.next;
        if (entry >= entries) return false;
      }
      return false;
    }
    if (!chain.append(descriptor.gpa, descriptor.bytes, descriptor.flags & flag_write)) return false;
    if (!(descriptor.flags & flag_next)) return true;
    at = descriptor.next;
  }
  return false;
}

bool Virtqueue::put_used(std::uint16_t head, std::uint32_t written) {
  std::array<std::uint8_t, used_element_bytes> element;
  put_little_endian(element.data(), 4, head);
  put_little_endian(element.data() + 4, 4, written);
  const Gpa place = used + ring_header_bytes + used_element_bytes * std::uint64_t{next_used_ & (size_ - 1u)};
  if (!memory_.write(place, element)) return false;
  ++next_used_;
  std::array<std::uint8_t, 2> index;
  put_little_endian(index.data(), 2, next_used_);
  return memory_.write(used + 2, index);
}

bool Virtqueue::wants_interrupt() {
  std::uint16_t flags;
  return !read16(available, flags) || !(flags & available_no_interrupt);
}

}  // namespace lockstitch

// One request of a virtqueue: the guest memory of a chain of descriptors as two byte sequences, first what the device
// reads, then what it writes. Not here: how the chain was found and checked (virtqueue.h). Source: virtio 1.2 2.7.4.
#pragma once
#include <algorithm>
#include <array>
#include <cstdint>

#include "lockstitch/guest_memory.h"
#include "lockstitch/limits.h"

namespace lockstitch {

/// Scratch, never state: it is found again from the head. Large (4 KiB): a device keeps one and reuses it.
class DescriptorChain {
 public:
  std::uint16_t head() const { return head_; }
  /// Unit: bytes. Range: both below 2^32 together.
  std::uint64_t readable_bytes() const { return readable_bytes_; }
  std::uint64_t writable_bytes() const { return writable_bytes_; }

  /// Fails: false if a byte lies beyond the sequence or outside RAM.
  bool read(GuestMemory& memory, std::uint64_t offset, MutableBytes out) const {
    return transfer(0, readable_, offset, out.size(), [&](Gpa gpa, std::uint64_t done, std::uint64_t bytes) {
      return memory.read(gpa, out.subspan(done, bytes));
    });
  }
  bool write(GuestMemory& memory, std::uint64_t offset, Bytes in) const {
    return transfer(readable_, count_, offset, in.size(), [&](Gpa gpa, std::uint64_t done, std::uint64_t bytes) {
      return memory.write(gpa, in.subspan(done, bytes));
    });
  }

  void clear(std::uint16_t head) {
    head_ = head;
    count_ = readable_ = 0;
    readable_bytes_ = writable_bytes_ = 0;
  }
  /// Fails: false if the chain is full, too long in bytes, wraps around, or reads after it writes.
  bool append(Gpa gpa, std::uint32_t bytes, bool writable) {
    if (count_ == segments_.size() || gpa + bytes < gpa || (!writable && count_ != readable_)) return false;
    (writable ? writable_bytes_ : readable_bytes_) += bytes;
    if (readable_bytes_ + writable_bytes_ > 0xffff'ffff) return false;
    segments_[count_++] = {gpa, bytes};
    if (!writable) readable_ = count_;
    return true;
  }

 private:
  struct Segment {
    Gpa gpa;
    std::uint32_t bytes;
  };

  template <class Copy>
  bool transfer(unsigned first, unsigned end, std::uint64_t offset, std::uint64_t bytes, Copy copy) const {
    std::uint64_t done = 0;
    for (unsigned i = first; i < end && done < bytes; ++i) {
      const Segment& segment = segments_[i];
      if (offset >= segment.bytes) {
        offset -= segment.bytes;
        continue;
      }
      const std::uint64_t part = std::min(bytes - done, segment.bytes - offset);
      if (!copy(segment.gpa + offset, done, part)) return false;
      done += part;
      offset = 0;
    }
    return done == bytes;
  }

  std::uint16_t head_ = 0;
  unsigned count_ = 0, readable_ = 0;  ///< segments, and how many of them the device reads
  std::uint64_t readable_bytes_ = 0, writable_bytes_ = 0;
  std::array<Segment, limits::virtqueue_max_entries> segments_;
};

}  // namespace lockstitch

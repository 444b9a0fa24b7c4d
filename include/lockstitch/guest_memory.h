// Guest-physical memory as devices (DMA) and engines see it. Devices use read/write; an engine caches host pointers from
// page() and is told when they end.
#pragma once
#include <cstdint>
#include <vector>

#include "lockstitch/types.h"

namespace lockstitch {

/// What stands behind one 4 KiB guest-physical page.
struct MemoryPage {
  std::uint8_t* host = nullptr;  ///< null: no memory here, accesses are MMIO
  bool writable = false;         ///< false with host set: ROM; writes are dropped by the bus
};

/// Pages side by side for the guest and on the host, of one kind.
struct MappedRange {
  Gpa base = 0;
  std::uint64_t bytes = 0;
  std::uint8_t* host = nullptr;
  bool writable = false;
  friend bool operator==(const MappedRange&, const MappedRange&) = default;
};

/// Told of changes that an engine's caches depend on.
class MemoryObserver {
 public:
  virtual ~MemoryObserver() = default;
  /// Bytes were written by somebody else than the engine (DMA, loader, checkpoint).
  virtual void memory_written(Gpa gpa, std::uint64_t length) = 0;
  /// The map changed: every cached host pointer, and what was decoded through it, is void.
  virtual void memory_remapped() = 0;
  /// Dirty bits were cleared: a page must be marked again before the guest writes to it directly.
  virtual void dirty_cleared() { memory_remapped(); }
  /// Somebody is about to ask which pages are dirty: an engine that lets the guest write unseen marks them now.
  virtual void collect_writes() {}
};

class GuestMemory {
 public:
  virtual ~GuestMemory() = default;

  /// Reads or writes RAM, page by page. Fails: returns false if any byte is not RAM; bytes before it are transferred.
  virtual bool read(Gpa gpa, MutableBytes out) = 0;
  virtual bool write(Gpa gpa, Bytes in) = 0;

  virtual MemoryPage page(Gpa gpa) = 0;
  /// All that page() would find. Order: ascending. Memories for engines that ask page by page have none to tell.
  virtual std::vector<MappedRange> ranges() const { return {}; }

  /// An engine calls this before it lets the guest write to a page directly; sets the page's dirty bits.
  virtual void mark_dirty(Gpa gpa) = 0;
  /// The same for a page that may be elsewhere by now. Range: a host pointer that page() or ranges() once gave.
  virtual void mark_host_dirty(const std::uint8_t*) {}

  /// At most one observer per engine; all are told.
  virtual void observe(MemoryObserver& observer) = 0;
};

}  // namespace lockstitch

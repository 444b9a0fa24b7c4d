// The guest's RAM and ROM: where they lie, what they hold, which pages changed. Low RAM starts at 0; what does not fit
// below limits::low_ram_max_bytes continues at 4 GiB. Not here: registers of devices (bus.h), hashing
// (memory_digest.h).
#pragma once
#include <cstdlib>
#include <memory>
#include <vector>

#include "lockstitch/guest_memory.h"
#include "lockstitch/result.h"

namespace lockstitch {

/// One contiguous range of RAM, as an e820 map lists it. Unit: bytes.
struct MemoryRegion {
  Gpa base = 0;
  std::uint64_t bytes = 0;
};

/// Who wants to know which pages changed. The two are tracked apart: clearing one leaves the other.
enum class DirtySince : std::uint8_t { digest = 1, checkpoint = 2 };

class Memory final : public GuestMemory {
 public:
  /// Zero-filled; the host commits a page when it is first touched. Range: a multiple of 4 KiB up to
  /// limits::memory_max_bytes. Fails: asserts when the host has no room; use create() where that is possible.
  explicit Memory(std::uint64_t bytes);
  /// The same with limits::memory_min_bytes enforced, and every trouble as a sentence.
  static Result<std::unique_ptr<Memory>> create(std::uint64_t bytes);

  /// Read-only contents at `base`, hiding RAM that lies there. Range: base on a page; the last page is filled with
  /// zeros.
  void add_rom(Gpa base, Bytes contents);
  /// Makes RAM disappear so that a device can answer there (the VGA window). Range: base and bytes on pages.
  void add_hole(Gpa base, std::uint64_t bytes);

  std::uint64_t ram_bytes() const { return low_bytes_ + high_bytes_; }
  /// RAM in ascending order, ROM and holes not subtracted.
  std::vector<MemoryRegion> regions() const;
  /// Whether any byte of the range is RAM or ROM.
  bool overlaps(Gpa base, std::uint64_t bytes) const;

  // RAM by page number, 0 to ram_pages() - 1 in ascending address order: what digests and checkpoints walk over.
  std::uint64_t ram_pages() const { return ram_bytes() / page_bytes; }
  Gpa page_gpa(std::uint64_t page) const;
  Bytes ram_page(std::uint64_t page) const { return {ram_.pages + page * page_bytes, page_bytes}; }

  /// Replaces `pages` by the page numbers written since the last call for the same set, ascending, and forgets them.
  /// Engines then lose their write permissions.
  void take_dirty(DirtySince set, std::vector<std::uint64_t>& pages);

  bool read(Gpa gpa, MutableBytes out) override;
  bool write(Gpa gpa, Bytes in) override;
  MemoryPage page(Gpa gpa) override { return look_up(gpa); }
  void mark_dirty(Gpa gpa) override;
  void observe(MemoryObserver& observer) override;

 private:
  struct Free {
    void operator()(void* raw) const { std::free(raw); }
  };
  struct Storage {
    std::unique_ptr<void, Free> raw;
    std::uint8_t* pages = nullptr;
  };
  /// ROM, or a hole when it has no storage.
  struct Overlay {
    Gpa base = 0;
    std::uint64_t bytes = 0;
    Storage storage;
  };

  Memory(std::uint64_t bytes, Storage ram);
  static Storage allocate(std::uint64_t bytes);
  void add_overlay(Overlay overlay);
  MemoryPage look_up(Gpa gpa) const;
  std::uint8_t* ram_at(Gpa gpa) const;

  std::uint64_t low_bytes_;
  std::uint64_t high_bytes_;
  Storage ram_;
  std::vector<Overlay> overlays_;
  std::vector<std::uint8_t> dirty_;  ///< per page, bits of DirtySince
  std::vector<MemoryObserver*> observers_;
};

}  // namespace lockstitch

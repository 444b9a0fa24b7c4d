// The guest's RAM, ROM and devices' memory: where they lie, what they hold, which pages changed. Low RAM starts at 0;
// what does not fit below limits::low_ram_max_bytes continues at 4 GiB. Not here: registers of devices (bus.h), hashing
// (memory_digest.h).
#pragma once
#include <array>
#include <cstdlib>
#include <memory>
#include <vector>

#include "lockstitch/device.h"
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

class Memory final : public GuestMemory, public ShadowPort {
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
  /// Lets RAM below add_rom()'s contents show through for reads, writes or both. Range: as add_rom(), inside ROM. After
  /// power-on neither.
  void set_shadow(Gpa base, std::uint64_t bytes, bool read_ram, bool write_ram) override;

  /// Memory that belongs to a device: nowhere until it is placed. Zero-filled. Range: bytes on pages. Returns its
  /// number.
  std::size_t add_device_memory(std::uint64_t bytes, bool guest_writes);
  Bytes device_memory(std::size_t number) const;
  void write_device_memory(std::size_t number, std::uint64_t offset, Bytes in);
  /// Where the guest reaches it. Range: base on a page, free of other memory (overlaps()).
  void place_device_memory(std::size_t number, Gpa base);
  void remove_device_memory(std::size_t number);

  std::uint64_t ram_bytes() const { return low_bytes_ + high_bytes_; }
  std::uint64_t ram_pages() const { return ram_bytes() / page_bytes; }
  /// RAM in ascending order, ROM and holes not subtracted.
  std::vector<MemoryRegion> regions() const;
  /// Whether any byte of the range is RAM, ROM or a device's memory.
  bool overlaps(Gpa base, std::uint64_t bytes) const;

  // All that is state, by page number: RAM in ascending address order, then devices' memory in the order of its making.
  // What digests and checkpoints walk over.
  std::uint64_t pages() const { return dirty_.size(); }
  Bytes page_contents(std::uint64_t page) const;
  /// Wherever the page is, and even if something hides it.
  void set_page_contents(std::uint64_t page, Bytes contents);
  /// Its address; for devices' memory a name for reports, above all addresses.
  Gpa page_gpa(std::uint64_t page) const;

  /// Replaces `pages` by the page numbers written since the last call for the same set, ascending, and forgets them.
  /// Engines then lose their write permissions.
  void take_dirty(DirtySince set, std::vector<std::uint64_t>& pages);

  bool read(Gpa gpa, MutableBytes out) override;
  bool write(Gpa gpa, Bytes in) override;
  MemoryPage page(Gpa gpa) override { return look_up(gpa); }
  std::vector<MappedRange> ranges() const override;
  void mark_dirty(Gpa gpa) override;
  void mark_host_dirty(const std::uint8_t* host) override { mark_page(page_number(host)); }
  /// Of a write that met read-only memory: stores it in the RAM below, if set_shadow() lets writes through. Range:
  /// inside a page. Fails: false, nothing there takes it.
  bool write_shadowed(Gpa gpa, Bytes in);
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
  struct DeviceBlock {
    Storage storage;
    std::uint64_t bytes = 0;
    std::uint64_t first_page = 0;
    bool guest_writes = false;
    bool placed = false;
    Gpa base = 0;
  };
  struct Shadow {
    bool read_ram = false, write_ram = false;
  };
  static constexpr std::uint64_t first_mib_pages = 256;

  Memory(std::uint64_t bytes, Storage ram);
  static Storage allocate(std::uint64_t bytes);
  void add_overlay(Overlay overlay);
  void map_changed();
  MemoryPage look_up(Gpa gpa) const {
    const std::uint64_t page = gpa / page_bytes;
    return page < first_mib_pages ? first_mib_[page] : search(gpa & ~page_mask);
  }
  MemoryPage search(Gpa gpa) const;
  std::uint8_t* ram_at(Gpa gpa) const;
  std::uint64_t page_number(const std::uint8_t* host) const;
  void mark_page(std::uint64_t page);

  std::uint64_t low_bytes_;
  std::uint64_t high_bytes_;
  Storage ram_;
  std::vector<Overlay> overlays_;
  std::vector<DeviceBlock> device_blocks_;
  std::array<Shadow, first_mib_pages> shadow_{};
  /// RAM between the first MiB and here is hidden by nothing.
  Gpa plain_ram_end_ = 0;
  std::array<MemoryPage, first_mib_pages> first_mib_{};
  std::vector<std::uint8_t> dirty_;  ///< per page, bits of DirtySince
  std::vector<MemoryObserver*> observers_;
};

}  // namespace lockstitch

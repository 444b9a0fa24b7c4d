// See memory.h.
#include "vmm/machine/memory.h"

#include <algorithm>
#include <cstring>
#include <string>

#include "lockstitch/assert.h"
#include "lockstitch/limits.h"

namespace lockstitch {
namespace {

constexpr Gpa high_ram_base = 1ull << 32;
constexpr Gpa first_mib = 1ull << 20;
/// Above all addresses that a CPU can form.
constexpr Gpa device_memory_name = 1ull << 52;
/// Unit: bytes. Host huge pages can then back the guest's RAM where the host offers them unasked.
constexpr std::uint64_t storage_alignment_bytes = 2ull << 20;

}  // namespace

Memory::Storage Memory::allocate(std::uint64_t bytes) {
  // A large calloc comes zeroed from the host and stays uncommitted; aligned_alloc would have to be cleared by touching
  // it.
  Storage storage;
  storage.raw.reset(std::calloc(bytes + storage_alignment_bytes, 1));
  const auto start = reinterpret_cast<std::uintptr_t>(storage.raw.get());
  const auto aligned = (start + storage_alignment_bytes - 1) & ~(storage_alignment_bytes - 1);
  if (start != 0) storage.pages = reinterpret_cast<std::uint8_t*>(aligned);
  return storage;
}

Memory::Memory(std::uint64_t bytes) : Memory(bytes, allocate(bytes)) {}

Memory::Memory(std::uint64_t bytes, Storage ram)
    : low_bytes_(std::min(bytes, limits::low_ram_max_bytes)), high_bytes_(bytes - low_bytes_), ram_(std::move(ram)) {
  LS_ASSERT_CMP(bytes, >, 0u);
  LS_ASSERT_CMP(bytes, <=, limits::memory_max_bytes);
  LS_ASSERT_CMP(bytes % page_bytes, ==, 0u);
  LS_ASSERT(ram_.pages != nullptr);
  dirty_.resize(ram_pages());
  map_changed();
}

Result<std::unique_ptr<Memory>> Memory::create(std::uint64_t bytes) {
  const std::string amount = std::to_string(bytes) + " bytes of guest memory";
  if (bytes < limits::memory_min_bytes || bytes > limits::memory_max_bytes) {
    return Error{ExitCode::usage, amount + " is out of range: give from " + std::to_string(limits::memory_min_bytes) +
                                      " to " + std::to_string(limits::memory_max_bytes) + " bytes"};
  }
  if (bytes % page_bytes != 0) {
    return Error{ExitCode::usage, amount + " is not a whole number of 4096-byte pages: round it"};
  }
  Storage storage = allocate(bytes);
  if (storage.pages == nullptr) {
    return Error{ExitCode::unavailable, "the host refuses " + amount + ": give the guest less or free some"};
  }
  return std::unique_ptr<Memory>(new Memory(bytes, std::move(storage)));
}

void Memory::add_rom(Gpa base, Bytes contents) {
  const std::uint64_t bytes = (contents.size() + page_mask) & ~page_mask;
  Overlay rom{base, bytes, allocate(bytes)};
  LS_ASSERT(rom.storage.pages != nullptr);
  std::copy(contents.begin(), contents.end(), rom.storage.pages);
  add_overlay(std::move(rom));
}

void Memory::add_hole(Gpa base, std::uint64_t bytes) { add_overlay({base, bytes, {}}); }

void Memory::add_overlay(Overlay overlay) {
  LS_ASSERT_CMP(overlay.base & page_mask, ==, 0u);
  LS_ASSERT_CMP(overlay.bytes & page_mask, ==, 0u);
  for (const Overlay& other : overlays_) {
    LS_ASSERT(overlay.base + overlay.bytes <= other.base || other.base + other.bytes <= overlay.base);
  }
  overlays_.push_back(std::move(overlay));
  map_changed();
}

void Memory::set_shadow(Gpa base, std::uint64_t bytes, bool read_ram, bool write_ram) {
  LS_ASSERT(((base | bytes) & page_mask) == 0 && base + bytes <= first_mib);
  bool changed = false;
  for (std::uint64_t page = base / page_bytes; page < (base + bytes) / page_bytes; ++page) {
    changed |= shadow_[page].read_ram != read_ram || shadow_[page].write_ram != write_ram;
    shadow_[page] = {read_ram, write_ram};
  }
  if (changed) map_changed();
}

std::size_t Memory::add_device_memory(std::uint64_t bytes, bool guest_writes) {
  LS_ASSERT_CMP(bytes & page_mask, ==, 0u);
  DeviceBlock block;
  block.storage = allocate(bytes);
  LS_ASSERT(block.storage.pages != nullptr);
  block.bytes = bytes;
  block.first_page = pages();
  block.guest_writes = guest_writes;
  device_blocks_.push_back(std::move(block));
  dirty_.resize(dirty_.size() + bytes / page_bytes);
  return device_blocks_.size() - 1;
}

Bytes Memory::device_memory(std::size_t number) const {
  return {device_blocks_[number].storage.pages, device_blocks_[number].bytes};
}

void Memory::write_device_memory(std::size_t number, std::uint64_t offset, Bytes in) {
  if (in.empty()) return;
  DeviceBlock& block = device_blocks_[number];
  LS_ASSERT(offset <= block.bytes && in.size() <= block.bytes - offset);
  std::memcpy(block.storage.pages + offset, in.data(), in.size());
  for (std::uint64_t page = offset / page_bytes; page <= (offset + in.size() - 1) / page_bytes; ++page)
    mark_page(block.first_page + page);
  if (!block.placed) return;
  for (MemoryObserver* observer : observers_) observer->memory_written(block.base + offset, in.size());
}

void Memory::place_device_memory(std::size_t number, Gpa base) {
  LS_ASSERT_CMP(base & page_mask, ==, 0u);
  device_blocks_[number].placed = true;
  device_blocks_[number].base = base;
  map_changed();
}

void Memory::remove_device_memory(std::size_t number) {
  if (!device_blocks_[number].placed) return;
  device_blocks_[number].placed = false;
  map_changed();
}

void Memory::map_changed() {
  plain_ram_end_ = low_bytes_;
  for (const Overlay& overlay : overlays_) {
    if (overlay.base + overlay.bytes > first_mib) plain_ram_end_ = std::min(plain_ram_end_, overlay.base);
  }
  for (std::uint64_t page = 0; page < first_mib_pages; ++page) {
    MemoryPage& at = first_mib_[page];
    at = search(page * page_bytes);
    std::uint8_t* ram = ram_at(page * page_bytes);
    if (at.host == nullptr || at.writable || ram == nullptr) continue;
    if (shadow_[page].read_ram) at = {ram, shadow_[page].write_ram};
  }
  for (MemoryObserver* observer : observers_) observer->memory_remapped();
}

std::vector<MemoryRegion> Memory::regions() const {
  std::vector<MemoryRegion> regions{{0, low_bytes_}};
  if (high_bytes_ != 0) regions.push_back({high_ram_base, high_bytes_});
  return regions;
}

bool Memory::overlaps(Gpa base, std::uint64_t bytes) const {
  for (std::uint64_t done = 0; done < bytes; done += page_bytes - ((base + done) & page_mask)) {
    if (look_up(base + done).host != nullptr) return true;
  }
  return false;
}

Bytes Memory::page_contents(std::uint64_t page) const {
  if (page < ram_pages()) return {ram_.pages + page * page_bytes, page_bytes};
  std::size_t number = device_blocks_.size() - 1;
  while (page < device_blocks_[number].first_page) --number;
  const DeviceBlock& block = device_blocks_[number];
  return {block.storage.pages + (page - block.first_page) * page_bytes, page_bytes};
}

void Memory::set_page_contents(std::uint64_t page, Bytes contents) {
  LS_ASSERT_CMP(contents.size(), ==, page_bytes);
  if (page >= ram_pages()) {
    std::size_t number = device_blocks_.size() - 1;
    while (page < device_blocks_[number].first_page) --number;
    return write_device_memory(number, (page - device_blocks_[number].first_page) * page_bytes, contents);
  }
  std::memcpy(ram_.pages + page * page_bytes, contents.data(), page_bytes);
  mark_page(page);
  for (MemoryObserver* observer : observers_) observer->memory_written(page_gpa(page), page_bytes);
}

Gpa Memory::page_gpa(std::uint64_t page) const {
  const std::uint64_t offset = page * page_bytes;
  if (page >= ram_pages()) return device_memory_name + (offset - ram_bytes());
  return offset < low_bytes_ ? offset : high_ram_base + (offset - low_bytes_);
}

std::uint8_t* Memory::ram_at(Gpa gpa) const {
  if (gpa < low_bytes_) return ram_.pages + gpa;
  if (gpa >= high_ram_base && gpa - high_ram_base < high_bytes_) return ram_.pages + low_bytes_ + (gpa - high_ram_base);
  return nullptr;
}

MemoryPage Memory::search(Gpa gpa) const {
  if (gpa >= first_mib && gpa < plain_ram_end_) return {ram_.pages + gpa, true};
  for (const Overlay& overlay : overlays_) {
    const std::uint64_t offset = gpa - overlay.base;
    if (offset >= overlay.bytes) continue;
    return {overlay.storage.pages == nullptr ? nullptr : overlay.storage.pages + offset, false};
  }
  for (const DeviceBlock& block : device_blocks_) {
    const std::uint64_t offset = gpa - block.base;
    if (block.placed && offset < block.bytes) return {block.storage.pages + offset, block.guest_writes};
  }
  std::uint8_t* host = ram_at(gpa);
  return {host, host != nullptr};
}

std::vector<MappedRange> Memory::ranges() const {
  // Between two neighbours of these everything is of one kind.
  std::vector<Gpa> edges;
  for (std::uint64_t page = 0; page <= first_mib_pages; ++page) edges.push_back(page * page_bytes);
  for (const MemoryRegion& region : regions()) edges.insert(edges.end(), {region.base, region.base + region.bytes});
  for (const Overlay& overlay : overlays_) edges.insert(edges.end(), {overlay.base, overlay.base + overlay.bytes});
  for (const DeviceBlock& block : device_blocks_) {
    if (block.placed) edges.insert(edges.end(), {block.base, block.base + block.bytes});
  }
  std::sort(edges.begin(), edges.end());
  std::vector<MappedRange> ranges;
  for (std::size_t i = 0; i + 1 < edges.size(); ++i) {
    const std::uint64_t bytes = edges[i + 1] - edges[i];
    const MemoryPage page = look_up(edges[i]);
    if (bytes == 0 || page.host == nullptr) continue;
    if (!ranges.empty()) {
      MappedRange& last = ranges.back();
      const bool goes_on = last.base + last.bytes == edges[i] && last.host + last.bytes == page.host;
      if (goes_on && last.writable == page.writable) {
        last.bytes += bytes;
        continue;
      }
    }
    ranges.push_back({edges[i], bytes, page.host, page.writable});
  }
  return ranges;
}

bool Memory::read(Gpa gpa, MutableBytes out) {
  while (!out.empty()) {
    const MemoryPage from = look_up(gpa);
    if (from.host == nullptr) return false;
    const std::size_t length = std::min<std::uint64_t>(out.size(), page_bytes - (gpa & page_mask));
    std::memcpy(out.data(), from.host + (gpa & page_mask), length);
    out = out.subspan(length);
    gpa += length;
  }
  return true;
}

bool Memory::write(Gpa gpa, Bytes in) {
  const Gpa first = gpa;
  bool complete = true;
  while (!in.empty()) {
    const MemoryPage to = look_up(gpa);
    if (!to.writable) {
      complete = false;
      break;
    }
    const std::size_t length = std::min<std::uint64_t>(in.size(), page_bytes - (gpa & page_mask));
    mark_page(page_number(to.host));
    std::memcpy(to.host + (gpa & page_mask), in.data(), length);
    in = in.subspan(length);
    gpa += length;
  }
  if (gpa != first) {
    for (MemoryObserver* observer : observers_) observer->memory_written(first, gpa - first);
  }
  return complete;
}

bool Memory::write_shadowed(Gpa gpa, Bytes in) {
  const std::uint64_t page = gpa / page_bytes;
  if (page >= first_mib_pages || !shadow_[page].write_ram || first_mib_[page].host == nullptr) return false;
  std::uint8_t* ram = ram_at(gpa);
  if (ram == nullptr) return false;
  std::memcpy(ram, in.data(), in.size());
  mark_page(page);
  return true;  // what the guest reads and executes there is the ROM: no engine needs to know
}

std::uint64_t Memory::page_number(const std::uint8_t* host) const {
  if (host >= ram_.pages && host < ram_.pages + ram_bytes())
    return static_cast<std::uint64_t>(host - ram_.pages) / page_bytes;
  for (const DeviceBlock& block : device_blocks_) {
    if (host >= block.storage.pages && host < block.storage.pages + block.bytes)
      return block.first_page + static_cast<std::uint64_t>(host - block.storage.pages) / page_bytes;
  }
  LS_ASSERT(!"memory that nobody owns");
  return 0;
}

void Memory::mark_page(std::uint64_t page) {
  dirty_[page] = static_cast<std::uint8_t>(DirtySince::digest) | static_cast<std::uint8_t>(DirtySince::checkpoint);
}

void Memory::mark_dirty(Gpa gpa) {
  const MemoryPage page = look_up(gpa);
  LS_ASSERT(page.writable);
  mark_page(page_number(page.host));
}

void Memory::take_dirty(DirtySince set, std::vector<std::uint64_t>& pages) {
  const auto bit = static_cast<std::uint8_t>(set);
  pages.clear();
  for (MemoryObserver* observer : observers_) observer->collect_writes();
  const std::size_t count = dirty_.size();
  for (std::size_t page = 0; page < count;) {
    std::uint64_t eight = 0;  // most of a large guest is clean: step over eight pages at once
    if (page + sizeof eight <= count) {
      std::memcpy(&eight, dirty_.data() + page, sizeof eight);
      if ((eight & (0x0101'0101'0101'0101 * bit)) == 0) {
        page += sizeof eight;
        continue;
      }
    }
    const std::size_t end = std::min(page + sizeof eight, count);
    for (; page < end; ++page) {
      if ((dirty_[page] & bit) == 0) continue;
      dirty_[page] = static_cast<std::uint8_t>(dirty_[page] & ~bit);
      pages.push_back(page);
    }
  }
  if (pages.empty()) return;  // no engine holds a write permission then
  for (MemoryObserver* observer : observers_) observer->dirty_cleared();
}

void Memory::observe(MemoryObserver& observer) {
  if (std::find(observers_.begin(), observers_.end(), &observer) == observers_.end()) observers_.push_back(&observer);
}

}  // namespace lockstitch

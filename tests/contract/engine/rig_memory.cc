// See rig_memory.h.
#include "tests/contract/engine/rig_memory.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstring>

#include "lockstitch/assert.h"

namespace lockstitch::test {

RigMemory::RigMemory() {
  void* mapped = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  LS_ASSERT(mapped != MAP_FAILED);
  host_ = static_cast<std::uint8_t*>(mapped);
}

RigMemory::~RigMemory() { ::munmap(host_, size); }

void RigMemory::map(Gpa at, std::uint64_t bytes, Kind kind, Gpa backing) {
  LS_ASSERT(((at | bytes | backing) & page_mask) == 0 && at + bytes <= size && backing + bytes <= size);
  for (std::uint64_t done = 0; done < bytes; done += page_bytes) {
    pages_[(at + done) / page_bytes] = {kind, backing + done};
  }
  tell_remapped();
}

std::uint64_t RigMemory::number(Gpa at, unsigned bytes) const {
  std::uint64_t value = 0;
  std::memcpy(&value, host_ + at, bytes);
  return value;
}

void RigMemory::put(Gpa at, Bytes in) { LS_ASSERT(write(at, in)); }

void RigMemory::put_number(Gpa at, std::uint64_t value, unsigned bytes) {
  std::uint8_t raw[8];
  std::memcpy(raw, &value, 8);
  put(at, Bytes(raw).first(bytes));
}

std::set<Gpa> RigMemory::dirty() {
  for (MemoryObserver* observer : observers_) observer->collect_writes();
  return dirty_;
}

void RigMemory::clear_dirty() {
  for (MemoryObserver* observer : observers_) observer->collect_writes();
  dirty_.clear();
  for (MemoryObserver* observer : observers_) observer->dirty_cleared();
}

void RigMemory::tell_remapped() {
  for (MemoryObserver* observer : observers_) observer->memory_remapped();
}

bool RigMemory::read(Gpa gpa, MutableBytes out) {
  while (!out.empty()) {
    const MemoryPage from = page(gpa);
    if (from.host == nullptr || !from.writable) return false;
    const std::size_t piece = std::min<std::size_t>(out.size(), page_bytes - (gpa & page_mask));
    std::memcpy(out.data(), from.host + (gpa & page_mask), piece);
    out = out.subspan(piece);
    gpa += piece;
  }
  return true;
}

bool RigMemory::write(Gpa gpa, Bytes in) {
  while (!in.empty()) {
    const MemoryPage to = page(gpa);
    if (to.host == nullptr || !to.writable) return false;
    const std::size_t piece = std::min<std::size_t>(in.size(), page_bytes - (gpa & page_mask));
    std::memcpy(to.host + (gpa & page_mask), in.data(), piece);
    for (MemoryObserver* observer : observers_) observer->memory_written(gpa, piece);
    in = in.subspan(piece);
    gpa += piece;
  }
  return true;
}

MemoryPage RigMemory::page(Gpa gpa) {
  if (gpa >= size) return {};
  const Page& page = pages_[gpa / page_bytes];
  if (page.kind == Kind::hole) return {};
  return {host_ + page.backing, page.kind == Kind::ram};
}

std::vector<MappedRange> RigMemory::ranges() const {
  std::vector<MappedRange> ranges;
  for (std::uint64_t i = 0; i < page_count; ++i) {
    if (pages_[i].kind == Kind::hole) continue;
    const Gpa at = i * page_bytes;
    std::uint8_t* host = host_ + pages_[i].backing;
    const bool writable = pages_[i].kind == Kind::ram;
    if (!ranges.empty()) {
      MappedRange& last = ranges.back();
      if (last.base + last.bytes == at && last.host + last.bytes == host && last.writable == writable) {
        last.bytes += page_bytes;
        continue;
      }
    }
    MappedRange range;
    range.base = at;
    range.bytes = page_bytes;
    range.host = host;
    range.writable = writable;
    ranges.push_back(range);
  }
  return ranges;
}

void RigMemory::mark_dirty(Gpa gpa) {
  LS_ASSERT(gpa < size && pages_[gpa / page_bytes].kind == Kind::ram);
  dirty_.insert(pages_[gpa / page_bytes].backing);
}

void RigMemory::mark_host_dirty(const std::uint8_t* host) {
  LS_ASSERT(host >= host_ && host < host_ + size);
  dirty_.insert(static_cast<Gpa>(host - host_) & ~page_mask);
}

}  // namespace lockstitch::test

// 8 MiB of guest-physical memory, page by page RAM, ROM or a hole, over host memory that starts on a page. A page can
// be mapped to other host memory at any time. Knows which pages an engine has marked dirty.
#pragma once
#include <array>
#include <cstdint>
#include <set>
#include <vector>

#include "lockstitch/guest_memory.h"

namespace lockstitch::test {

class RigMemory final : public GuestMemory {
 public:
  enum class Kind : std::uint8_t { hole, ram, rom };
  static constexpr std::uint64_t size = 8u << 20;
  static constexpr std::uint64_t page_count = size / page_bytes;

  /// All holes. Every page has host memory of its own, zero-filled, which shows when it becomes RAM or ROM.
  RigMemory();
  ~RigMemory() override;
  RigMemory(const RigMemory&) = delete;
  RigMemory& operator=(const RigMemory&) = delete;

  /// Makes pages RAM, ROM or holes and tells observers. Range: page-aligned. `backing`: the page whose host memory
  /// shows at `at`.
  void map(Gpa at, std::uint64_t bytes, Kind kind, Gpa backing);
  void map(Gpa at, std::uint64_t bytes, Kind kind) { map(at, bytes, kind, at); }

  /// The host memory of a page of the same address, whatever shows there now. Tells nobody: before it is mapped, or
  /// to look.
  std::uint8_t* backing(Gpa at) { return host_ + at; }
  /// All of it, in order: to compare.
  std::vector<std::uint8_t> contents() const { return {host_, host_ + size}; }
  std::uint64_t number(Gpa at, unsigned bytes = 8) const;
  /// As a device would: write() that must succeed.
  void put(Gpa at, Bytes in);
  void put(Gpa at, std::initializer_list<std::uint8_t> in) { put(at, std::vector<std::uint8_t>(in)); }
  void put_number(Gpa at, std::uint64_t value, unsigned bytes = 8);

  /// Pages that the engine has marked, by the address of their backing. Asks it to mark those it has not yet.
  std::set<Gpa> dirty();
  /// As a checkpoint does after it has seen them.
  void clear_dirty();
  /// Tells observers that the map has changed, though it has not.
  void tell_remapped();

  bool read(Gpa gpa, MutableBytes out) override;
  bool write(Gpa gpa, Bytes in) override;
  MemoryPage page(Gpa gpa) override;
  std::vector<MappedRange> ranges() const override;
  void mark_dirty(Gpa gpa) override;
  void mark_host_dirty(const std::uint8_t* host) override;
  void observe(MemoryObserver& observer) override { observers_.push_back(&observer); }

 private:
  struct Page {
    Kind kind = Kind::hole;
    Gpa backing = 0;
  };

  std::uint8_t* host_;
  std::array<Page, page_count> pages_{};
  std::set<Gpa> dirty_;
  std::vector<MemoryObserver*> observers_;
};

}  // namespace lockstitch::test

// Guest memory for loader tests: one vector of RAM from address 0 with the VGA hole cut out. Not the machine's memory.
#pragma once
#include <algorithm>
#include <cstdlib>
#include <string>
#include <vector>

#include "lockstitch/guest_memory.h"

namespace lockstitch::boot {

class FlatMemory final : public GuestMemory {
 public:
  explicit FlatMemory(std::uint64_t bytes) : ram_(bytes, 0xcc) {}

  bool read(Gpa gpa, MutableBytes out) override {
    for (std::size_t i = 0; i < out.size(); ++i) {
      if (!is_ram(gpa + i)) return false;
      out[i] = ram_[gpa + i];
    }
    return true;
  }
  bool write(Gpa gpa, Bytes in) override {
    for (std::size_t i = 0; i < in.size(); ++i) {
      if (!is_ram(gpa + i)) return false;
      ram_[gpa + i] = in[i];
    }
    return true;
  }
  MemoryPage page(Gpa gpa) override {
    const Gpa base = gpa & ~page_mask;
    return is_ram(base) ? MemoryPage{&ram_[base], true} : MemoryPage{};
  }
  void mark_dirty(Gpa) override {}
  void observe(MemoryObserver&) override {}

  Bytes at(Gpa gpa, std::size_t bytes) const { return Bytes(ram_).subspan(gpa, bytes); }
  std::string text(Gpa gpa) const { return reinterpret_cast<const char*>(&ram_[gpa]); }
  /// Every page a loader wrote to differs from this filler somewhere.
  bool untouched(Gpa gpa, std::size_t bytes) const {
    const Bytes range = at(gpa, bytes);
    return std::all_of(range.begin(), range.end(), [](std::uint8_t b) { return b == 0xcc; });
  }

 private:
  bool is_ram(Gpa gpa) const { return gpa < ram_.size() && (gpa < 0xa'0000 || gpa >= 0xc'0000); }

  std::vector<std::uint8_t> ram_;
};

/// Random images: xorshift with the seed in LOCKSTITCH_SEED.
class Noise {
 public:
  Noise() {
    if (const char* text = std::getenv("LOCKSTITCH_SEED")) seed_ = std::strtoull(text, nullptr, 0) | 1;
    state_ = seed_;
  }
  std::uint64_t next() {
    state_ ^= state_ << 13;
    state_ ^= state_ >> 7;
    state_ ^= state_ << 17;
    return state_;
  }
  std::uint64_t seed() const { return seed_; }

 private:
  std::uint64_t seed_ = 0x5eed'0b00'7000'0001;
  std::uint64_t state_ = 0;
};

}  // namespace lockstitch::boot

// A disk whose contents lie in a TestMemory, so that they are saved and loaded with the bench; records what it was
// told.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "lockstitch/assert.h"
#include "lockstitch/block.h"
#include "tests/contract/support/bench.h"

namespace lockstitch::test {

class MemoryDisk final : public BlockPort {
 public:
  explicit MemoryDisk(TestMemory& contents) : contents_(contents) {
    for (std::size_t i = 0; i < contents_.ram.size(); ++i)
      contents_.ram[i] = static_cast<std::uint8_t>(i / 512 * 7 + i);
  }
  bool locked = false;
  std::uint64_t flushes = 0;
  std::vector<std::string> calls;

  std::uint64_t sectors() const override { return contents_.ram.size() / sector_bytes; }
  bool read_only() const override { return locked; }
  void prepare(std::uint64_t sector, std::uint64_t bytes) override {
    check(sector, bytes);
    calls.push_back("prepare " + std::to_string(sector) + " " + std::to_string(bytes));
  }
  void read(std::uint64_t sector, MutableBytes out) override {
    check(sector, out.size());
    contents_.read(sector * sector_bytes, out);
    calls.push_back("read " + std::to_string(sector) + " " + std::to_string(out.size()));
  }
  void write(std::uint64_t sector, Bytes in) override {
    check(sector, in.size());
    LS_ASSERT(!locked);
    contents_.write(sector * sector_bytes, in);
    calls.push_back("write " + std::to_string(sector) + " " + std::to_string(in.size()));
  }
  void flush() override {
    ++flushes;
    calls.push_back("flush");
  }

 private:
  void check(std::uint64_t sector, std::uint64_t bytes) const {
    LS_ASSERT(bytes != 0 && bytes % sector_bytes == 0);
    LS_ASSERT(sector <= sectors() && bytes / sector_bytes <= sectors() - sector);
  }
  TestMemory& contents_;
};

}  // namespace lockstitch::test

// What tests of disks share: a trouble that can be looked into, random contents, and random work on a disk beside a
// model of it.
#pragma once
#include <algorithm>
#include <cstdint>
#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

#include "lockstitch/block.h"
#include "tests/contract/support/random.h"
#include "vmm/world/world_trouble.h"

namespace lockstitch::test {

using Contents = std::vector<std::uint8_t>;

struct Abandoned : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Records what it is told; `on_wait` may repair the host.
class TestTrouble : public world::WorldTrouble {
 public:
  void report(const Error& error) override { reports.push_back(error.text); }
  void over() override { ++overs; }
  bool wait_to_retry() override {
    ++waits;
    return on_wait ? on_wait() : false;
  }
  [[noreturn]] void abandon(const Error& error) override { throw Abandoned(error.text); }

  std::function<bool()> on_wait;
  std::vector<std::string> reports;
  int overs = 0, waits = 0;
};

inline Contents random_contents(Random& random, std::size_t size) {
  Contents contents(size);
  for (auto& byte : contents) byte = static_cast<std::uint8_t>(random.next());
  return contents;
}

/// Random reads, writes and flushes on the disk and on `model`; false at the first difference.
inline bool behaves_like(BlockPort& disk, Contents& model, Random& random, int steps) {
  const std::uint64_t sectors = model.size() / sector_bytes;
  for (int i = 0; i < steps; ++i) {
    const std::uint64_t sector = random.below(sectors);
    const std::uint64_t most = std::min<std::uint64_t>(sectors - sector, random.one_in(4) ? 200 : 12);
    const std::size_t bytes = (1 + random.below(most)) * sector_bytes;
    const auto place = model.begin() + static_cast<std::ptrdiff_t>(sector * sector_bytes);
    if (random.one_in(2)) {
      const Contents data = random_contents(random, bytes);
      disk.write(sector, data);
      std::copy(data.begin(), data.end(), place);
      if (random.one_in(8)) disk.flush();
    } else {
      Contents data(bytes);
      if (random.one_in(2)) disk.prepare(sector, bytes);
      disk.read(sector, data);
      if (!std::equal(data.begin(), data.end(), place)) return false;
    }
  }
  Contents all(model.size());
  disk.read(0, all);
  return all == model;
}

}  // namespace lockstitch::test

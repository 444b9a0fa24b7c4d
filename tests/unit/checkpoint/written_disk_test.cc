// A disk that remembers what was written of it.
#include "sync/checkpoint/written_disk.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <numeric>

namespace lockstitch::test {

namespace {

/// Counts what reaches it.
class MemoryDisk final : public BlockPort {
 public:
  explicit MemoryDisk(std::uint64_t sectors) : bytes_(sectors * sector_bytes) {
    for (std::size_t i = 0; i < bytes_.size(); ++i) bytes_[i] = static_cast<std::uint8_t>(i / 256 + i);
  }
  std::uint64_t sectors() const override { return bytes_.size() / sector_bytes; }
  bool read_only() const override { return read_only_; }
  void prepare(std::uint64_t sector, std::uint64_t bytes) override { prepared_ = {sector, bytes}; }
  void read(std::uint64_t sector, MutableBytes out) override {
    REQUIRE(sector * sector_bytes + out.size() <= bytes_.size());
    std::copy_n(bytes_.begin() + static_cast<std::ptrdiff_t>(sector * sector_bytes), out.size(), out.begin());
  }
  void write(std::uint64_t sector, Bytes in) override {
    REQUIRE(sector * sector_bytes + in.size() <= bytes_.size());
    std::copy(in.begin(), in.end(), bytes_.begin() + static_cast<std::ptrdiff_t>(sector * sector_bytes));
  }
  void flush() override { ++flushes_; }

  std::vector<std::uint8_t> bytes_;
  std::pair<std::uint64_t, std::uint64_t> prepared_;
  unsigned flushes_ = 0;
  bool read_only_ = false;
};

using Clusters = std::vector<std::uint64_t>;

Clusters written(sync::WrittenDisk& disk) {
  Clusters clusters{99};
  disk.take_written(clusters);
  return clusters;
}

std::vector<std::uint8_t> bytes(std::size_t size, std::uint8_t value) { return std::vector<std::uint8_t>(size, value); }

}  // namespace

TEST_CASE("everything goes through to the disk beneath") {
  MemoryDisk beneath(24);
  sync::WrittenDisk disk(beneath);
  CHECK(disk.sectors() == 24);
  CHECK(!disk.read_only());
  beneath.read_only_ = true;
  CHECK(disk.read_only());
  disk.prepare(3, 1024);
  CHECK(beneath.prepared_ == std::pair<std::uint64_t, std::uint64_t>{3, 1024});
  disk.flush();
  CHECK(beneath.flushes_ == 1);
  auto there = bytes(700, 0);
  disk.read(1, there);
  CHECK(std::equal(there.begin(), there.end(), beneath.bytes_.begin() + 512));
  disk.write(2, bytes(512, 0xee));
  CHECK(beneath.bytes_[1023] != 0xee);
  CHECK(beneath.bytes_[1024] == 0xee);
  CHECK(beneath.bytes_[1535] == 0xee);
}

TEST_CASE("reads, hints and flushes count for nothing; a write counts for every cluster it touches, once") {
  MemoryDisk beneath(80);
  sync::WrittenDisk disk(beneath);
  CHECK(disk.clusters() == 10);
  auto there = bytes(4096, 0);
  disk.read(8, there);
  disk.prepare(0, 4096);
  disk.flush();
  disk.read_cluster(3, there);
  disk.write(16, {});
  CHECK(written(disk) == Clusters{});
  disk.write(79, bytes(512, 1));
  disk.write(7, bytes(1024, 1));
  disk.write(8, bytes(512, 1));
  disk.write(24, bytes(4096, 1));
  CHECK(written(disk) == Clusters{0, 1, 3, 9});
  CHECK(written(disk) == Clusters{});
  disk.write(31, bytes(1024, 2));
  CHECK(written(disk) == Clusters{3, 4});
  disk.write(0, bytes(80 * 512, 3));
  Clusters all(10);
  std::iota(all.begin(), all.end(), 0);
  CHECK(written(disk) == all);
}

TEST_CASE("a last cluster that is shorter is read with zeros behind it and written without them") {
  for (std::uint64_t sectors = 1; sectors <= 17; ++sectors) {
    CAPTURE(sectors);
    MemoryDisk beneath(sectors);
    sync::WrittenDisk disk(beneath);
    const std::uint64_t last = (sectors - 1) / 8;
    REQUIRE(disk.clusters() == last + 1);
    const std::size_t there = sectors * 512 - last * 4096;
    auto cluster = bytes(4096, 0xaa);
    disk.read_cluster(last, cluster);
    CHECK(std::equal(cluster.begin(), cluster.begin() + static_cast<std::ptrdiff_t>(there),
                     beneath.bytes_.begin() + static_cast<std::ptrdiff_t>(last * 4096)));
    CHECK(std::count(cluster.begin() + static_cast<std::ptrdiff_t>(there), cluster.end(), 0) ==
          static_cast<std::ptrdiff_t>(4096 - there));
    disk.write_cluster(last, bytes(4096, 0x55));
    CHECK(beneath.bytes_.size() == sectors * 512);
    CHECK(std::count(beneath.bytes_.end() - static_cast<std::ptrdiff_t>(there), beneath.bytes_.end(), 0x55) ==
          static_cast<std::ptrdiff_t>(there));
    CHECK(written(disk) == Clusters{last});
  }
}

TEST_CASE("what is restored cluster by cluster equals what was read so") {
  MemoryDisk one(21), other(21);
  sync::WrittenDisk source(one), target(other);
  source.write(0, bytes(21 * 512, 7));
  source.write(5, bytes(512, 9));
  auto cluster = bytes(4096, 0);
  for (const std::uint64_t number : written(source)) {
    source.read_cluster(number, cluster);
    target.write_cluster(number, cluster);
  }
  CHECK(one.bytes_ == other.bytes_);
  CHECK(written(target) == Clusters{0, 1, 2});
}

}  // namespace lockstitch::test

// See written_disk.h.
#include "sync/checkpoint/written_disk.h"

#include <algorithm>

#include "lockstitch/assert.h"

namespace lockstitch::sync {

WrittenDisk::WrittenDisk(BlockPort& disk) : disk_(disk), written_(clusters()) {}

std::uint64_t WrittenDisk::clusters() const {
  return (disk_.sectors() * sector_bytes + cluster_bytes - 1) / cluster_bytes;
}

std::uint64_t WrittenDisk::bytes_of(std::uint64_t cluster) const {
  LS_ASSERT_CMP(cluster, <, clusters());
  return std::min(cluster_bytes, disk_.sectors() * sector_bytes - cluster * cluster_bytes);
}

void WrittenDisk::write(std::uint64_t sector, Bytes in) {
  const std::uint64_t first = sector * sector_bytes / cluster_bytes;
  const std::uint64_t last = (sector * sector_bytes + std::max<std::size_t>(in.size(), 1) - 1) / cluster_bytes;
  if (keeps_originals_ && !in.empty()) {
    for (std::uint64_t cluster = first; cluster <= last; ++cluster) {
      const auto [place, is_new] = originals_.try_emplace(cluster);
      if (!is_new) continue;
      place->second.resize(cluster_bytes);
      read_cluster(cluster, place->second);
    }
  }
  disk_.write(sector, in);
  if (in.empty()) return;
  for (std::uint64_t cluster = first; cluster <= last; ++cluster) written_[cluster] = true;
  anything_written_ = true;
}

const std::vector<std::uint8_t>* WrittenDisk::original(std::uint64_t cluster) const {
  const auto found = originals_.find(cluster);
  return found == originals_.end() ? nullptr : &found->second;
}

void WrittenDisk::take_written(std::vector<std::uint64_t>& clusters) {
  clusters.clear();
  if (!anything_written_) return;
  for (std::uint64_t cluster = 0; cluster < written_.size(); ++cluster) {
    if (!written_[cluster]) continue;
    clusters.push_back(cluster);
    written_[cluster] = false;
  }
  anything_written_ = false;
}

void WrittenDisk::read_cluster(std::uint64_t cluster, MutableBytes out) {
  LS_ASSERT_CMP(out.size(), ==, cluster_bytes);
  const std::uint64_t there = bytes_of(cluster);
  disk_.read(cluster * (cluster_bytes / sector_bytes), out.first(there));
  std::fill(out.begin() + static_cast<std::ptrdiff_t>(there), out.end(), std::uint8_t{0});
}

void WrittenDisk::write_cluster(std::uint64_t cluster, Bytes in) {
  LS_ASSERT_CMP(in.size(), ==, cluster_bytes);
  write(cluster * (cluster_bytes / sector_bytes), in.first(bytes_of(cluster)));
}

}  // namespace lockstitch::sync

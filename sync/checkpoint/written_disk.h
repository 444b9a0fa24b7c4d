// A disk that remembers which of its 4 KiB clusters were written: what a checkpoint has to keep of it besides its
// image.
#pragma once
#include <cstdint>
#include <unordered_map>
#include <vector>

#include "lockstitch/block.h"

namespace lockstitch::sync {

class WrittenDisk final : public BlockPort {
 public:
  static constexpr std::uint64_t cluster_bytes = page_bytes;

  explicit WrittenDisk(BlockPort& disk);

  std::uint64_t sectors() const override { return disk_.sectors(); }
  bool read_only() const override { return disk_.read_only(); }
  void prepare(std::uint64_t sector, std::uint64_t bytes) override { disk_.prepare(sector, bytes); }
  void read(std::uint64_t sector, MutableBytes out) override { disk_.read(sector, out); }
  void write(std::uint64_t sector, Bytes in) override;
  void flush() override { disk_.flush(); }

  /// The last one may be shorter than the others.
  std::uint64_t clusters() const;
  /// Replaces `clusters` by those written since the last call, ascending, and forgets them.
  void take_written(std::vector<std::uint64_t>& clusters);
  /// Shape: one cluster; what the disk does not have of it is zeros.
  void read_cluster(std::uint64_t cluster, MutableBytes out);
  /// Counts as written.
  void write_cluster(std::uint64_t cluster, Bytes in);

  /// From now on what a cluster holds before its first write is remembered.
  void keep_originals() { keeps_originals_ = true; }
  /// Null: not written since.
  const std::vector<std::uint8_t>* original(std::uint64_t cluster) const;

 private:
  std::uint64_t bytes_of(std::uint64_t cluster) const;

  BlockPort& disk_;
  std::vector<bool> written_;
  bool anything_written_ = false;
  bool keeps_originals_ = false;
  std::unordered_map<std::uint64_t, std::vector<std::uint8_t>> originals_;
};

}  // namespace lockstitch::sync

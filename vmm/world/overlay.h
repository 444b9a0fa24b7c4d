// What the guest wrote to a disk whose image must stay as it is: an unlinked file as large as the disk, and one bit for
// each cluster that says where the truth is. Goes away with the process. Not here: the image below.
#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "lockstitch/result.h"
#include "lockstitch/types.h"
#include "vmm/world/descriptor.h"
#include "vmm/world/world_trouble.h"

namespace lockstitch::world {

class Overlay {
 public:
  /// Reads the image below, at a byte offset; returns when it has succeeded.
  using ReadBelow = std::function<void(std::uint64_t, MutableBytes)>;

  /// `path`: the image's, for messages. `folder`: where to take room; empty: $TMPDIR, else /var/tmp. Fails: no room.
  static Result<Overlay> make(std::string path, std::uint64_t disk_bytes, std::string folder, ReadBelow below,
                              WorldTrouble& trouble);

  void prepare(std::uint64_t offset, std::uint64_t bytes);
  void read(std::uint64_t offset, MutableBytes out);
  void write(std::uint64_t offset, Bytes in);

 private:
  /// Unit: bytes. What is copied at least.
  static constexpr std::uint64_t cluster_bytes = 4096;

  Overlay(std::string path, std::uint64_t disk_bytes, ReadBelow below, WorldTrouble& trouble);

  bool has(std::uint64_t cluster) const { return written_[cluster / 64] >> (cluster % 64) & 1; }
  void set(std::uint64_t cluster) { written_[cluster / 64] |= std::uint64_t{1} << (cluster % 64); }
  void write_part_of_cluster(std::uint64_t offset, Bytes in);
  void read_file(std::uint64_t offset, MutableBytes out);
  void write_file(std::uint64_t offset, Bytes in);

  std::string path_;
  std::uint64_t disk_bytes_;
  ReadBelow below_;
  WorldTrouble* trouble_;
  Descriptor file_;
  std::vector<std::uint64_t> written_;
};

}  // namespace lockstitch::world

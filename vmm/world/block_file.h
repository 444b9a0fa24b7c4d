// A disk over a raw image file or block device of the host: read-write, read-only, or with all writes in a temporary
// overlay that goes away with the process. Requests run on the calling thread, the
// core's. A host error never reaches the guest: the call does not return until it has succeeded (world_trouble.h).
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "lockstitch/block.h"
#include "lockstitch/result.h"
#include "vmm/world/descriptor.h"
#include "vmm/world/world_trouble.h"

namespace lockstitch::world {

enum class BlockMode : std::uint8_t {
  read_write,  ///< one process at a time
  read_only,   ///< any number at a time, none that writes
  overlay,     ///< the image as in read_only; writes go to an unlinked file
};

class BlockFile : public BlockPort {
 public:
  /// `overlay_folder`: where an overlay takes its room; empty: $TMPDIR, else /var/tmp. Fails: missing, no permission,
  /// neither file nor block device, empty, not a multiple of 512 bytes, locked by another Lockstitch, no room for an
  /// overlay.
  static Result<std::unique_ptr<BlockFile>> open(const std::string& path, BlockMode mode, WorldTrouble& trouble,
                                                 const std::string& overlay_folder = "");

  std::uint64_t sectors() const override { return size_bytes_ / sector_bytes; }
  bool read_only() const override { return mode_ == BlockMode::read_only; }
  void prepare(std::uint64_t sector, std::uint64_t bytes) override;
  void read(std::uint64_t sector, MutableBytes out) override;
  void write(std::uint64_t sector, Bytes in) override;
  /// An overlay ends with the process, so there is nothing to make durable. A failed flush is final: Linux may have
  /// dropped the pages, so a second attempt that succeeds would prove nothing; the machine stands still until it is
  /// ended.
  void flush() override;

 private:
  /// Unit: bytes. What the overlay copies at least; one bit each says where the truth is.
  static constexpr std::uint64_t cluster_bytes = 4096;

  BlockFile(std::string path, BlockMode mode, WorldTrouble& trouble)
      : path_(std::move(path)), mode_(mode), trouble_(trouble) {}

  Outcome make_overlay(std::string folder);
  bool in_overlay(std::uint64_t cluster) const { return overlaid_[cluster / 64] >> (cluster % 64) & 1; }
  void write_overlay(std::uint64_t offset, Bytes in);
  void write_part_of_cluster(std::uint64_t offset, Bytes in);
  void read_file(const Descriptor& file, std::uint64_t offset, MutableBytes out);
  void write_file(const Descriptor& file, std::uint64_t offset, Bytes in);
  template <class Attempt>
  void insist(Attempt attempt);
  void check_range(std::uint64_t sector, std::uint64_t bytes) const;

  std::string path_;
  BlockMode mode_;
  WorldTrouble& trouble_;
  Descriptor image_;
  std::uint64_t size_bytes_ = 0;
  Descriptor overlay_;
  std::vector<std::uint64_t> overlaid_;
};

}  // namespace lockstitch::world

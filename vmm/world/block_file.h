// A disk over a raw image file or block device of the host: read-write, read-only, or with all writes in a temporary
// overlay that goes away with the process. Requests run on the calling thread, the
// core's. A host error never reaches the guest: the call does not return until it has succeeded (world_trouble.h).
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "lockstitch/block.h"
#include "lockstitch/result.h"
#include "vmm/world/image_file.h"
#include "vmm/world/overlay.h"
#include "vmm/world/world_trouble.h"

namespace lockstitch::world {

class BlockFile : public BlockPort {
 public:
  /// `overlay_folder`: where an overlay takes its room; empty: $TMPDIR, else /var/tmp. Fails: missing, no permission,
  /// neither file nor block device, empty, not a multiple of 512 bytes, locked by another Lockstitch, no room for an
  /// overlay.
  static Result<std::unique_ptr<BlockFile>> open(const std::string& path, BlockMode mode, WorldTrouble& trouble,
                                                 const std::string& overlay_folder = "");
  /// The same of an image that is open already, which is locked here.
  static Result<std::unique_ptr<BlockFile>> open(ImageFile image, const std::string& path, BlockMode mode,
                                                 WorldTrouble& trouble, const std::string& overlay_folder = "");

  std::uint64_t sectors() const override { return image_.bytes / sector_bytes; }
  bool read_only() const override { return mode_ == BlockMode::read_only; }
  void prepare(std::uint64_t sector, std::uint64_t bytes) override;
  void read(std::uint64_t sector, MutableBytes out) override;
  void write(std::uint64_t sector, Bytes in) override;
  /// An overlay ends with the process, so there is nothing to make durable; nor is there when nothing was written since
  /// the last flush, for the image is ours alone. A failed flush is final: Linux may have
  /// dropped the pages, so a second attempt that succeeds would prove nothing; the machine stands still until it is
  /// ended.
  void flush() override;

 private:
  BlockFile(ImageFile image, std::string path, BlockMode mode, WorldTrouble& trouble)
      : path_(std::move(path)), mode_(mode), trouble_(trouble), image_(std::move(image)) {}

  void read_image(std::uint64_t offset, MutableBytes out);
  void check_range(std::uint64_t sector, std::uint64_t bytes) const;

  std::string path_;
  BlockMode mode_;
  WorldTrouble& trouble_;
  ImageFile image_;
  std::optional<Overlay> overlay_;
  bool unflushed_ = true;  ///< also what somebody before us wrote
};

}  // namespace lockstitch::world

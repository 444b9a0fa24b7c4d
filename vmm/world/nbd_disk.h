// A disk over an image of another format than raw, which qemu-nbd reads and writes for us: with the modes and the rules
// of BlockFile. If qemu-nbd dies it is started again, and what it had not made durable is written once more: a qcow2
// that was not closed forgets where its newest clusters are, and the guest must not see that.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "lockstitch/block.h"
#include "lockstitch/result.h"
#include "vmm/world/image_file.h"
#include "vmm/world/nbd_connection.h"
#include "vmm/world/overlay.h"
#include "vmm/world/world_trouble.h"

namespace lockstitch::world {

class NbdDisk final : public BlockPort {
 public:
  /// `image`: locked here, as BlockFile does. `overlay_folder`: as of BlockFile. Fails: QEMU's tools are not installed,
  /// the image is in use, damaged, or its disk is no multiple of 512 bytes.
  static Result<std::unique_ptr<NbdDisk>> open(ImageFile image, const std::string& path, ImageFormat format,
                                               BlockMode mode, WorldTrouble& trouble,
                                               const std::string& overlay_folder = "");

  std::uint64_t sectors() const override { return bytes_ / sector_bytes; }
  bool read_only() const override { return mode_ == BlockMode::read_only; }
  void prepare(std::uint64_t sector, std::uint64_t bytes) override;
  void read(std::uint64_t sector, MutableBytes out) override;
  void write(std::uint64_t sector, Bytes in) override;
  void flush() override;

  int server_pid() const { return connection_ ? connection_->server_pid() : -1; }

 private:
  /// Unit: bytes. What is kept of writes since the last flush; then we flush ourselves.
  static constexpr std::uint64_t unflushed_max_bytes = 64u << 20;

  struct Write {
    std::uint64_t offset;
    std::vector<std::uint8_t> bytes;
  };

  NbdDisk(ImageFile file, NbdImage image, BlockMode mode, WorldTrouble& trouble)
      : file_(std::move(file)), image_(std::move(image)), mode_(mode), trouble_(trouble) {}

  Outcome connect();
  void read_image(std::uint64_t offset, MutableBytes out);
  void check_range(std::uint64_t sector, std::uint64_t bytes) const;

  ImageFile file_;  ///< for its lock
  NbdImage image_;
  BlockMode mode_;
  WorldTrouble& trouble_;
  std::unique_ptr<NbdConnection> connection_;
  std::uint64_t bytes_ = 0;
  std::optional<Overlay> overlay_;
  std::vector<Write> unflushed_;
  std::uint64_t unflushed_bytes_ = 0;
};

}  // namespace lockstitch::world

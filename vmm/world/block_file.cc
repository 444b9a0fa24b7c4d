// See block_file.h.
#include "vmm/world/block_file.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <cerrno>
#include <cstring>

#include "lockstitch/assert.h"
#include "vmm/world/insist.h"
#include "vmm/world/positioned_io.h"

namespace lockstitch::world {

Result<std::unique_ptr<BlockFile>> BlockFile::open(const std::string& path, BlockMode mode, WorldTrouble& trouble,
                                                   const std::string& overlay_folder) {
  auto image = open_image_file(path, mode);
  if (!image.ok()) return image.error();
  return open(std::move(image).value(), path, mode, trouble, overlay_folder);
}

Result<std::unique_ptr<BlockFile>> BlockFile::open(ImageFile image, const std::string& path, BlockMode mode,
                                                   WorldTrouble& trouble, const std::string& overlay_folder) {
  if (image.bytes % sector_bytes != 0) {
    return Error{
        ExitCode::bad_input,
        fmt::format("The disk image '{}' has {} bytes, which is not a multiple of {}: it is cut off or not a raw "
                    "image.",
                    path, image.bytes, sector_bytes)};
  }
  if (const Outcome locked = lock_image_file(image, path, mode); !locked) return locked.error();
  std::unique_ptr<BlockFile> disk(new BlockFile(std::move(image), path, mode, trouble));
  if (mode == BlockMode::overlay) {
    BlockFile& below = *disk;
    auto overlay = Overlay::make(
        path, disk->image_.bytes, overlay_folder,
        [&below](std::uint64_t offset, MutableBytes out) { below.read_image(offset, out); }, trouble);
    if (!overlay.ok()) return overlay.error();
    disk->overlay_.emplace(std::move(overlay).value());
  }
  return disk;
}

void BlockFile::check_range(std::uint64_t sector, std::uint64_t bytes) const {
  LS_ASSERT_CMP(bytes % sector_bytes, ==, 0);
  LS_ASSERT_CMP(sector, <=, sectors());
  LS_ASSERT_CMP(bytes / sector_bytes, <=, sectors() - sector);
}

void BlockFile::prepare(std::uint64_t sector, std::uint64_t bytes) {
  const std::uint64_t offset = sector * sector_bytes;
  ::posix_fadvise(image_.file.get(), static_cast<off_t>(offset), static_cast<off_t>(bytes), POSIX_FADV_WILLNEED);
  if (overlay_) overlay_->prepare(offset, bytes);
}

void BlockFile::read(std::uint64_t sector, MutableBytes out) {
  check_range(sector, out.size());
  if (overlay_) return overlay_->read(sector * sector_bytes, out);
  read_image(sector * sector_bytes, out);
}

void BlockFile::write(std::uint64_t sector, Bytes in) {
  check_range(sector, in.size());
  LS_ASSERT(!read_only());
  if (overlay_) return overlay_->write(sector * sector_bytes, in);
  unflushed_ = true;
  insist(trouble_, [&] { return write_at(image_.file, sector * sector_bytes, in, "Disk image", path_); });
}

void BlockFile::flush() {
  if (mode_ != BlockMode::read_write || !unflushed_) return;
  int failed = 0;
  do failed = ::fdatasync(image_.file.get());
  while (failed != 0 && errno == EINTR);
  if (failed == 0) {
    unflushed_ = false;
    return;
  }
  stand_still(trouble_,
              {ExitCode::world, fmt::format("The host cannot make disk image '{}' durable ({}); writes since the last "
                                            "flush may be lost.",
                                            path_, std::strerror(errno))});
}

void BlockFile::read_image(std::uint64_t offset, MutableBytes out) {
  insist(trouble_, [&] { return read_at(image_.file, offset, out, "Disk image", path_); });
}

}  // namespace lockstitch::world

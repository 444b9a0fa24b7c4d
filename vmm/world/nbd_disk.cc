// See nbd_disk.h.
#include "vmm/world/nbd_disk.h"

#include <fmt/format.h>

#include "lockstitch/assert.h"
#include "vmm/world/insist.h"

namespace lockstitch::world {

Result<std::unique_ptr<NbdDisk>> NbdDisk::open(ImageFile file, const std::string& path, ImageFormat format,
                                               BlockMode mode, WorldTrouble& trouble,
                                               const std::string& overlay_folder) {
  if (const Outcome locked = lock_image_file(file, path, mode); !locked) return locked.error();
  const NbdImage image{path, format, mode != BlockMode::read_write};
  if (const Outcome whole = check_image(image); !whole) return whole.error();
  std::unique_ptr<NbdDisk> disk(new NbdDisk(std::move(file), image, mode, trouble));
  if (const Outcome connected = disk->connect(); !connected) return connected.error();
  if (disk->bytes_ % sector_bytes != 0) {
    return Error{ExitCode::bad_input,
                 fmt::format("The disk in the image '{}' has {} bytes, which is not a multiple of {}; make it longer "
                             "with `qemu-img resize`.",
                             path, disk->bytes_, sector_bytes)};
  }
  if (mode == BlockMode::overlay) {
    NbdDisk& below = *disk;
    auto overlay = Overlay::make(
        path, disk->bytes_, overlay_folder,
        [&below](std::uint64_t offset, MutableBytes out) { below.read_image(offset, out); }, trouble);
    if (!overlay.ok()) return overlay.error();
    disk->overlay_.emplace(std::move(overlay).value());
  }
  return disk;
}

Outcome NbdDisk::connect() {
  if (connection_ && !connection_->broken()) return success();
  connection_.reset();
  auto made = NbdConnection::open(image_);
  if (!made.ok()) return Error{made.error()};
  if (bytes_ != 0 && made.value()->bytes() != bytes_) {
    return Error{ExitCode::world, fmt::format("The disk in the image '{}' has {} bytes now and had {}; put back the "
                                              "image that it was.",
                                              image_.path, made.value()->bytes(), bytes_)};
  }
  for (const Write& each : unflushed_) {
    if (const Outcome written = made.value()->write(each.offset, each.bytes); !written) return written;
  }
  bytes_ = made.value()->bytes();
  connection_ = std::move(made).value();
  return success();
}

void NbdDisk::check_range(std::uint64_t sector, std::uint64_t bytes) const {
  LS_ASSERT_CMP(bytes % sector_bytes, ==, 0);
  LS_ASSERT_CMP(sector, <=, sectors());
  LS_ASSERT_CMP(bytes / sector_bytes, <=, sectors() - sector);
}

void NbdDisk::prepare(std::uint64_t sector, std::uint64_t bytes) {
  if (connection_) connection_->prepare(sector * sector_bytes, bytes);
  if (overlay_) overlay_->prepare(sector * sector_bytes, bytes);
}

void NbdDisk::read(std::uint64_t sector, MutableBytes out) {
  check_range(sector, out.size());
  if (overlay_) return overlay_->read(sector * sector_bytes, out);
  read_image(sector * sector_bytes, out);
}

void NbdDisk::read_image(std::uint64_t offset, MutableBytes out) {
  insist(trouble_, [&]() -> Outcome {
    if (Outcome connected = connect(); !connected) return connected;
    return connection_->read(offset, out);
  });
}

void NbdDisk::write(std::uint64_t sector, Bytes in) {
  check_range(sector, in.size());
  LS_ASSERT(!read_only());
  const std::uint64_t offset = sector * sector_bytes;
  if (overlay_) return overlay_->write(offset, in);
  insist(trouble_, [&]() -> Outcome {
    if (Outcome connected = connect(); !connected) return connected;
    return connection_->write(offset, in);
  });
  unflushed_.push_back({offset, {in.begin(), in.end()}});
  unflushed_bytes_ += in.size();
  if (unflushed_bytes_ >= unflushed_max_bytes) flush();
}

void NbdDisk::flush() {
  if (mode_ != BlockMode::read_write || unflushed_.empty()) return;
  insist(trouble_, [&]() -> Outcome {
    if (Outcome connected = connect(); !connected) return connected;
    Outcome flushed = connection_->flush();
    // A new server gets everything again, so its success says something; of this one it would say nothing.
    if (!flushed && !connection_->broken()) stand_still(trouble_, flushed.error());
    return flushed;
  });
  unflushed_.clear();
  unflushed_bytes_ = 0;
}

}  // namespace lockstitch::world

// See block_file.h.
#include "vmm/world/block_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "lockstitch/assert.h"

namespace lockstitch::world {

namespace {

Error cannot_open(const std::string& path, BlockMode mode) {
  const char* wanted = mode == BlockMode::read_write ? "written" : "read";
  switch (errno) {
    case ENOENT:
    case ENOTDIR:
      return {ExitCode::missing_input, fmt::format("The disk image '{}' does not exist; check the path.", path)};
    case EACCES:
    case EPERM:
    case EROFS:
      return {ExitCode::missing_input,
              fmt::format("The disk image '{}' may not be {} by you; check its permissions{}.", path, wanted,
                          mode == BlockMode::read_write ? " or use it read-only or with an overlay" : "")};
    case EISDIR:
      return {ExitCode::bad_input, fmt::format("The disk image '{}' is a directory; name a file.", path)};
    default:
      return {ExitCode::missing_input,
              fmt::format("The disk image '{}' cannot be opened ({}).", path, std::strerror(errno))};
  }
}

Outcome lock_image(const Descriptor& image, const std::string& path, BlockMode mode) {
  while (::flock(image.get(), (mode == BlockMode::read_write ? LOCK_EX : LOCK_SH) | LOCK_NB) != 0) {
    if (errno == EINTR) continue;
    if (errno == EWOULDBLOCK) {
      return Error{ExitCode::unavailable,
                   fmt::format("The disk image '{}' is in use by another process; end that one{}.", path,
                               mode == BlockMode::read_write ? " or use the image with an overlay in both" : "")};
    }
    return Error{ExitCode::unavailable,
                 fmt::format("The disk image '{}' cannot be locked ({}).", path, std::strerror(errno))};
  }
  return success();
}

}  // namespace

Result<std::unique_ptr<BlockFile>> BlockFile::open(const std::string& path, BlockMode mode, WorldTrouble& trouble,
                                                   const std::string& overlay_folder) {
  std::unique_ptr<BlockFile> disk(new BlockFile(path, mode, trouble));
  disk->image_ = Descriptor(::open(path.c_str(), (mode == BlockMode::read_write ? O_RDWR : O_RDONLY) | O_CLOEXEC));
  if (!disk->image_) return cannot_open(path, mode);

  struct stat info {};
  if (::fstat(disk->image_.get(), &info) != 0 || !(S_ISREG(info.st_mode) || S_ISBLK(info.st_mode))) {
    return Error{ExitCode::bad_input, fmt::format("The disk image '{}' is neither a file nor a block device.", path)};
  }
  const off_t end = ::lseek(disk->image_.get(), 0, SEEK_END);
  if (end <= 0) return Error{ExitCode::bad_input, fmt::format("The disk image '{}' is empty.", path)};
  disk->size_bytes_ = static_cast<std::uint64_t>(end);
  if (disk->size_bytes_ % sector_bytes != 0) {
    return Error{
        ExitCode::bad_input,
        fmt::format("The disk image '{}' has {} bytes, which is not a multiple of {}: it is cut off or not a raw "
                    "image.",
                    path, disk->size_bytes_, sector_bytes)};
  }
  if (const Outcome locked = lock_image(disk->image_, path, mode); !locked) return locked.error();
  if (mode == BlockMode::overlay) {
    if (const Outcome made = disk->make_overlay(overlay_folder); !made) return made.error();
  }
  return disk;
}

Outcome BlockFile::make_overlay(std::string folder) {
  if (folder.empty()) {
    const char* chosen = std::getenv("TMPDIR");
    folder = chosen != nullptr && *chosen != '\0' ? chosen : "/var/tmp";
  }
  overlay_ = Descriptor(::open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
  if (!overlay_ && (errno == EOPNOTSUPP || errno == EISDIR)) {  // a file system without O_TMPFILE
    std::string name = folder + "/lockstitch-overlay-XXXXXX";
    overlay_ = Descriptor(::mkostemp(name.data(), O_CLOEXEC));
    if (overlay_) ::unlink(name.c_str());
  }
  if (!overlay_) {
    return Error{ExitCode::unavailable,
                 fmt::format("The overlay of disk image '{}' cannot be made in '{}' ({}); set TMPDIR "
                             "to a folder with room.",
                             path_, folder, std::strerror(errno))};
  }
  const std::uint64_t clusters = (size_bytes_ + cluster_bytes - 1) / cluster_bytes;
  overlaid_.assign((clusters + 63) / 64, 0);
  return success();
}

void BlockFile::check_range(std::uint64_t sector, std::uint64_t bytes) const {
  LS_ASSERT_CMP(bytes % sector_bytes, ==, 0);
  LS_ASSERT_CMP(sector, <=, sectors());
  LS_ASSERT_CMP(bytes / sector_bytes, <=, sectors() - sector);
}

void BlockFile::prepare(std::uint64_t sector, std::uint64_t bytes) {
  const auto offset = static_cast<off_t>(sector * sector_bytes);
  ::posix_fadvise(image_.get(), offset, static_cast<off_t>(bytes), POSIX_FADV_WILLNEED);
  if (overlay_) ::posix_fadvise(overlay_.get(), offset, static_cast<off_t>(bytes), POSIX_FADV_WILLNEED);
}

void BlockFile::read(std::uint64_t sector, MutableBytes out) {
  check_range(sector, out.size());
  std::uint64_t offset = sector * sector_bytes;
  if (!overlay_) return read_file(image_, offset, out);
  while (!out.empty()) {
    const bool overlaid = in_overlay(offset / cluster_bytes);
    std::uint64_t run = std::min<std::uint64_t>(cluster_bytes - offset % cluster_bytes, out.size());
    while (run < out.size() && in_overlay((offset + run) / cluster_bytes) == overlaid) {
      run = std::min<std::uint64_t>(run + cluster_bytes, out.size());
    }
    read_file(overlaid ? overlay_ : image_, offset, out.first(run));
    out = out.subspan(run);
    offset += run;
  }
}

void BlockFile::write(std::uint64_t sector, Bytes in) {
  check_range(sector, in.size());
  LS_ASSERT(!read_only());
  if (overlay_) {
    write_overlay(sector * sector_bytes, in);
  } else {
    write_file(image_, sector * sector_bytes, in);
  }
}

void BlockFile::write_overlay(std::uint64_t offset, Bytes in) {
  while (!in.empty()) {
    const std::uint64_t whole_clusters = in.size() / cluster_bytes;
    std::uint64_t run = 0;
    if (offset % cluster_bytes == 0 && whole_clusters > 0) {
      run = whole_clusters * cluster_bytes;
      write_file(overlay_, offset, in.first(run));
      for (std::uint64_t i = 0; i < whole_clusters; ++i) {
        const std::uint64_t cluster = offset / cluster_bytes + i;
        overlaid_[cluster / 64] |= std::uint64_t{1} << (cluster % 64);
      }
    } else {
      run = std::min<std::uint64_t>(cluster_bytes - offset % cluster_bytes, in.size());
      write_part_of_cluster(offset, in.first(run));
    }
    in = in.subspan(run);
    offset += run;
  }
}

void BlockFile::write_part_of_cluster(std::uint64_t offset, Bytes in) {
  const std::uint64_t cluster = offset / cluster_bytes;
  if (in_overlay(cluster)) return write_file(overlay_, offset, in);
  const std::uint64_t start = cluster * cluster_bytes;
  std::array<std::uint8_t, cluster_bytes> merged;
  const MutableBytes used = MutableBytes(merged).first(std::min(cluster_bytes, size_bytes_ - start));
  read_file(image_, start, used);
  std::copy(in.begin(), in.end(), used.begin() + static_cast<std::ptrdiff_t>(offset - start));
  write_file(overlay_, start, used);
  overlaid_[cluster / 64] |= std::uint64_t{1} << (cluster % 64);
}

void BlockFile::flush() {
  if (mode_ != BlockMode::read_write) return;
  int failed = 0;
  do failed = ::fdatasync(image_.get());
  while (failed != 0 && errno == EINTR);
  if (failed == 0) return;
  const Error error{ExitCode::world,
                    fmt::format("The host cannot make disk image '{}' durable ({}); writes since the last "
                                "flush may be lost.",
                                path_, std::strerror(errno))};
  trouble_.report(error);
  while (trouble_.wait_to_retry()) continue;
  trouble_.abandon(error);
}

template <class Attempt>
void BlockFile::insist(Attempt attempt) {
  Outcome outcome = attempt();
  if (outcome) return;
  trouble_.report(outcome.error());
  do {
    if (!trouble_.wait_to_retry()) trouble_.abandon(outcome.error());
    outcome = attempt();
  } while (!outcome);
  trouble_.over();
}

void BlockFile::read_file(const Descriptor& file, std::uint64_t offset, MutableBytes out) {
  insist([&]() -> Outcome {
    for (std::size_t done = 0; done < out.size();) {
      const ssize_t got = ::pread(file.get(), out.data() + done, out.size() - done, static_cast<off_t>(offset + done));
      if (got < 0 && errno == EINTR) continue;
      if (got <= 0) {
        return Error{ExitCode::world,
                     fmt::format("Disk image '{}' cannot be read at byte {} ({}).", path_, offset + done,
                                 got < 0 ? std::strerror(errno) : "the file became shorter")};
      }
      done += static_cast<std::size_t>(got);
    }
    return success();
  });
}

void BlockFile::write_file(const Descriptor& file, std::uint64_t offset, Bytes in) {
  insist([&]() -> Outcome {
    for (std::size_t done = 0; done < in.size();) {
      const ssize_t put = ::pwrite(file.get(), in.data() + done, in.size() - done, static_cast<off_t>(offset + done));
      if (put < 0 && errno == EINTR) continue;
      if (put <= 0) {
        return Error{ExitCode::world, fmt::format("{} '{}' cannot be written at byte {} ({}).",
                                                  overlay_ ? "The overlay of disk image" : "Disk image", path_,
                                                  offset + done, std::strerror(errno))};
      }
      done += static_cast<std::size_t>(put);
    }
    return success();
  });
}

}  // namespace lockstitch::world

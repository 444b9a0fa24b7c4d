// See image_file.h.
#include "vmm/world/image_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>

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

}  // namespace

Result<ImageFile> open_image_file(const std::string& path, BlockMode mode) {
  ImageFile image;
  image.file = Descriptor(::open(path.c_str(), (mode == BlockMode::read_write ? O_RDWR : O_RDONLY) | O_CLOEXEC));
  if (!image.file) return cannot_open(path, mode);
  struct stat info {};
  if (::fstat(image.file.get(), &info) != 0 || !(S_ISREG(info.st_mode) || S_ISBLK(info.st_mode))) {
    return Error{ExitCode::bad_input, fmt::format("The disk image '{}' is neither a file nor a block device.", path)};
  }
  const off_t end = ::lseek(image.file.get(), 0, SEEK_END);
  if (end <= 0) return Error{ExitCode::bad_input, fmt::format("The disk image '{}' is empty.", path)};
  image.bytes = static_cast<std::uint64_t>(end);
  return image;
}

Outcome lock_image_file(const ImageFile& image, const std::string& path, BlockMode mode) {
  while (::flock(image.file.get(), (mode == BlockMode::read_write ? LOCK_EX : LOCK_SH) | LOCK_NB) != 0) {
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

}  // namespace lockstitch::world

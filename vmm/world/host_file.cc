// See host_file.h.
#include "vmm/world/host_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "vmm/world/descriptor.h"

namespace lockstitch::world {

namespace {

Error cannot_open(std::string_view what, const std::string& path) {
  switch (errno) {
    case ENOENT:
    case ENOTDIR:
      return {ExitCode::missing_input, fmt::format("{} '{}' does not exist; check the path.", what, path)};
    case EACCES:
      return {ExitCode::missing_input,
              fmt::format("{} '{}' may not be read by you; check its permissions.", what, path)};
    default:
      return {ExitCode::missing_input, fmt::format("{} '{}' cannot be opened ({}).", what, path, std::strerror(errno))};
  }
}

}  // namespace

Result<std::vector<std::uint8_t>> read_host_file(const std::string& path, std::size_t limit_bytes,
                                                 std::string_view what) {
  const Descriptor fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return cannot_open(what, path);
  struct stat info {};
  if (::fstat(fd.get(), &info) == 0 && S_ISDIR(info.st_mode)) {
    return Error{ExitCode::bad_input, fmt::format("{} '{}' is a directory, not a file.", what, path)};
  }
  // The size is only a hint: pipes have none, and a file may grow.
  std::vector<std::uint8_t> contents;
  std::size_t used = 0;
  std::size_t piece = std::min(static_cast<std::size_t>(std::max<off_t>(info.st_size, 0)), limit_bytes) + 1;
  for (;;) {
    contents.resize(used + piece);
    const ssize_t got = ::read(fd.get(), contents.data() + used, piece);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) {
      return Error{ExitCode::missing_input,
                   fmt::format("{} '{}' cannot be read ({}).", what, path, std::strerror(errno))};
    }
    if (got == 0) break;
    used += static_cast<std::size_t>(got);
    if (used > limit_bytes) {
      return Error{ExitCode::bad_input, fmt::format("{} '{}' is larger than {} bytes, the most that is allowed here.",
                                                    what, path, limit_bytes)};
    }
    piece = 64 << 10;
  }
  contents.resize(used);
  return contents;
}

Outcome replace_host_file(const std::string& path, std::span<const std::uint8_t> contents, std::string_view what) {
  const std::string part = path + ".part-" + std::to_string(::getpid());
  const auto failed = [&] {
    const Error error{ExitCode::unavailable,
                      fmt::format("{} '{}' cannot be written ({}).", what, path, std::strerror(errno))};
    ::unlink(part.c_str());
    return error;
  };
  const Descriptor fd(::open(part.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
  if (!fd) return failed();
  while (!contents.empty()) {
    const ssize_t done = ::write(fd.get(), contents.data(), contents.size());
    if (done < 0 && errno == EINTR) continue;
    if (done < 0) return failed();
    contents = contents.subspan(static_cast<std::size_t>(done));
  }
  if (::fsync(fd.get()) != 0 || ::rename(part.c_str(), path.c_str()) != 0) return failed();
  return success();
}

}  // namespace lockstitch::world

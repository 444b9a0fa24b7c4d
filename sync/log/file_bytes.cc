// See file_bytes.h.
#include "sync/log/file_bytes.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

namespace lockstitch::sync {

bool write_all(int fd, Bytes bytes) {
  while (!bytes.empty()) {
    const ssize_t put = ::write(fd, bytes.data(), bytes.size());
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return false;
    bytes = bytes.subspan(static_cast<std::size_t>(put));
  }
  return true;
}

Result<std::vector<std::uint8_t>> read_file_whole(const std::string& path, std::size_t limit_bytes,
                                                  std::string_view what) {
  const FileHandle file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) {
    const char* cure = errno == ENOENT || errno == ENOTDIR ? "check the path" : "check its permissions";
    return Error{ExitCode::missing_input,
                 fmt::format("{}, '{}', cannot be opened ({}); {}.", what, path, std::strerror(errno), cure)};
  }
  struct stat info {};
  if (::fstat(file.get(), &info) != 0 || !S_ISREG(info.st_mode)) {
    return Error{ExitCode::bad_input, fmt::format("{}, '{}', is not a file.", what, path)};
  }
  if (static_cast<std::uint64_t>(info.st_size) > limit_bytes) {
    return Error{ExitCode::bad_input, fmt::format("{}, '{}', has {} bytes, more than any real one ({}): it is damaged.",
                                                  what, path, info.st_size, limit_bytes)};
  }
  std::vector<std::uint8_t> bytes(static_cast<std::size_t>(info.st_size));
  std::size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t got = ::read(file.get(), bytes.data() + done, bytes.size() - done);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) {
      return Error{ExitCode::world,
                   fmt::format("{}, '{}', cannot be read at byte {} ({}).", what, path, done, std::strerror(errno))};
    }
    if (got == 0) break;
    done += static_cast<std::size_t>(got);
  }
  bytes.resize(done);
  return bytes;
}

Outcome write_file_whole(const std::string& path, Bytes bytes, std::string_view what) {
  const std::string temporary = path + ".tmp";
  const auto failed = [&]() -> Outcome {
    const Error error{ExitCode::world, fmt::format("{}, '{}', cannot be written ({}); make room or name another place.",
                                                   what, path, std::strerror(errno))};
    ::unlink(temporary.c_str());
    return error;
  };
  const FileHandle file(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
  if (!file || !write_all(file.get(), bytes) || ::fsync(file.get()) != 0) return failed();
  if (std::rename(temporary.c_str(), path.c_str()) != 0) return failed();
  return success();
}

}  // namespace lockstitch::sync

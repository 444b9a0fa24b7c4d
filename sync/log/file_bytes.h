// Files of a trace as bytes: whole reads and writes, and descriptors that close themselves.
#pragma once
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lockstitch/result.h"
#include "lockstitch/types.h"

namespace lockstitch::sync {

/// A file descriptor, closed at the end.
class FileHandle {
 public:
  FileHandle() = default;
  explicit FileHandle(int fd) : fd_(fd) {}
  FileHandle(FileHandle&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  FileHandle& operator=(FileHandle&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~FileHandle() {
    if (fd_ >= 0) ::close(fd_);
  }

  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }

 private:
  int fd_ = -1;
};

/// Writes all. False: errno says why, and some bytes may be written.
bool write_all(int fd, Bytes bytes);

/// `what` opens the sentence on failure, e.g. "The header of the trace". Fails: missing, unreadable, above
/// `limit_bytes`.
Result<std::vector<std::uint8_t>> read_file_whole(const std::string& path, std::size_t limit_bytes,
                                                  std::string_view what);

/// Under a temporary name, then renamed, durable. Fails: unwritable; what was there before is still there.
Outcome write_file_whole(const std::string& path, Bytes bytes, std::string_view what);

}  // namespace lockstitch::sync

// See durable_file.h.
#include "sync/peer/durable_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/random.h>

#include <cerrno>
#include <cstdint>

namespace lockstitch::sync {

bool write_new_file(const std::string& path, std::string_view text, unsigned mode) {
  const FileHandle file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode));
  if (!file) return false;
  const Bytes bytes(reinterpret_cast<const std::uint8_t*>(text.data()), text.size());
  if (write_all(file.get(), bytes) && ::fsync(file.get()) == 0) return true;
  const int why = errno;
  ::unlink(path.c_str());
  errno = why;
  return false;
}

bool flush_folder(const std::string& path) {
  const FileHandle folder(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  return folder && ::fsync(folder.get()) == 0;
}

std::string folder_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

std::string fresh_suffix() {
  std::uint64_t number = 0;
  while (::getrandom(&number, sizeof number, 0) != sizeof number) {
  }
  return fmt::format("{:016x}", number);
}

}  // namespace lockstitch::sync

// See output_file.h.
#include "vmm/app/output_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace lockstitch::app {

Result<OutputFile> OutputFile::create(const std::string& path, std::string_view what) {
  return open(path, what, O_TRUNC);
}

Result<OutputFile> OutputFile::append(const std::string& path, std::string_view what) {
  return open(path, what, O_APPEND);
}

Result<OutputFile> OutputFile::open(const std::string& path, std::string_view what, int how) {
  world::Descriptor file(::open(path.c_str(), O_WRONLY | O_CREAT | how | O_CLOEXEC, 0644));
  if (!file) {
    return Error{ExitCode::unavailable,
                 fmt::format("{} '{}' cannot be written ({}); name another file", what, path, std::strerror(errno))};
  }
  return OutputFile(std::move(file), path, what);
}

Outcome OutputFile::write(std::string_view text) {
  while (!text.empty() && !broken_) {
    const ssize_t taken = ::write(file_.get(), text.data(), text.size());
    if (taken < 0 && errno == EINTR) continue;
    if (taken <= 0) {
      broken_ = true;
      return Error{ExitCode::world,
                   fmt::format("{} '{}' is incomplete: it takes no more ({})", what_, path_, std::strerror(errno))};
    }
    text.remove_prefix(static_cast<std::size_t>(taken));
  }
  return success();
}

}  // namespace lockstitch::app

// See positioned_io.h.
#include "vmm/world/positioned_io.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>

namespace lockstitch::world {

Outcome read_at(const Descriptor& file, std::uint64_t offset, MutableBytes out, std::string_view what,
                const std::string& path) {
  for (std::size_t done = 0; done < out.size();) {
    const ssize_t got = ::pread(file.get(), out.data() + done, out.size() - done, static_cast<off_t>(offset + done));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) {
      return Error{ExitCode::world, fmt::format("{} '{}' cannot be read at byte {} ({}).", what, path, offset + done,
                                                got < 0 ? std::strerror(errno) : "the file became shorter")};
    }
    done += static_cast<std::size_t>(got);
  }
  return success();
}

Outcome write_at(const Descriptor& file, std::uint64_t offset, Bytes in, std::string_view what,
                 const std::string& path) {
  for (std::size_t done = 0; done < in.size();) {
    const ssize_t put = ::pwrite(file.get(), in.data() + done, in.size() - done, static_cast<off_t>(offset + done));
    if (put < 0 && errno == EINTR) continue;
    if (put <= 0) {
      return Error{ExitCode::world, fmt::format("{} '{}' cannot be written at byte {} ({}).", what, path, offset + done,
                                                std::strerror(errno))};
    }
    done += static_cast<std::size_t>(put);
  }
  return success();
}

}  // namespace lockstitch::world

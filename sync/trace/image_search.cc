// See image_search.h.
#include "sync/trace/image_search.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>

namespace lockstitch::sync {
namespace {

struct Candidate {
  std::string path;
  std::string format;
};

std::vector<Candidate> candidates(const TraceFolder& folder, const ImageReference& image,
                                  const std::vector<std::string>& search) {
  std::vector<Candidate> all{{folder.image(image.hash), ""}};
  const auto add = [&](const std::string& path, const std::string& format) {
    const auto same = [&](const Candidate& each) { return each.path == path; };
    if (std::find_if(all.begin(), all.end(), same) == all.end()) all.push_back({path, format});
  };
  if (!image.path.empty()) add(image.path, image.format);
  const std::string name = image.path.substr(image.path.rfind('/') + 1);
  for (const std::string& place : search) {
    if (!name.empty()) add(fmt::format("{}/{}", place, name), image.format);
    add(fmt::format("{}/{}", place, to_text(image.hash)), "");
  }
  return all;
}

Error not_readable(const std::string& path) {
  return {ExitCode::missing_input,
          fmt::format("The file '{}' cannot be looked at ({}); check the permissions of the folders above it.", path,
                      std::strerror(errno))};
}

void append(std::string& list, const std::string& item) {
  if (!list.empty()) list += ", ";
  list += item;
}

}  // namespace

Result<FoundImage> search_image(const TraceFolder& folder, const ImageReference& image,
                                const std::vector<std::string>& search) {
  std::string changed;
  std::optional<Error> unreadable;
  for (const auto& [path, format] : candidates(folder, image, search)) {
    struct stat info {};
    if (::stat(path.c_str(), &info) != 0) {
      if (errno != ENOENT && errno != ENOTDIR && !unreadable) unreadable = not_readable(path);
      continue;
    }
    if (format.empty() && S_ISREG(info.st_mode) && static_cast<std::uint64_t>(info.st_size) != image.bytes) {
      append(changed, fmt::format("'{}' has {} bytes and had {}", path, info.st_size, image.bytes));
      continue;
    }
    auto source = folder.open_image(path, format);
    auto scan = source.ok() ? scan_image(*source.value()) : Result<ImageScan>(source.error());
    if (!scan.ok()) {
      if (!unreadable) unreadable = scan.error();
    } else if (scan.value().identity == ImageIdentity{image.bytes, image.hash}) {
      return FoundImage{path, format, std::move(scan).value()};
    } else {
      append(changed, fmt::format("'{}' has other contents", path));
    }
  }
  if (!changed.empty()) {
    return Error{ExitCode::bad_input,
                 fmt::format("The {} of the trace has changed since the recording: {}; name the folder of the original "
                             "with --images, and pack the next trace at once.",
                             image.role, changed)};
  }
  if (unreadable) return *unreadable;
  return Error{ExitCode::missing_input,
               fmt::format("The {} of the trace, '{}', is gone{}; name the folder where it is now with --images.",
                           image.role, image.path, search.empty() ? "" : " and not in the folders named")};
}

}  // namespace lockstitch::sync

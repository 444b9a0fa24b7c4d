// See fresh_folder.h.
#include "sync/trace/fresh_folder.h"

#include <dirent.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <optional>
#include <string_view>

#include "sync/trace/layout.h"

namespace lockstitch::sync {
namespace {

struct CloseFolder {
  void operator()(DIR* folder) const { ::closedir(folder); }
};

/// Something that lies in the folder, "" if nothing does. Nothing: errno says why it cannot be told.
std::optional<std::string> any_entry(const std::string& path) {
  const std::unique_ptr<DIR, CloseFolder> folder(::opendir(path.c_str()));
  if (!folder) return std::nullopt;
  for (;;) {
    errno = 0;
    const dirent* entry = ::readdir(folder.get());
    if (entry == nullptr) return errno == 0 ? std::optional<std::string>("") : std::nullopt;
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") return std::string(name);
  }
}

Error cannot_make(const std::string& path) {
  switch (errno) {
    case ENOENT:
      return {ExitCode::missing_input,
              fmt::format("The folder '{}' cannot be made, because the one above it does not exist; make that first.",
                          path)};
    case ENOTDIR:
      return {ExitCode::bad_input, fmt::format("The folder '{}' cannot be made, because there is a file on the way to "
                                               "it; name another folder.",
                                               path)};
    case EACCES:
    case EPERM:
    case EROFS:
      return {ExitCode::unavailable,
              fmt::format("The folder '{}' may not be made or used by you ({}); name another one.", path,
                          std::strerror(errno))};
    default:
      return {ExitCode::world, fmt::format("The folder '{}' cannot be made ({}); make room or name another one.", path,
                                           std::strerror(errno))};
  }
}

Error occupied(const std::string& path, const std::string& entry) {
  return {ExitCode::bad_input,
          fmt::format("The folder '{}' already holds {}, and nothing is overwritten; name a new folder or empty this "
                      "one.",
                      path, entry == header_name ? "a trace" : fmt::format("something ('{}')", entry))};
}

}  // namespace

Result<FreshFolder> FreshFolder::make(const std::string& path) {
  FreshFolder fresh;
  if (::mkdir(path.c_str(), 0777) == 0) {
    fresh.folders_.push_back(path);
  } else {
    if (errno != EEXIST) return cannot_make(path);
    const auto entry = any_entry(path);
    if (!entry) return cannot_make(path);
    if (::access((path + "/" + std::string(header_name)).c_str(), F_OK) == 0) {
      return occupied(path, std::string(header_name));
    }
    if (!entry->empty()) return occupied(path, *entry);
  }
  for (const std::string_view name : {log_folder_name, checkpoints_folder_name, images_folder_name}) {
    const std::string folder = fmt::format("{}/{}", path, name);
    // Somebody else was faster: the folder is his.
    if (::mkdir(folder.c_str(), 0777) != 0)
      return errno == EEXIST ? occupied(path, std::string(name)) : cannot_make(folder);
    fresh.folders_.push_back(folder);
  }
  return fresh;
}

FreshFolder::~FreshFolder() {
  for (const std::string& file : files_) ::unlink(file.c_str());
  for (auto folder = folders_.rbegin(); folder != folders_.rend(); ++folder) ::rmdir(folder->c_str());
}

void FreshFolder::keep() {
  files_.clear();
  folders_.clear();
}

}  // namespace lockstitch::sync

// Where relative paths start: at the guest file's folder for those written in it, else at the current folder.
#pragma once
#include <filesystem>
#include <string>

namespace lockstitch::app {

class PathBase {
 public:
  PathBase() = default;
  static PathBase of_file(const std::string& file) {
    PathBase base;
    base.folder_ = std::filesystem::path(file).parent_path();
    return base;
  }
  std::string resolve(const std::string& path) const { return path.empty() ? path : (folder_ / path).string(); }

 private:
  std::filesystem::path folder_;
};

}  // namespace lockstitch::app

// A trace's folder in the making: it holds nothing of before, and if its maker gives up, nothing stays of what he put
// in.
#pragma once
#include <string>
#include <utility>
#include <vector>

#include "lockstitch/result.h"

namespace lockstitch::sync {

class FreshFolder {
 public:
  /// Makes the folder, or takes an empty one, and its subfolders. Fails: there is something in it, no permission, its
  /// parent is missing.
  static Result<FreshFolder> make(const std::string& path);

  FreshFolder(FreshFolder&& other) noexcept
      : files_(std::exchange(other.files_, {})), folders_(std::exchange(other.folders_, {})) {}
  FreshFolder& operator=(FreshFolder&&) = delete;
  /// Removes everything that was made.
  ~FreshFolder();

  /// A file that the maker is about to make, by its full path.
  void note_file(std::string path) { files_.push_back(std::move(path)); }
  /// It is complete: everything stays.
  void keep();

 private:
  FreshFolder() = default;

  std::vector<std::string> files_;
  std::vector<std::string> folders_;  ///< outermost first
};

}  // namespace lockstitch::sync

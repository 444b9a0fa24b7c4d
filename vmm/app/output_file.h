// A text file that the program writes for the person: a summary, digests. Made new at the start, so that a wrong path
// is noticed before the guest runs and not hours later.
#pragma once
#include <string>
#include <string_view>

#include "lockstitch/result.h"
#include "vmm/world/descriptor.h"

namespace lockstitch::app {

class OutputFile {
 public:
  /// `what` opens the sentence on failure, e.g. "The summary". Fails: no permission, no such folder, a folder.
  static Result<OutputFile> create(const std::string& path, std::string_view what);

  /// The same, behind what is there.
  static Result<OutputFile> append(const std::string& path, std::string_view what);

  /// Fails: no room, a reader that went away. After the first failure nothing is written any more.
  Outcome write(std::string_view text);
  int fd() const { return file_.get(); }

 private:
  static Result<OutputFile> open(const std::string& path, std::string_view what, int how);
  OutputFile(world::Descriptor file, std::string path, std::string_view what)
      : file_(std::move(file)), path_(std::move(path)), what_(what) {}

  world::Descriptor file_;
  std::string path_, what_;
  bool broken_ = false;
};

}  // namespace lockstitch::app

// The folder of a trace on disk: where its files lie, and where the contents of its images are found. What the files
// mean is sync/log's and sync/checkpoint's business.
//
//   trace.header   log/   checkpoints/   images/<hash>   and, while it is recorded, overlays and `control`
#pragma once
#include <string>
#include <vector>

#include "lockstitch/result.h"
#include "sync/log/header.h"
#include "sync/trace/piece_source.h"

namespace lockstitch::sync {

class TraceFolder {
 public:
  /// Names only; nothing is looked at.
  explicit TraceFolder(std::string path) : path_(std::move(path)) {}

  const std::string& path() const { return path_; }
  std::string header() const;
  std::string log() const;
  std::string checkpoints() const;
  std::string images() const;
  /// The socket through which a recording is spoken to.
  std::string control() const;
  std::string image(const Digest& hash) const;

  /// A new folder for a recording, with its subfolders; an empty one will do. Fails: there is something in it (all of
  /// which stays), no permission, its parent is missing.
  static Result<TraceFolder> create(const std::string& path);

  /// The file that holds what the image held: in images/, else where it was, else in one of the folders `search` under
  /// its old name or its hash. Every candidate is read and compared. Fails: found nowhere, or changed since.
  Result<std::string> find_image(const ImageReference& image, const std::vector<std::string>& search) const;

  /// The same image with the path and the format that it has now.
  Result<ImageReference> locate_image(const ImageReference& image, const std::vector<std::string>& search) const;

  /// What reads images of other formats than raw; without it they are refused.
  void read_formats_with(OpenFormat open) { open_format_ = std::move(open); }
  /// `format`: as in the header. Fails: missing, unreadable, not of that format.
  Result<std::unique_ptr<PieceSource>> open_image(const std::string& path, const std::string& format) const;

  /// Keeps the image's file in images/ by a hard link, if that is possible: a file that is replaced by renaming, as
  /// packages do, then stays. It is no copy; a file that is written to changes in both places, and find_image says so.
  void keep_link(const ImageReference& image) const;

 private:
  std::string path_;
  OpenFormat open_format_;
};

}  // namespace lockstitch::sync

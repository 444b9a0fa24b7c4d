// A file or block device of the host, read from beginning to end in the pieces of image_hash.h. Holes of a sparse file
// are told without being read. By read() and not by mmap(): a file that is cut off meanwhile is then an error and no
// signal.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "lockstitch/result.h"
#include "lockstitch/types.h"
#include "sync/log/file_bytes.h"
#include "sync/trace/piece_source.h"

namespace lockstitch::sync {

class PieceReader final : public PieceSource {
 public:
  /// Fails: missing, no permission, a folder or another thing without contents.
  static Result<PieceReader> open(const std::string& path);

  std::uint64_t bytes() const override { return bytes_; }
  Result<Piece> next() override;

 private:
  PieceReader(std::string path, FileHandle file) : path_(std::move(path)), file_(std::move(file)) {}

  bool in_hole(std::uint64_t end);
  Error changing() const;

  std::string path_;
  FileHandle file_;
  bool can_have_holes_ = false;
  std::uint64_t bytes_ = 0;
  std::uint64_t position_ = 0;
  std::uint64_t data_begin_ = 0, data_end_ = 0;  ///< the last stretch that is stored, as the file system told it
  std::vector<std::uint8_t> buffer_;
};

}  // namespace lockstitch::sync

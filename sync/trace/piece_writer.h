// A new file, written from beginning to end: blocks of zeros become holes, and the contents are hashed on the way as an
// image is (image_hash.h).
#pragma once
#include <cstdint>
#include <vector>

#include "lockstitch/types.h"
#include "sync/trace/image_hash.h"

namespace lockstitch::sync {

class PieceWriter {
 public:
  /// `fd` is an empty file and stays the caller's.
  explicit PieceWriter(int fd) : fd_(fd), buffer_(image_piece_bytes) {}

  std::uint64_t position() const { return position_ + used_; }

  /// Range: `offset` at or behind position(); zeros in between. False: errno says why.
  bool put(std::uint64_t offset, Bytes bytes);
  /// Zeros up to `bytes`, then the end of the file.
  bool finish(std::uint64_t bytes);

  ImageIdentity identity() const { return hash_.identity(); }

 private:
  bool zeros_until(std::uint64_t offset);
  bool flush();

  int fd_;
  ImageHash hash_;
  std::vector<std::uint8_t> buffer_;
  std::size_t used_ = 0;
  std::uint64_t position_ = 0;  ///< of the buffer's first byte
};

}  // namespace lockstitch::sync

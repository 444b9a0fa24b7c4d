// Where the contents of an image come from, from beginning to end in the pieces of image_hash.h: a file of the host
// (piece_reader.h), or the disk in an image of another format than raw, which is the application's business.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "lockstitch/result.h"
#include "lockstitch/types.h"

namespace lockstitch::sync {

struct Piece {
  Bytes contents;     ///< until the next call; empty at the end
  bool hole = false;  ///< a whole piece of zeros that is not even stored
};

class PieceSource {
 public:
  virtual ~PieceSource() = default;
  virtual std::uint64_t bytes() const = 0;
  /// Fails: unreadable, or the size changes meanwhile.
  virtual Result<Piece> next() = 0;
};

/// Opens the disk in an image: its path, and its format as in the header of a trace.
using OpenFormat = std::function<Result<std::unique_ptr<PieceSource>>(const std::string&, const std::string&)>;

}  // namespace lockstitch::sync

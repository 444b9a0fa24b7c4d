// See image.h.
#include "sync/trace/image.h"

#include <algorithm>

#include "sync/trace/piece_reader.h"

namespace lockstitch::sync {

Result<ImageIdentity> identify_image(const std::string& path) {
  auto scan = scan_image(path);
  if (!scan.ok()) return scan.error();
  return scan.value().identity;
}

ImageIdentity identify_image(Bytes contents) {
  ImageHash hash;
  while (!contents.empty()) {
    const Bytes piece = contents.first(std::min(contents.size(), image_piece_bytes));
    hash.add(piece);
    contents = contents.subspan(piece.size());
  }
  return hash.identity();
}

Result<ImageScan> scan_image(const std::string& path) {
  auto reader = PieceReader::open(path);
  if (!reader.ok()) return reader.error();
  return scan_image(reader.value());
}

Result<ImageScan> scan_image(PieceSource& source) {
  ImageScan scan;
  ImageHash hash;
  for (std::uint64_t offset = 0;;) {
    const auto piece = source.next();
    if (!piece.ok()) return piece.error();
    const std::size_t bytes = piece.value().contents.size();
    if (bytes == 0) break;
    bool zeros = piece.value().hole;
    if (zeros) {
      hash.add_zeros();
    } else {
      zeros = hash.add(piece.value().contents);
    }
    if (!zeros && !scan.data.empty() && scan.data.back().offset + scan.data.back().bytes == offset) {
      scan.data.back().bytes += bytes;
    } else if (!zeros) {
      scan.data.push_back({offset, bytes});
    }
    offset += bytes;
  }
  scan.identity = hash.identity();
  return scan;
}

}  // namespace lockstitch::sync

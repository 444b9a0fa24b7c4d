// Images: the files of the host that a machine starts from (kernel, initrd, disks), named by what they hold.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "lockstitch/result.h"
#include "lockstitch/types.h"
#include "sync/trace/image_hash.h"
#include "sync/trace/piece_source.h"

namespace lockstitch::sync {

/// Of a file or block device; a sparse file and its full copy are the same. Fails: missing, unreadable, a folder,
/// changes its size meanwhile.
Result<ImageIdentity> identify_image(const std::string& path);
/// The same over memory.
ImageIdentity identify_image(Bytes contents);

struct ByteRange {
  std::uint64_t offset = 0;
  std::uint64_t bytes = 0;
};

struct ImageScan {
  ImageIdentity identity;
  /// Where the image is not zero, in whole pieces (the last as long as it is), ascending and apart. A function of the
  /// contents alone, not of how the file system stores them.
  std::vector<ByteRange> data;
};

/// As identify_image, and what of it matters.
Result<ImageScan> scan_image(const std::string& path);
/// The same of all that comes from `source`.
Result<ImageScan> scan_image(PieceSource& source);

}  // namespace lockstitch::sync

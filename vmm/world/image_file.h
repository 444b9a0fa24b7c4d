// The file or block device of a disk image, opened and locked for us. What its bytes mean is image_format.h's business.
#pragma once
#include <cstdint>
#include <string>

#include "lockstitch/result.h"
#include "vmm/world/descriptor.h"

namespace lockstitch::world {

enum class BlockMode : std::uint8_t {
  read_write,  ///< one process at a time
  read_only,   ///< any number at a time, none that writes
  overlay,     ///< the image as in read_only; writes go to an unlinked file
};

struct ImageFile {
  Descriptor file;
  std::uint64_t bytes = 0;
};

/// Not locked. Fails: missing, no permission, neither file nor block device, empty.
Result<ImageFile> open_image_file(const std::string& path, BlockMode mode);

/// As long as the descriptor is open. Fails: locked by another Lockstitch in a way that does not go with `mode`.
Outcome lock_image_file(const ImageFile& image, const std::string& path, BlockMode mode);

}  // namespace lockstitch::world

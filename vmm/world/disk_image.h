// A disk image of any format, opened as what it is.
#pragma once
#include <memory>
#include <optional>
#include <string>

#include "lockstitch/block.h"
#include "lockstitch/result.h"
#include "vmm/world/image_format.h"
#include "vmm/world/world_trouble.h"

namespace lockstitch::world {

/// `format`: nothing: by its contents (image_format.h). `overlay_folder`: as of BlockFile. Fails: as choose_format, and
/// BlockFile or NbdDisk.
Result<std::unique_ptr<BlockPort>> open_disk_image(const std::string& path, std::optional<ImageFormat> format,
                                                   BlockMode mode, WorldTrouble& trouble,
                                                   const std::string& overlay_folder = "");

/// What the image would be opened as. Fails: as choose_format, or cannot be read.
Result<ImageFormat> format_of_image(const std::string& path, std::optional<ImageFormat> given);

}  // namespace lockstitch::world

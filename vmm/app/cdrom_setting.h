// `--cdrom`: an ISO image, looked at before a guest relies on it.
#pragma once
#include <memory>
#include <string>

#include "lockstitch/result.h"
#include "vmm/world/block_file.h"
#include "vmm/world/world_trouble.h"

namespace lockstitch::app {

/// Read-only. Its size is a multiple of 2048 bytes, and it begins as ISO 9660 or UDF says. Fails: as BlockFile::open,
/// no ISO image, shorter than it says of itself.
Result<std::unique_ptr<world::BlockFile>> open_cdrom(const std::string& path, world::WorldTrouble& trouble);

}  // namespace lockstitch::app

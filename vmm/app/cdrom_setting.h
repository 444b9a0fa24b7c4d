// The media of the CD-ROM drive: ISO images, looked at before a guest is started with them.
#pragma once
#include <memory>
#include <string>

#include "lockstitch/result.h"
#include "vmm/world/block_file.h"

namespace lockstitch::app {

/// Fails: what BlockFile says; a size that is no whole number of 2048-byte blocks; no CD; a copy that lacks its end.
Result<std::unique_ptr<world::BlockFile>> open_cdrom(const std::string& path, world::WorldTrouble& trouble);

}  // namespace lockstitch::app

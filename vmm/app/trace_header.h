// Between a person's settings and the header of a trace: what of a machine has to be written down so that it can be
// made again, and whether this program can.
#pragma once
#include <vector>

#include "lockstitch/result.h"
#include "sync/log/header.h"
#include "vmm/app/board.h"
#include "vmm/app/settings.h"

namespace lockstitch::app {

/// The settings' defaults must be filled in. `images`: of kernel, initrd and disks.
sync::Header describe(const Settings& settings, Board& board, std::vector<sync::ImageReference> images);

/// The same machine again, with the images' recorded paths; nothing of the world: no network, no consoles.
Settings settings_of(const sync::Header& header);

/// Fails: another board, processor model or engine than this program offers.
Outcome check_replayable(const sync::Header& header);

/// Whose processor executes floating point here. Another one may round approximating instructions differently.
std::string numeric_mode();

}  // namespace lockstitch::app

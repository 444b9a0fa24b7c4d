// A machine with its disks as a checkpoint sees it: taken between two passes of the loop, and put back into a machine
// that was just made.
#pragma once
#include <memory>
#include <optional>
#include <vector>

#include "lockstitch/divergence.h"
#include "lockstitch/result.h"
#include "sync/checkpoint/checkpoint_file.h"
#include "sync/checkpoint/snapshot.h"
#include "sync/checkpoint/written_disk.h"
#include "vmm/machine/machine.h"

namespace lockstitch::app {

/// In the order of the board.
using WrittenDisks = std::vector<std::unique_ptr<sync::WrittenDisk>>;

/// RAM first, then the disks.
std::vector<sync::RegionShape> region_shapes(Machine& machine, const WrittenDisks& disks);

/// What changed since the last one; of a new machine all that differs from zeros and from the images.
sync::Snapshot take_snapshot(Machine& machine, const WrittenDisks& disks);

/// Range: a machine with the same board, disks that hold their images. Fails: another board, damage, or the machine is
/// not what it was when the checkpoint was taken; it must then not be used.
Outcome restore_snapshot(Machine& machine, const WrittenDisks& disks, const sync::CheckpointFile& checkpoint);

/// The first byte, field or disk cluster in which the machine is not what the checkpoint says; nothing when it is.
Result<std::optional<Divergence>> compare_snapshot(Machine& machine, const WrittenDisks& disks,
                                                   const sync::CheckpointFile& checkpoint);

}  // namespace lockstitch::app

// The files that a machine starts from, with the roles by which a trace and the two replicas of a pair know them.
#pragma once
#include <string>
#include <vector>

#include "vmm/app/settings.h"

namespace lockstitch::app {

struct ImageFile {
  std::string role;  ///< "kernel", "disk0", "cdrom1", ...
  std::string path;
  bool written = false;  ///< the guest writes there, so what it holds at first does not name the machine
};

/// UEFI brings its own drivers; BIOS needs the card's ROM.
bool boots_from_network(const Settings& settings, const PcModel& pc);

std::vector<ImageFile> image_files(const Settings& settings);

}  // namespace lockstitch::app

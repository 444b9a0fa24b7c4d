// The files that a machine starts from, with the roles by which a trace and the two replicas of a pair know them.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "lockstitch/result.h"
#include "vmm/app/settings.h"
#include "vmm/world/image_format.h"

namespace lockstitch::app {

struct ImageFile {
  std::string role;  ///< "kernel", "disk0", "cdrom1", ...
  std::string path;
  bool written = false;  ///< the guest writes there, so what it holds at first does not name the machine
  bool disk = false;
  std::optional<world::ImageFormat> format{};  ///< of a disk, as the person said; nothing: by its contents
};

/// UEFI brings its own drivers; BIOS needs the card's ROM.
bool boots_from_network(const Settings& settings, const PcModel& pc);

std::vector<ImageFile> image_files(const Settings& settings);

/// As a trace's header has it; empty: raw. Fails: as world::choose_format.
Result<std::string> format_name(const ImageFile& file);

}  // namespace lockstitch::app

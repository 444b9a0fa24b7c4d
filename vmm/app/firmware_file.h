// Images of firmware, read and looked at before a guest is started with them.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "lockstitch/result.h"

namespace lockstitch::app {

/// Range: `role` as in image_files.h: "firmware", "uefi-variables", "vga-rom", "network-rom". Fails: missing, with the
/// name of Debian's package; of an impossible size; variables that are none.
Result<std::vector<std::uint8_t>> read_firmware_file(const std::string& path, const std::string& role);

}  // namespace lockstitch::app

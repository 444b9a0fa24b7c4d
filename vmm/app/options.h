// The flags of `lockstitch run` and `lockstitch record`, and with the guest file that they may name all settings.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "lockstitch/result.h"
#include "vmm/app/mode.h"
#include "vmm/app/settings.h"

namespace lockstitch::app {

/// The guest file first, then the flags over it; a --disk replaces all disks of the guest file. Nothing: help is
/// wanted. Range: mode run or record.
Result<std::optional<Settings>> read_options(Mode mode, const std::vector<std::string>& arguments);

/// What `--help` prints.
std::string options_help(Mode mode);

}  // namespace lockstitch::app

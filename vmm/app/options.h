// The flags of `lockstitch run`, and with the guest file that they may name all settings of a run.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "lockstitch/result.h"
#include "vmm/app/settings.h"

namespace lockstitch::app {

/// The guest file first, then the flags over it; a --disk replaces all disks of the guest file. Nothing: help is
/// wanted.
Result<std::optional<Settings>> read_options(const std::vector<std::string>& arguments);

/// What `lockstitch run --help` prints.
std::string run_help();

}  // namespace lockstitch::app

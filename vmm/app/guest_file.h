// A guest file: TOML with the settings of setting_table.h. docs/GUEST_FILE.md describes it for people.
#pragma once
#include <string>

#include "lockstitch/result.h"
#include "vmm/app/settings.h"

namespace lockstitch::app {

/// Relative paths in it start at its folder. Fails: missing, no TOML, an unknown key, a value of the wrong type or out
/// of range; the sentence begins with file and line.
Result<Settings> read_guest_file(const std::string& path);

}  // namespace lockstitch::app

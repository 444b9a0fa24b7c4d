// Words that must not reach the repository: promises for "now", and paths of somebody's machine.
#pragma once
#include "tests/tidy/house_rules/finding.h"
#include "tests/tidy/house_rules/source_tree.h"

namespace lockstitch::tidy {

Findings check_open_promises(const SourceFile& file);
Findings check_machine_paths(const SourceFile& file);

}  // namespace lockstitch::tidy

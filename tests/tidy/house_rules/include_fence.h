// Who may include whom (docs/ARCHITECTURE.md, Layout), and what the deterministic core may not use at all: laws 1
// and 3. CMake refuses unlisted libraries; this reads the source, where a header is enough to break a law.
#pragma once
#include "tests/tidy/house_rules/finding.h"
#include "tests/tidy/house_rules/source_tree.h"

namespace lockstitch::tidy {

Findings check_includes(const SourceFile& file);
/// Host clocks, randomness, unordered containers and floats by name, in devices/ and vmm/machine/.
Findings check_core_words(const SourceFile& file);

}  // namespace lockstitch::tidy

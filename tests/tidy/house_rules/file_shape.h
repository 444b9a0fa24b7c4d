// What a file looks like from outside: its length, first line, guard, name, and the facts a test guest states about
// itself.
#pragma once
#include "tests/tidy/house_rules/finding.h"
#include "tests/tidy/house_rules/source_tree.h"

namespace lockstitch::tidy {

Findings check_length(const SourceFile& file);
Findings check_opening_comment(const SourceFile& file);
Findings check_pragma_once(const SourceFile& file);
Findings check_file_name(const SourceFile& file);
Findings check_guest_header(const SourceFile& file);

}  // namespace lockstitch::tidy

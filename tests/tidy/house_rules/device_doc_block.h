// Every device says above its class what it models, what it leaves out and what crosses its border, in eight labelled
// lines in a fixed order, so that docs/DEVICES.md and readers find them.
#pragma once
#include <string>
#include <vector>

#include "tests/tidy/house_rules/finding.h"
#include "tests/tidy/house_rules/source_tree.h"

namespace lockstitch::tidy {

/// All headers of devices/ together: a device may derive from Device by way of a base in another file. A class from
/// which others derive is a base and no device.
Findings check_device_doc_blocks(const std::vector<SourceFile>& tree);
/// Names of the classes that the check looked at, so that a test can see that it looked.
std::vector<std::string> device_classes(const std::vector<SourceFile>& tree);

}  // namespace lockstitch::tidy

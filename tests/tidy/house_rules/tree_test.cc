// Every lint over every file of the repository. docs/TESTING.md and docs/ARCHITECTURE.md hold the rules in words.
#include <doctest/doctest.h>

#include "tests/tidy/house_rules/device_doc_block.h"
#include "tests/tidy/house_rules/file_shape.h"
#include "tests/tidy/house_rules/include_fence.h"
#include "tests/tidy/house_rules/wording.h"

using namespace lockstitch::tidy;

namespace {

const std::vector<SourceFile>& tree() {
  static const std::vector<SourceFile> files = read_tree(LOCKSTITCH_SOURCE_DIR);
  return files;
}

void report(const Findings& findings) {
  for (const Finding& finding : findings) FAIL_CHECK(finding);
}

void check_every_file(Findings (*lint)(const SourceFile&)) {
  REQUIRE(tree().size() > 300);  // else the lints looked at nothing
  for (const SourceFile& file : tree()) report(lint(file));
}

}  // namespace

TEST_CASE("every include stays inside its layer's fence") { check_every_file(check_includes); }
TEST_CASE("devices and machine name no floats, host time, randomness or unordered containers") {
  check_every_file(check_core_words);
}
TEST_CASE("every device has its doc-block") { report(check_device_doc_blocks(tree())); }
TEST_CASE("no source file is longer than 800 lines") { check_every_file(check_length); }
TEST_CASE("every source file opens with a comment") { check_every_file(check_opening_comment); }
TEST_CASE("every header has #pragma once") { check_every_file(check_pragma_once); }
TEST_CASE("every file name says something") { check_every_file(check_file_name); }
TEST_CASE("every test guest says how it must end") { check_every_file(check_guest_header); }
TEST_CASE("no open promises") { check_every_file(check_open_promises); }
TEST_CASE("no paths of one machine") { check_every_file(check_machine_paths); }

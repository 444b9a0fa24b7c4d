// Planted files of wrong shape.
#include "tests/tidy/house_rules/file_shape.h"

#include <doctest/doctest.h>

using namespace lockstitch::tidy;

TEST_CASE("a file of more than 800 lines is found") {
  std::string text;
  for (int i = 0; i < 800; ++i) text += "\n";
  CHECK(check_length(make_source("vmm/machine/machine.cc", text)).empty());
  const Findings findings = check_length(make_source("vmm/machine/machine.cc", text + "\n"));
  REQUIRE(findings.size() == 1);
  CHECK(findings[0].line == 801);
  CHECK(check_length(make_source("docs/LONG.md", text + "\n")).empty());
}

TEST_CASE("a file without an opening comment is found") {
  CHECK(check_opening_comment(make_source("a.cc", "// What it is.\nint x;\n")).empty());
  CHECK(check_opening_comment(make_source("a.cc", "#include <vector>\n")).size() == 1);
  CHECK(check_opening_comment(make_source("a.h", "//\n#pragma once\n")).size() == 1);
  CHECK(check_opening_comment(make_source("a.h", "")).size() == 1);
  CHECK(check_opening_comment(make_source("a.asm", "; What it is.\n")).empty());
  CHECK(check_opening_comment(make_source("a.asm", "%include \"lib.inc\"\n")).size() == 1);
  CHECK(check_opening_comment(make_source("notes.txt", "free\n")).empty());
}

TEST_CASE("a header without #pragma once is found") {
  CHECK(check_pragma_once(make_source("a.h", "// A.\n#pragma once\n")).empty());
  CHECK(check_pragma_once(make_source("a.h", "// A.\n// #pragma once\n")).size() == 1);
  CHECK(check_pragma_once(make_source("a.cc", "// A.\n")).empty());
}

TEST_CASE("names that say nothing are found") {
  for (const std::string path : {"vmm/app/string_util.h", "devices/common/a.h", "vmm/world/tap_manager.cc",
                                 "tests/unit/helper.h", "bench/Utils.py"}) {
    CAPTURE(path);
    CHECK(check_file_name(make_source(path, "")).size() == 1);
  }
  CHECK(check_file_name(make_source("vmm/app/utility_power.h", "")).empty());
  CHECK(check_file_name(make_source("vmm/app/RunCommand.cc", "")).size() == 1);
  CHECK(check_file_name(make_source("vmm/app/run-command.cc", "")).size() == 1);
  CHECK(check_file_name(make_source("docs/GUEST_FILE.md", "")).empty());
}

TEST_CASE("a guest that does not say how it ends is found") {
  CHECK(check_guest_header(make_source("firmware/guests/a.asm", "; A.\n; expect: exit 0\nmain:\n")).empty());
  CHECK(check_guest_header(make_source("firmware/guests/a.asm", "; A.\nmain:\n; expect: exit 0\n")).size() == 1);
  CHECK(check_guest_header(make_source("bench/guests/a.asm", "; A.\n")).size() == 1);
  CHECK(check_guest_header(make_source("firmware/guests/a.inc", "; A.\n")).empty());
}

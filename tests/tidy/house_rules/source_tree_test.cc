// Claims about what the lints read: all source files, and code apart from comments and literals.
#include "tests/tidy/house_rules/source_tree.h"

#include <doctest/doctest.h>

#include <algorithm>

using namespace lockstitch::tidy;

TEST_CASE("the walk finds this file and no build folder") {
  const auto tree = read_tree(LOCKSTITCH_SOURCE_DIR);
  const auto has = [&](std::string_view path) {
    return std::any_of(tree.begin(), tree.end(), [&](const SourceFile& f) { return f.path == path; });
  };
  CHECK(has("tests/tidy/house_rules/source_tree_test.cc"));
  CHECK(has("vmm/machine/machine.cc"));
  CHECK(has("scripts/test"));
  CHECK(
      std::none_of(tree.begin(), tree.end(), [](const SourceFile& f) { return f.below("build") || f.below(".git"); }));
  CHECK(tree.size() > 300);
}

TEST_CASE("comments and literals are not code") {
  const auto code =
      code_only(make_source("x.cc",
                            "int a; // float\n/* double\n double */ int b;\nauto s = \"float\\\" float\"; int c;\n"
                            "auto r = R\"(double\n double)\"; int d;\nint e = 10'000; char q = '\"'; int f;\n"));
  REQUIRE(code.size() == 7);
  for (const std::string& line : code) {
    CHECK(line.find("float") == std::string::npos);
    CHECK(line.find("double") == std::string::npos);
  }
  CHECK(code[0].starts_with("int a;"));
  CHECK(code[2].ends_with("int b;"));
  CHECK(code[3].ends_with("int c;"));
  CHECK(code[5].ends_with("int d;"));
  CHECK(code[6].ends_with("int f;"));
}

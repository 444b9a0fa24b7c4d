// Planted words, put together from pieces so that the lint over the repository does not find them here.
#include "tests/tidy/house_rules/wording.h"

#include <doctest/doctest.h>

using namespace lockstitch::tidy;

TEST_CASE("an open promise is found with its line") {
  const Findings findings = check_open_promises(make_source("a.cc",
                                                            "int x;\n// TODO"
                                                            "(now): y\n"));
  REQUIRE(findings.size() == 1);
  CHECK(findings[0].line == 2);
  CHECK(check_open_promises(make_source("a.cc",
                                        "// FIX"
                                        "ME\n"))
            .size() == 1);
  CHECK(check_open_promises(make_source("a.cc",
                                        "// XX"
                                        "X\n"))
            .size() == 1);
  CHECK(check_open_promises(make_source("a.sh",
                                        "mktemp run.XX"
                                        "XXXX\n"))
            .empty());
  CHECK(check_open_promises(make_source("a.cc", "// TODO: later\n")).empty());
}

TEST_CASE("a path of one machine is found, a guest's or a relative path is not") {
  for (const std::string path : {"/ho"
                                 "me/ann/x",
                                 "/wo"
                                 "rk/main",
                                 "/Us"
                                 "ers/ann",
                                 "/t"
                                 "mp/mine/x"}) {
    CAPTURE(path);
    CHECK(check_machine_paths(make_source("a.cc", "open(\"" + path + "\");\n")).size() == 1);
    CHECK(check_machine_paths(make_source("a.sh", "x=" + path + "\n")).size() == 1);
    CHECK(check_machine_paths(make_source("a.sh", "$root" + path + "\n")).empty());
  }
  CHECK(check_machine_paths(make_source("a.sh", "mount /dev/vda /root; cp a build/work/b; cd $x/home/y\n")).empty());
}

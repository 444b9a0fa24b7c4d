// What people get wrong with the commands of recordings: one sentence and the right exit code each.
#include <doctest/doctest.h>

#include "tests/e2e/cli/flat_guest.h"
#include "tests/e2e/four_way/four_way.h"

namespace lockstitch::test {

TEST_CASE("every bad use of record, replay, checkpoint, commit and trace gets one sentence and its exit code") {
  const TemporaryFolder folder;
  const std::string kernel = folder.file("kernel.bin", FlatGuest().print('?').exit(0).bytes());
  const std::string trace = folder.file("trace"), text = folder.file("text", {'h', 'i'});
  REQUIRE(run({"record", "--quiet", "-o", trace, "--kernel", kernel, "--flat", "--memory", "4M"}).exit_code == 0);
  REQUIRE(run({"checkpoint", trace, "--at", "3"}).exit_code == 0);
  const std::string checkpoint = trace + "/checkpoints/00000000000000000003.checkpoint";

  struct Case {
    int exit_code;
    std::vector<std::string> arguments;
    std::string says;
  };
  const std::vector<Case> cases{
      {64, {"record", "--kernel", kernel, "--flat"}, "-o DIR"},
      {64, {"record", "-o", folder.file("x"), "--kernel", kernel, "--disk", text + ",mode=rw"}, "commit"},
      {64, {"record", "-o", folder.file("x"), "--kernel", kernel, "--checkpoint-every", "often"}, "60s"},
      {65, {"record", "-o", trace, "--kernel", kernel, "--flat"}, trace},
      {66, {"record", "-o", folder.file("no/where"), "--kernel", kernel, "--flat"}, "no"},
      {64, {"replay"}, "trace"},
      {64, {"replay", trace, trace}, "one"},
      {64, {"replay", trace, "--form", "1"}, "--from"},
      {64, {"replay", trace, "--from", "99999999"}, "behind"},
      {64, {"replay", trace, "--to", "99999999"}, "ends at"},
      {64, {"replay", trace, "--to", "x"}, "--to"},
      {64, {"replay", trace, "--speed", "slow"}, "realtime"},
      {64, {"replay", trace, "--json", "--console"}, "--summary"},
      {65, {"replay", folder.path()}, "header"},
      {65, {"replay", text}, text},
      {66, {"replay", folder.file("nothing")}, "nothing"},
      {65, {"replay", trace, "--from", text}, "cut off"},
      {66, {"replay", trace, "--from", folder.file("nothing")}, "nothing"},
      {64, {"checkpoint"}, "trace"},
      {64, {"checkpoint", trace}, "--at"},
      {64, {"checkpoint", trace, "--at", "99999999"}, "ends at"},
      {64, {"commit"}, "trace"},
      {64, {"commit", text}, "folder"},
      {64, {"trace", "shwo", trace}, "show"},
      {64, {"trace", "diff", trace}, "2 traces"},
      {64, {"trace", "show", trace, "--from", "x"}, "--from"},
      {64, {"trace", "pack", trace}, "-o FILE"},
      {65, {"trace", "pack", trace, "-o", text}, "exists"},
      {65, {"trace", "unpack", text, "-o", folder.file("y")}, text},
      {66, {"run", "--from", folder.file("a/b/c")}, ""},
      {64, {"run", "--from", checkpoint, "--kernel", kernel}, "trace's"},
      {64, {"run", "--from", checkpoint, "--net", "user"}, "network"},
  };
  for (const Case& bad : cases) {
    std::string shown;
    for (const std::string& word : bad.arguments) shown += word + " ";
    CAPTURE(shown);
    const Outcome outcome = run(bad.arguments);
    CAPTURE(outcome.err);
    CHECK(outcome.exit_code == bad.exit_code);
    CHECK(outcome.err.starts_with("lockstitch: "));
    CHECK(std::count(outcome.err.begin(), outcome.err.end(), '\n') == 1);
    CHECK(outcome.err.find(bad.says) != std::string::npos);
  }
  CHECK(!std::filesystem::exists(folder.file("x")));
  CHECK(run({"trace", "verify", trace}).exit_code == 0);
}

}  // namespace lockstitch::test

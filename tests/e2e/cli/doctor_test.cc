// `lockstitch doctor` as a person and a script see it, with KVM and without.
#include <doctest/doctest.h>

#include <algorithm>

#include "tests/e2e/cli/program.h"

namespace lockstitch::test {

TEST_CASE("doctor ends well with or without KVM, and says which engine runs guests") {
  for (const std::vector<std::string>& where : {std::vector<std::string>{}, {"--kvm", "/nowhere/kvm"}}) {
    std::vector<std::string> arguments{"doctor"};
    arguments.insert(arguments.end(), where.begin(), where.end());
    const auto text = run(arguments);
    CHECK(text.exit_code == 0);
    CHECK(text.err.empty());
    CHECK(text.out.find("KVM\n") == 0);
    CHECK(text.out.find("record, protect, --gdb") != std::string::npos);
    arguments.push_back("--json");
    const auto json = nlohmann::json::parse(run(arguments).out);
    CHECK(json["engines"]["record"]["engine"] == "interp");
    for (const char* use : {"run", "boundary", "stepping", "counting"}) {
      CAPTURE(use);
      CHECK(!json["engines"][use]["why"].get<std::string>().empty());
      if (!where.empty()) CHECK(json["engines"][use]["engine"] != "kvm");
    }
    if (!where.empty()) CHECK(json["kvm"]["missing"].get<std::string>().find("There is no /nowhere/kvm") == 0);
  }
}

TEST_CASE("doctor refuses what it does not know in one sentence") {
  const auto ended = run({"doctor", "--jsn"});
  CHECK(ended.exit_code == 64);
  CHECK(std::count(ended.err.begin(), ended.err.end(), '\n') == 1);
}

}  // namespace lockstitch::test

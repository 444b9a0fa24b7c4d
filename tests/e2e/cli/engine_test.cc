// Choosing what executes the guest: without KVM, with it, and counting exits.
#include <doctest/doctest.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>

#include "tests/e2e/cli/flat_guest.h"
#include "tests/e2e/cli/program.h"

namespace lockstitch::test {

namespace {

std::vector<std::string> guest(const std::string& command, std::vector<std::string> more) {
  std::vector<std::string> arguments{
      command,    "--kernel", built_guest("pit_pic.elf"), "--memory", "16M", "--clock", "virtual", "--no-reboot",
      "--serial", "none"};
  arguments.insert(arguments.end(), more.begin(), more.end());
  return arguments;
}

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("without KVM auto runs on the interpreter and says why, and kvm is refused in one sentence with the cure") {
  const Outcome automatic = run(guest("run", {"--engine", "auto", "--kvm", "/nowhere/kvm"}));
  CHECK(automatic.exit_code == 0);
  CHECK(contains(automatic.err, "The engine is interp: There is no /nowhere/kvm"));
  const Outcome asked = run(guest("run", {"--engine", "kvm", "--kvm", "/nowhere/kvm"}));
  CHECK(asked.exit_code == 66);
  CHECK(std::count(asked.err.begin(), asked.err.end(), '\n') == 1);
  CHECK(contains(asked.err, "modprobe kvm_intel"));
  CHECK(contains(asked.err, "--engine interp"));
  const Outcome other = run(guest("run", {"--engine", "kvm", "--kvm", built_guest("pit_pic.elf")}));
  CHECK(other.exit_code == 65);
  CHECK(contains(other.err, "is no KVM device"));
}

TEST_CASE("what needs exact counts refuses engines without them, and names the trait") {
  const TemporaryFolder folder;
  const Outcome recorded = run(guest("record", {"--engine", "kvm", "--ticks", "host", "-o", folder.file("t")}));
  CHECK(recorded.exit_code == 64);
  CHECK(contains(recorded.err, "counts_exactly"));
  CHECK(contains(recorded.err, "--engine interp"));
}

TEST_CASE("counted in exits a guest is run, recorded, replayed and replayed from a checkpoint with equal digests") {
  const TemporaryFolder folder;
  const std::string trace = folder.file("trace");
  const Account live = run_with_summary(guest("run", {"--ticks", "exits", "--engine", "interp"}));
  const Account again = run_with_summary(guest("run", {"--ticks", "exits", "--engine", "interp,500:interp"}));
  CHECK(live.exit_code == 0);
  CHECK(live.summary["tick_unit"] == "exits");
  CHECK(again.summary["final_digest"] == live.summary["final_digest"]);
  const Account recorded = run_with_summary(
      guest("record", {"--ticks", "exits", "-o", trace, "--digest-every", "1000", "--checkpoint-every", "5ms"}));
  CHECK(recorded.summary["final_digest"] == live.summary["final_digest"]);
  CHECK(recorded.summary["recording"]["checkpoints"] > 0);
  for (const std::vector<std::string>& from : {std::vector<std::string>{}, {"--from", "15000"}}) {
    std::vector<std::string> arguments{"replay", trace, "--check"};
    arguments.insert(arguments.end(), from.begin(), from.end());
    const Account replayed = run_with_summary(arguments);
    CHECK(replayed.exit_code == 0);
    CHECK(replayed.summary["final_digest"] == live.summary["final_digest"]);
    CHECK(replayed.summary["replay"]["complete"] == true);
  }
  const Outcome debugged = run({"replay", trace, "--gdb", ":0"});
  CHECK(debugged.exit_code == 64);
  CHECK(contains(debugged.err, "needs an engine that can watch"));
}

TEST_CASE("a guest that waits in a loop without exits can still be ended, and is called by its name") {
  const TemporaryFolder folder;
  const std::string kernel = folder.file("kernel.bin", FlatGuest().spin().bytes());
  Program program({"run", "--kernel", kernel, "--flat", "--memory", "4M", "--ticks", "exits", "--serial", "none"});
  for (int tenths = 0; tenths < 1200 && program.err().empty(); ++tenths) ::usleep(100'000);
  CHECK(contains(program.err(), "The guest computes without an exit"));
  program.signal(SIGTERM);
  CHECK(program.wait() == 82);
  CHECK(contains(program.err(), "computed without an exit"));
}

}  // namespace lockstitch::test

// With --clock virtual a run depends on its inputs alone.
#include <doctest/doctest.h>

#include <sstream>

#include "tests/e2e/cli/program.h"

using namespace lockstitch::test;

namespace {

struct Trail {
  int exit_code = 0;
  std::string console, digests, final_digest;
  std::uint64_t ticks = 0;
};

Trail run_guest(const std::string& guest, std::vector<std::string> more = {}) {
  const TemporaryFolder folder;
  std::vector<std::string> arguments{
      "run",    "--kernel",  built_guest(guest),     "--memory", "16M", "--clock", "virtual", "--digest-every",
      "100000", "--digests", folder.file("digests"), "--quiet"};
  arguments.insert(arguments.end(), more.begin(), more.end());
  const Account account = run_with_summary(arguments);
  CHECK(account.err == "");
  const auto digests = folder.contents("digests");
  return {account.exit_code,
          account.out,
          {digests.begin(), digests.end()},
          account.summary["final_digest"],
          account.summary["ticks"]};
}

}  // namespace

TEST_CASE("two runs of the same guest are equal in every digest") {
  for (const std::string guest : {"pit_pic.elf", "hlt_wake.elf", "lapic_timer.elf", "acpi_power_off.elf"}) {
    CAPTURE(guest);
    const Trail first = run_guest(guest), second = run_guest(guest);
    CHECK_MESSAGE(first.exit_code == 0, first.console);
    CHECK_FALSE(first.digests.empty());
    CHECK(first.console == second.console);
    CHECK(first.digests == second.digests);
    CHECK(first.final_digest == second.final_digest);
    CHECK(first.ticks == second.ticks);
  }
}

TEST_CASE("another seed, date or device makes another machine, which its digest shows") {
  const std::string plain = run_guest("long_mode.elf").final_digest;
  CHECK(run_guest("long_mode.elf", {"--seed", "0"}).final_digest == plain);
  CHECK(run_guest("long_mode.elf", {"--rtc", "2020-01-01T00:00:00Z"}).final_digest == plain);
  CHECK(run_guest("long_mode.elf", {"--console", "stdio", "--serial", "none"}).final_digest != plain);
  CHECK(run_guest("long_mode.elf", {"--seed", "1"}).final_digest != plain);
  CHECK(run_guest("long_mode.elf", {"--rtc", "2020-01-01T00:00:01Z"}).final_digest != plain);
}

TEST_CASE("every digest of the trail is where it was asked for, and a run that stops there ends with it") {
  const Trail whole = run_guest("pit_pic.elf");
  std::istringstream lines(whole.digests);
  std::uint64_t tick = 0;
  std::string digest;
  int checked = 0;
  for (int i = 0; lines >> tick >> digest; ++i) {
    CHECK(digest.size() == 32);
    if (tick % 100'000 != 0 || i % 5 != 0 || checked == 5)
      continue;  // while the guest waits, digests come where it goes on
    ++checked;
    CHECK(run_guest("pit_pic.elf", {"--stop-at-tick", std::to_string(tick)}).final_digest == digest);
  }
  CHECK(checked > 0);
}

TEST_CASE("digests go to stderr when no file is named") {
  const Outcome outcome = run({"run", "--kernel", built_guest("long_mode.elf"), "--memory", "16M", "--clock", "virtual",
                               "--quiet", "--digest-every", "10000"});
  CHECK(outcome.exit_code == 0);
  CHECK(outcome.err.starts_with("0 "));
  CHECK(outcome.err.find("\n10000 ") != std::string::npos);
}

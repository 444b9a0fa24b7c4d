// The network laboratory and the SQL client as scripts use them. The scripts decide and print; here their word is
// taken.
#include <doctest/doctest.h>
#include <stdlib.h>
#include <sys/wait.h>

#include <cstdio>
#include <string>

#include "tests/unit/world/temporary_folder.h"

using lockstitch::test::TemporaryFolder;

namespace {

const std::string tools = std::string(LOCKSTITCH_BINARY_DIR) + "/tools";

struct Outcome {
  int exit_code;
  std::string text;  ///< both streams
};

Outcome shell(const std::string& command) {
  ::setenv("LOCKSTITCH_WIRE", (tools + "/wire/wire").c_str(), 1);
  ::setenv("LOCKSTITCH_LEDGER", (tools + "/ledger/ledger").c_str(), 1);
  ::setenv("LOCKSTITCH_PROGRAM", LOCKSTITCH_BINARY_DIR "/lockstitch", 1);
  std::FILE* const pipe = ::popen((command + " 2>&1").c_str(), "r");
  REQUIRE(pipe != nullptr);
  std::string text;
  char piece[4096];
  for (std::size_t got; (got = std::fread(piece, 1, sizeof piece, pipe)) > 0;) text.append(piece, got);
  const int status = ::pclose(pipe);
  return {WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status), text};
}

/// The script's word: 0, or 77 and why not here.
void check_script(const std::string& script) {
  const Outcome outcome = shell("timeout -k 20 300 python3 -B " LOCKSTITCH_SOURCE_DIR "/" + script);
  if (outcome.exit_code == 77) {
    std::printf("skipped: %s: %s", script.c_str(), outcome.text.c_str());
    return;
  }
  CHECK_MESSAGE(outcome.exit_code == 0, outcome.text);
}

Outcome ledger(const std::string& arguments) { return shell(tools + "/ledger/ledger " + arguments); }

}  // namespace

TEST_CASE("every path of the laboratory carries, and every fault has its effect and no other") {
  check_script("tools/lab/lab.py --self-test");
}

TEST_CASE("the ledger counts a guest's transactions over a real network, and sees one that was taken away") {
  check_script("tests/e2e/lab/ledger_in_lab.py");
}

TEST_CASE("the ledger says in a sentence why it cannot begin") {
  const TemporaryFolder folder;
  const std::string history = folder.file("history");
  // Port 1 of this host: nobody listens there.
  const Outcome nobody = ledger("run --host 127.0.0.1 --port 1 --seconds 1 --history " + history);
  CHECK(nobody.exit_code == 69);
  CHECK(nobody.text.find("No connection to PostgreSQL at 127.0.0.1:1") != std::string::npos);
  CHECK(ledger("check --host 127.0.0.1 --port 1 --history " + history).exit_code == 69);

  const Outcome nowhere = ledger("run --host 127.0.0.1 --port 1 --history " + folder.file("none/history"));
  CHECK(nowhere.exit_code == 74);
  CHECK(nowhere.text.find("cannot be written") != std::string::npos);
  CHECK(ledger("check --host 127.0.0.1 --port 1 --history " + folder.file("none")).exit_code == 66);
  const std::string nonsense = folder.file("nonsense", {'x', '\n'});
  CHECK(ledger("check --host 127.0.0.1 --port 1 --history " + nonsense).exit_code == 65);
}

TEST_CASE("bad uses of the ledger and the wire end with 64") {
  for (const char* arguments : {"", "run", "run --host h", "run --history f", "run --host h --history f --port 0",
                                "run --host h --history f --rate x", "check --host h --history f --rate 1", "walk"}) {
    CAPTURE(arguments);
    CHECK(ledger(arguments).exit_code == 64);
  }
  for (const char* arguments : {"", "--a 1:x", "--b 1:x --a 1:y", "--a 1:x --b 1:y more"}) {
    CAPTURE(arguments);
    CHECK(shell(tools + "/wire/wire " + arguments).exit_code == 64);
  }
}

TEST_CASE("the wire says in a sentence which end is none") {
  for (const char* end : {"x", "1", ":x", "1x:y", "999999999:tap0"}) {
    CAPTURE(end);
    const Outcome outcome = shell(tools + "/wire/wire --a " + end + " --b 1:x </dev/null");
    CHECK(outcome.exit_code == 69);
    CHECK(outcome.text.starts_with("wire: "));
  }
}

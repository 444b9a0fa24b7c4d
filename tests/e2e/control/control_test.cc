// A running guest is asked things from outside by its control socket: which guests have one, who answers, what is said
// when nobody does. Not here: the answers themselves (tests/unit/display).
#include <doctest/doctest.h>
#include <signal.h>
#include <sys/stat.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "tests/e2e/cli/flat_guest.h"
#include "tests/e2e/cli/program.h"

using namespace lockstitch::test;

namespace {

bool contains(const std::string& text, std::string_view part) { return text.find(part) != text.npos; }

bool is_socket(const std::string& path) {
  struct stat info {};
  return ::stat(path.c_str(), &info) == 0 && S_ISSOCK(info.st_mode);
}

struct Desk {
  TemporaryFolder folder;
  std::string control = folder.file("control"), trace = folder.file("trace");

  /// Says G and waits for an interrupt that never comes.
  std::vector<std::string> guest(const char* command, std::vector<std::string> more) const {
    FlatGuest says;
    says.print('G');
    std::vector<std::uint8_t> bytes = says.bytes();
    bytes.insert(bytes.end(), {0xfb, 0xf4, 0xeb, 0xfd});  // sti; hlt; again
    std::vector<std::string> arguments{command,    "--flat", "--kernel", folder.file("kernel.bin", bytes),
                                       "--memory", "4M"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return arguments;
  }
};

/// What no guest knows, whatever devices it has: the answer comes from the guest, not from the command.
void check_answers(const std::string& where) {
  const Outcome press = run({"press", where, "no-such-key-at-all"});
  CHECK(press.exit_code == 69);
  CHECK_FALSE(contains(press.err, "no guest answers"));
  CHECK_FALSE(contains(press.err, "not known"));
}

}  // namespace

TEST_CASE("a guest that waits in vain answers on the socket that --control names, and takes it with it when it ends") {
  const Desk desk;
  Program guest(desk.guest("run", {"--control", desk.control}));
  guest.wait_for_output("G");
  REQUIRE(is_socket(desk.control));
  check_answers(desk.control);
  const Outcome screen = run({"screen", desk.control});
  CHECK((screen.exit_code == 0 || contains(screen.err, "no screen")));
  const Outcome checkpoint = run({"checkpoint", desk.folder.path()});
  CHECK(checkpoint.exit_code == 74);
  CHECK(contains(checkpoint.err, "not being recorded"));
  guest.signal(SIGTERM);
  CHECK(guest.wait() == 82);
  CHECK_FALSE(is_socket(desk.control));
}

TEST_CASE("a guest with the virtual clock that waits in vain answers, too") {
  const Desk desk;
  Program guest(desk.guest("run", {"--control", desk.control, "--clock", "virtual"}));
  guest.wait_for_output("G");
  check_answers(desk.control);
}

TEST_CASE("the socket of a guest that was killed is taken over, that of one that runs is not") {
  const Desk desk;
  {
    Program killed(desk.guest("run", {"--control", desk.control}));
    killed.wait_for_output("G");
  }
  REQUIRE(is_socket(desk.control));
  const Outcome nobody = run({"screen", desk.control});
  CHECK(nobody.exit_code == 66);
  CHECK(contains(nobody.err, "--control"));
  Program guest(desk.guest("run", {"--control", desk.control}));
  guest.wait_for_output("G");
  const Outcome second = run(desk.guest("run", {"--control", desk.control}));
  CHECK(second.exit_code == 69);
  CHECK(contains(second.err, "choose another"));
  check_answers(desk.control);
}

TEST_CASE("a recording answers at its folder: checkpoints and all else") {
  const Desk desk;
  Program guest(desk.guest("record", {"-o", desk.trace}));
  guest.wait_for_output("G");
  check_answers(desk.trace);
  const Outcome checkpoint = run({"checkpoint", desk.trace});
  CHECK(checkpoint.exit_code == 0);
  CHECK(contains(checkpoint.err, "tick"));
  guest.signal(SIGTERM);
  CHECK(guest.wait() == 82);
  CHECK(run({"replay", desk.trace, "--check"}).exit_code == 0);
  CHECK(run({"screen", desk.trace}).exit_code == 66);
}

TEST_CASE("a replay lets itself be looked at but not be touched") {
  const Desk desk;
  {
    Program guest(desk.guest("record", {"-o", desk.trace}));
    guest.wait_for_output("G");
    std::this_thread::sleep_for(std::chrono::seconds(4));  // the replay lasts as long
    guest.signal(SIGTERM);
    REQUIRE(guest.wait() == 82);
  }
  Program replay({"replay", desk.trace, "--console", "--speed", "realtime", "--control", desk.control});
  replay.wait_for_output("G");
  for (const std::vector<std::string>& touch : std::vector<std::vector<std::string>>{{"type", desk.control, "abc"},
                                                                                     {"press", desk.control, "enter"},
                                                                                     {"mouse", desk.control, "-1", "1"},
                                                                                     {"eject", desk.control},
                                                                                     {"insert", desk.control, "0"}}) {
    CAPTURE(touch[0]);
    const Outcome refused = run(touch);
    CHECK(refused.exit_code == 69);
    CHECK(contains(refused.err, "takes no input"));
  }
  const Outcome screen = run({"screen", desk.control});
  CHECK((screen.exit_code == 0 || contains(screen.err, "no screen")));
  CHECK(replay.wait() == 0);
}

TEST_CASE("wrong arguments of these commands are refused in one line") {
  for (const std::vector<std::string>& arguments :
       std::vector<std::vector<std::string>>{{"screen"},
                                             {"screen", "a", "b"},
                                             {"screenshot", "a"},
                                             {"screenshot", "a", "b", "c"},
                                             {"type", "a"},
                                             {"type", "--what"},
                                             {"type", "a", "b", "c"},
                                             {"press", "a"},
                                             {"mouse", "a", "1"},
                                             {"mouse", "a", "1", "2", "3", "4", "5"},
                                             {"eject", "a", "b"},
                                             {"insert", "a"},
                                             {"run", "--kernel", "k", "--vnc", "x"},
                                             {"run", "--kernel", "k", "--vnc", "0.0.0.0:1"},
                                             {"run", "--kernel", "k", "--vnc-password", "p"},
                                             {"replay", "t", "--vnc", "x"},
                                             {"replay", "t", "--vnc", ":1", "--gdb", ":1"},
                                             {"record", "--kernel", "k", "-o", "t", "--control", "c"}}) {
    const Outcome refused = run(arguments);
    CAPTURE(refused.err);
    CHECK(refused.exit_code == 64);
    CHECK(std::count(refused.err.begin(), refused.err.end(), '\n') == 1);
  }
  for (const char* command : {"screen", "screenshot", "type", "press", "mouse", "eject", "insert"}) {
    CHECK(run({command, "--help"}).exit_code == 0);
    CHECK(run({"help", command}).out == run({command, "--help"}).out);
    CHECK(run({command, "/nowhere/at/all", "1", "1"}).exit_code != 0);
  }
}

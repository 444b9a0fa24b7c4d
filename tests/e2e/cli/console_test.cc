// The serial port on pipes, files and terminals, with the escape key.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <pty.h>
#include <termios.h>
#include <unistd.h>

#include <chrono>
#include <thread>

#include "tests/e2e/cli/flat_guest.h"
#include "tests/e2e/cli/program.h"

using namespace lockstitch::test;

namespace {

struct Desk {
  TemporaryFolder folder;
  std::vector<std::string> run(const FlatGuest& guest, std::vector<std::string> more = {}) const {
    std::vector<std::string> arguments{"run",      "--flat", "--kernel", folder.file("kernel.bin", guest.bytes()),
                                       "--memory", "4M"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return arguments;
  }
};

/// A person's terminal.
class Pty {
 public:
  Pty() {
    REQUIRE(::openpty(&master_, &slave_, nullptr, nullptr, nullptr) == 0);
    ::fcntl(master_, F_SETFL, O_NONBLOCK);
    ::fcntl(master_, F_SETFD, FD_CLOEXEC);
  }
  ~Pty() {
    ::close(master_);
    ::close(slave_);
  }
  int slave() const { return slave_; }
  void type(std::string_view keys) { REQUIRE(::write(master_, keys.data(), keys.size()) == ssize_t(keys.size())); }
  void wait_for(std::string_view text) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::minutes(2);
    while (screen_.find(text) == screen_.npos) {
      REQUIRE_MESSAGE(std::chrono::steady_clock::now() < deadline, screen_);
      char piece[256];
      const ssize_t got = ::read(master_, piece, sizeof piece);
      if (got > 0) {
        screen_.append(piece, std::size_t(got));
      } else {
        std::this_thread::sleep_for(std::chrono::milliseconds(2));
      }
    }
  }
  termios mode() const {
    termios now{};
    REQUIRE(::tcgetattr(slave_, &now) == 0);
    return now;
  }

 private:
  int master_ = -1, slave_ = -1;
  std::string screen_;
};

}  // namespace

TEST_CASE("what comes in by a pipe reaches the guest, the escape key too") {
  const Desk desk;
  CHECK(run(desk.run(FlatGuest().exit_with_input()), "A").exit_code == 'A');
  CHECK(run(desk.run(FlatGuest().exit_with_input()), "\x01").exit_code == 1);
  CHECK(run(desk.run(FlatGuest().exit_with_input(), {"--clock", "virtual"}), "A").exit_code == 'A');
}

TEST_CASE("the end of the input does not end the guest") {
  const Desk desk;
  CHECK(run(desk.run(FlatGuest().print('x').exit(4)), "").exit_code == 4);
}

TEST_CASE("the serial port can go to a file, to stdout with a copy, or nowhere") {
  const Desk desk;
  const std::string log = desk.folder.file("log");
  const FlatGuest guest = FlatGuest().print('h').print('i').exit(0);
  const std::vector<std::uint8_t> said{'h', 'i'};
  CHECK(run(desk.run(guest, {"--serial", "file:" + log})).out == "");
  CHECK(desk.folder.contents("log") == said);
  CHECK(run(desk.run(guest, {"--serial", "stdio,log=" + log})).out == "hi");
  CHECK(desk.folder.contents("log") == said);
  CHECK(run(desk.run(guest, {"--serial", "none"})).out == "");
}

TEST_CASE("on a terminal every key goes to the guest, and Ctrl-A twice is Ctrl-A") {
  const Desk desk;
  for (const auto& [keys, code] : {std::pair<std::string, int>{"\x03", 3}, {"\x01\x01", 1}, {"\x1a", 26}, {"q", 'q'}}) {
    Pty pty;
    Program program(desk.run(FlatGuest().print('R').exit_with_input()), "", pty.slave());
    pty.wait_for("R");
    pty.type(keys);
    CHECK(program.wait() == code);
  }
}

TEST_CASE("Ctrl-A x ends the guest and gives the terminal back as it was") {
  const Desk desk;
  for (const char* clock : {"realtime", "virtual"}) {
    Pty pty;
    const termios before = pty.mode();
    Program program(
        desk.run(FlatGuest().print('R').halt(), {"--clock", clock, "--summary", desk.folder.file("summary.json")}), "",
        pty.slave());
    pty.wait_for("R");
    CHECK((pty.mode().c_lflag & ICANON) == 0);
    pty.type("\x01x");
    CHECK(program.wait() == 82);
    CHECK(pty.mode().c_lflag == before.c_lflag);
    CHECK(pty.mode().c_iflag == before.c_iflag);
    const auto summary = nlohmann::json::parse(desk.folder.contents("summary.json"), nullptr, false);
    REQUIRE(summary.is_object());
    CHECK(summary["end_reason"] == "escape_key");
  }
}

TEST_CASE("a mistake after the terminal was taken gives it back too") {
  const Desk desk;
  Pty pty;
  const termios before = pty.mode();
  Program program(desk.run(FlatGuest().exit(0), {"--console", "file:" + desk.folder.file("none/file")}), "",
                  pty.slave());
  CHECK(program.wait() == 69);
  CHECK(pty.mode().c_lflag == before.c_lflag);
}

TEST_CASE("Ctrl-A h shows the keys, and the guest does not see it") {
  const Desk desk;
  Pty pty;
  Program program(desk.run(FlatGuest().print('R').exit_with_input()), "", pty.slave());
  pty.wait_for("R");
  pty.type("\x01h");
  pty.wait_for("Ctrl-A x");
  pty.type("z");
  CHECK(program.wait() == 'z');
}

// Debian's gdb on a recorded Debian with PostgreSQL, driven by the scripts of this folder, each of which prints what it
// claims and whether it holds; on a live guest; and what a person gets who asks for the impossible.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <sstream>

#include "tests/e2e/cli/program.h"

namespace lockstitch::test {
namespace {

std::string guest_file(const std::string& name) { return std::string(LOCKSTITCH_SOURCE_DIR) + "/build/guest/" + name; }

bool ready() {
  const char* missing = !std::filesystem::exists(guest_file("disk.img")) ? "build/guest; scripts/build-guest makes it"
                        : std::system("gdb --version > /dev/null 2>&1") != 0 ? "gdb; the package gdb has it"
                                                                             : nullptr;
  if (missing == nullptr) return true;
  MESSAGE("skipped: there is no ", missing);
  std::printf("skipped: no %s\n", missing);
  return false;
}

std::vector<std::string> debian(std::vector<std::string> more) {
  std::vector<std::string> arguments{
      "--memory", "256M",
      "--kernel", guest_file("vmlinuz"),
      "--initrd", guest_file("initramfs.cpio"),
      "--disk",   "file=" + guest_file("disk.img"),
      "--append", "console=ttyS0 panic=-1 mitigations=off lockstitch.sql=1 lockstitch.poweroff=1",
      "--clock",  "virtual",
      "--seed",   "1",
      "--quiet"};
  arguments.insert(arguments.begin(), more.begin(), more.end());
  return arguments;
}

struct Said {
  std::string text;
  unsigned holds = 0, fails = 0;
};

Said said_by(const std::string& command);

Said gdb(const std::string& arguments, const std::string& socket, const TemporaryFolder& folder) {
  // gdb reads nothing of the person who runs the tests.
  const std::string command = "LOCKSTITCH_GDB=" + socket + " LOCKSTITCH_SYMBOLS=" + folder.file("symbols") +
                              " HOME=" + folder.path() + " timeout 500 gdb -nx -batch " + arguments +
                              " 2>&1 < /dev/null";
  return said_by(command);
}

Said said_by(const std::string& command) {
  Said said;
  std::FILE* pipe = ::popen(command.c_str(), "r");
  REQUIRE(pipe != nullptr);
  std::array<char, 4096> piece;
  while (std::fgets(piece.data(), piece.size(), pipe) != nullptr) {
    const std::string line = piece.data();
    said.text += line;
    said.holds += line.starts_with("claim holds");
    said.fails += line.starts_with("claim FAILS");
  }
  ::pclose(pipe);
  return said;
}

std::string script(const std::string& name) { return "-x " GDB_SCRIPTS "/" + name; }

/// Waits until the stub says that it listens.
void wait_for(const Program& program) {
  for (int tenths = 0; tenths < 600 && program.err().find("target remote") == std::string::npos; ++tenths) {
    std::system("sleep 0.1");
  }
  REQUIRE_MESSAGE(program.err().find("target remote") != std::string::npos, program.err());
}

}  // namespace

TEST_CASE("gdb goes forwards and backwards in a recorded Debian, in its kernel and its processes") {
  if (!ready()) return;
  const TemporaryFolder folder;
  const std::string trace = folder.file("trace"), socket = folder.file("gdb");
  const Outcome recorded = run(debian({"record", "-o", trace, "--serial", "none"}));
  REQUIRE_MESSAGE(recorded.exit_code == 0, recorded.err);
  const auto before = run({"replay", trace, "--quiet"});
  CHECK(before.exit_code == 0);

  Program replay({"replay", trace, "--gdb", "unix:" + socket});
  wait_for(replay);
  const Said steps = gdb(script("steps.py"), socket, folder);
  CHECK_MESSAGE(steps.fails == 0, steps.text);
  CHECK_MESSAGE(steps.holds == 5, steps.text);
  const Said hunt = gdb(script("hunt.py"), socket, folder);
  CHECK_MESSAGE(hunt.fails == 0, hunt.text);
  CHECK_MESSAGE(hunt.holds >= 18, hunt.text);
  CHECK(replay.wait() == 0);  // the script killed it
  // Nothing of all that is in the recording.
  CHECK(run({"replay", trace, "--quiet"}).exit_code == 0);

  SUBCASE("an instruction trace names the kernel's functions") {
    const Outcome text =
        run({"trace", "instructions", trace, "--from", "1500000000", "--to", "1500000100", "--symbols", "linux"});
    CHECK(text.exit_code == 0);
    CHECK(std::count(text.out.begin(), text.out.end(), '\n') >= 100);
    const Outcome json = run({"trace", "instructions", trace, "--from", "1000", "--to", "1010", "--format", "json"});
    CHECK(json.exit_code == 0);
    std::istringstream lines(json.out);
    unsigned count = 0;
    for (std::string line; std::getline(lines, line); ++count) CHECK(nlohmann::json::parse(line).is_object());
    CHECK(count >= 11);
  }
}

TEST_CASE("the crash of a process leads back to the instruction that overwrote its pointer") {
  if (!ready()) return;
  const TemporaryFolder folder;
  // The program is the guest's first process: an archive behind the initramfs is unpacked over it.
  const std::string make = "cd " + folder.path() +
                           " && gcc -static -O1 -g -o shop " GDB_SCRIPTS
                           "/hunt/shop.c && echo shop | cpio -o -H newc -R 0:0 2> /dev/null | cat " +
                           guest_file("initramfs.cpio") + " - > initrd";
  REQUIRE(std::system(make.c_str()) == 0);
  const std::string trace = folder.file("trace"), socket = folder.file("gdb");
  const Outcome recorded =
      run({"record", "-o", trace, "--memory", "256M", "--kernel", guest_file("vmlinuz"), "--initrd",
           folder.file("initrd"), "--append", "console=ttyS0 panic=-1 mitigations=off rdinit=/shop", "--no-reboot",
           "--clock", "virtual", "--seed", "1", "--serial", "none", "--quiet"});
  REQUIRE_MESSAGE(recorded.exit_code == 0, recorded.err);
  Program replay({"replay", trace, "--gdb", "unix:" + socket});
  wait_for(replay);
  const Said said = gdb(folder.file("shop") + " " + script("hunt/shop.gdb"), socket, folder);
  // The pointer's lowest byte is the end of a name of 16 letters.
  CHECK_MESSAGE(said.text.find("name = \"item of day 1008\"") != std::string::npos, said.text);
  CHECK_MESSAGE(said.text.find("<normal_price>") != std::string::npos, said.text);
  CHECK_MESSAGE(said.text.find("in rename_item (") != std::string::npos, said.text);
  replay.signal(SIGTERM);
  CHECK(replay.wait() == 82);
}

TEST_CASE("the crash of a kernel leads back to the instruction that overwrote its pointer") {
  if (!ready()) return;
  const TemporaryFolder folder;
  const std::string trace = folder.file("trace"), socket = folder.file("gdb");
  const Outcome recorded =
      run({"record", "-o", trace, "--kernel", built_guest("overrun.elf"), "--serial", "none", "--quiet"});
  REQUIRE_MESSAGE(recorded.exit_code == 127, recorded.err);
  Program replay({"replay", trace, "--gdb", "unix:" + socket});
  wait_for(replay);
  const Said said = gdb(script("hunt/overrun.gdb"), socket, folder);
  CHECK_MESSAGE(said.text.find("stos") != std::string::npos, said.text);
  CHECK_MESSAGE(said.text.find("expected\"") != std::string::npos, said.text);
  CHECK(replay.wait() == 0);
}

TEST_CASE("gdb's text interface and its extended remote mode work as well") {
  if (!ready()) return;
  const TemporaryFolder folder;
  const std::string trace = folder.file("trace"), socket = folder.file("gdb");
  REQUIRE(
      run({"record", "-o", trace, "--kernel", built_guest("long_mode.elf"), "--serial", "none", "--quiet"}).exit_code ==
      0);
  Program replay({"replay", trace, "--gdb", "unix:" + socket});
  wait_for(replay);
  const Said extended = gdb("-ex 'target extended-remote " + socket +
                                "' -ex 'stepi 3' -ex reverse-stepi -ex 'monitor when' -ex 'reverse-stepi 2' -ex detach",
                            socket, folder);
  CHECK_MESSAGE(extended.text.find("tick 2,") != std::string::npos, extended.text);
  const Said tui = said_by("HOME=" + folder.path() + " timeout 100 python3 " GDB_SCRIPTS "/tui.py " + socket + " 2>&1");
  CHECK_MESSAGE(tui.holds == 1, tui.text);
  replay.signal(SIGTERM);
  CHECK(replay.wait() == 82);
}

TEST_CASE("gdb holds a live guest, breaks into it and sees its end") {
  if (!ready()) return;
  const TemporaryFolder folder;
  const std::string socket = folder.file("gdb");
  Program guest(
      {"run", "--kernel", built_guest("long_mode.elf"), "--serial", "none", "--quiet", "--gdb", "unix:" + socket});
  wait_for(guest);
  const Said said = gdb("-ex 'target remote " + socket +
                            "' -ex 'monitor when' -ex stepi -ex 'info registers rip' -ex 'monitor goto 5' -ex continue",
                        socket, folder);
  CHECK_MESSAGE(said.text.find("tick 0, ") != std::string::npos, said.text);
  CHECK_MESSAGE(said.text.find("record it to go back") != std::string::npos, said.text);
  CHECK_MESSAGE(said.text.find("exited normally") != std::string::npos, said.text);
  CHECK(guest.wait() == 0);
}

TEST_CASE("what a debugger cannot have is refused in a sentence") {
  const TemporaryFolder folder;
  const auto refused = [&](std::vector<std::string> arguments, int code, const std::string& words) {
    const Outcome outcome = run(arguments);
    CAPTURE(outcome.err);
    CHECK(outcome.exit_code == code);
    CHECK(outcome.err.find(words) != std::string::npos);
    CHECK(std::count(outcome.err.begin(), outcome.err.end(), '\n') == 1);
  };
  const std::string trace = folder.file("trace");
  REQUIRE(
      run({"record", "-o", trace, "--kernel", built_guest("long_mode.elf"), "--serial", "none", "--quiet"}).exit_code ==
      0);
  refused({"replay", trace, "--gdb", "0.0.0.0:0"}, 64, "--gdb-remote");
  refused({"replay", trace, "--gdb", ":99999"}, 64, "there is no port");
  refused({"replay", trace, "--gdb", "unix:"}, 64, "the path is empty");
  refused({"replay", trace, "--gdb", "somewhere:1"}, 64, "not an address");
  refused({"replay", trace, "--gdb", ":0", "--check"}, 64, "do not go with it");
  refused({"replay", trace, "--gdb-remote"}, 64, "mean nothing without --gdb");
  refused({"replay", trace, "--gdb", ":0", "--gdb-memory", "much"}, 64, "--gdb-memory");
  refused({"trace", "instructions", trace, "--from", "5"}, 64, "--to is missing");
  refused({"trace", "instructions", trace, "--from", "5", "--to", "1"}, 64, "before");
  refused({"trace", "instructions", trace, "--from", "1", "--to", "5", "--format", "xml"}, 64, "text or json");
  refused({"trace", "instructions", trace, "--from", "1", "--to", "5", "--symbols", "linux"}, 64, "no 64-bit Linux");
  refused({"trace", "instructions", trace, "--from", "1", "--to", "5", "--symbols", "/nonexistent"}, 66,
          "cannot be read");
  // A place that is taken.
  const std::string socket = folder.file("gdb");
  Program first({"replay", trace, "--gdb", "unix:" + socket});
  wait_for(first);
  refused({"replay", trace, "--gdb", "unix:" + socket}, 69, "choose another one");
  first.signal(SIGTERM);
  CHECK(first.wait() == 82);
}

}  // namespace lockstitch::test

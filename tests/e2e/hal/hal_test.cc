// What Windows does to a PC and Linux does not, by the guests of firmware/guests/disk, booted by SeaBIOS: each ends as
// its source says, the four ways; and hal.py looks at their screens. What needs no firmware is in tests/replay/guests.
#include <doctest/doctest.h>

#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "tests/e2e/cli/program.h"
#include "tests/replay/guests/guest_header.h"

namespace lockstitch::test {
namespace {

using Words = std::vector<std::string>;

Words joined(Words first, const Words& second) {
  first.insert(first.end(), second.begin(), second.end());
  return first;
}

std::string text_in(const std::string& file) {
  std::ostringstream text;
  text << std::ifstream(file).rdbuf();
  return text.str();
}

bool have_firmware() {
  const std::string file = "/usr/share/seabios/bios-256k.bin";
  if (std::filesystem::exists(file)) return true;
  MESSAGE("skipped: there is no ", file);
  std::printf("skipped: no %s; Debian's package seabios has it\n", file.c_str());
  return false;
}

/// Live, recorded, replayed, and replayed from a checkpoint in the middle and from one near the end.
void check(const GuestHeader& header, const Words& boot) {
  CAPTURE(header.name);
  const TemporaryFolder folder;
  const std::string trace = folder.file("trace"), serial = folder.file("serial");
  const Words guest =
      joined(boot, {"--quiet", "--memory", std::to_string(header.memory_mib) + "M", "--clock", "virtual", "--seed", "1",
                    "--serial", "file:" + serial, "--stop-at-tick", std::to_string(header.ticks_max)});
  const Account live = run_with_summary(joined({"run"}, guest));
  const std::string said = text_in(serial);
  CHECK_MESSAGE(live.summary.at("end_reason") == "debug_exit", said, live.err);
  CHECK_MESSAGE("exit " + std::to_string(live.exit_code) == header.expect, said);
  CHECK(said.find(header.serial) != std::string::npos);
  const std::string digest = live.summary.at("final_digest");
  const std::uint64_t ticks = live.summary.at("ticks");

  const Account recorded = run_with_summary(joined({"record", "-o", trace, "--checkpoint-every", "100ms"}, guest));
  CHECK_MESSAGE(recorded.exit_code == live.exit_code, recorded.err);
  CHECK(recorded.summary.at("final_digest") == digest);
  CHECK(recorded.summary.at("ticks") == ticks);
  CHECK(text_in(serial) == said);

  CHECK(run_with_summary({"replay", trace, "--quiet", "--check"}).summary.at("final_digest") == digest);
  for (const std::uint64_t place : {ticks / 2, ticks - ticks / 20}) {
    const std::string from = std::to_string(place);
    const Outcome made = run({"checkpoint", trace, "--at", from});
    CHECK_MESSAGE(made.exit_code == 0, made.err);
    const Account rest = run_with_summary({"replay", trace, "--quiet", "--check", "--from", from});
    CHECK_MESSAGE(rest.exit_code == 0, rest.err);
    CHECK(rest.summary.at("replay").at("complete") == true);
    CHECK(rest.summary.at("replay").at("started_at_tick") == place);
    CHECK(rest.summary.at("final_digest") == digest);
  }
}

}  // namespace

TEST_CASE(
    "what Windows does to disk, video BIOS and clock works on a PC that SeaBIOS boots, and is the same the four ways") {
  if (!have_firmware()) return;
  const auto headers = read_guest_headers(std::string(LOCKSTITCH_SOURCE_DIR) + "/firmware/guests/disk");
  REQUIRE(headers.size() >= 4);
  for (const GuestHeader& header : headers) {
    SUBCASE(header.name.c_str()) { check(header, {"--firmware", "bios", "--disk", built_guest(header.name + ".img")}); }
  }
}

TEST_CASE(
    "a warm reset by itself, before any firmware can help, leaves no interrupt behind, and is the same the four ways") {
  for (const GuestHeader& header : read_guest_headers(std::string(LOCKSTITCH_SOURCE_DIR) + "/firmware/guests/disk")) {
    if (header.name == "hal_warm_reset")
      check(header, {"--kernel", built_guest("hal_warm_reset.elf"), "--display", "vga"});
  }
}

TEST_CASE("who looks at the screen sees what the video BIOS and the guest have put there") {
  if (!have_firmware()) return;
  std::FILE* pipe = ::popen("python3 " HAL_SCRIPTS "/hal.py --build " LOCKSTITCH_BINARY_DIR " 2>&1 < /dev/null", "r");
  REQUIRE(pipe != nullptr);
  std::string said;
  std::array<char, 4096> piece;
  while (std::fgets(piece.data(), piece.size(), pipe) != nullptr) {
    said += piece.data();
    std::fputs(piece.data(), stdout);
  }
  CHECK_MESSAGE(::pclose(pipe) == 0, said);
}

}  // namespace lockstitch::test

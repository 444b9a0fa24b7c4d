// Real pairs under real faults. The script does it, decides and prints (matrix.py); here its word is taken. With
// LOCKSTITCH_FULL=1 (scripts/test --full) everything and a hundred kills, else a selection.
#include <doctest/doctest.h>
#include <stdlib.h>
#include <sys/wait.h>

#include <cstdio>
#include <filesystem>
#include <string>

namespace {

bool full() { return ::getenv("LOCKSTITCH_FULL") != nullptr; }

void check_matrix(const std::string& cases) {
  const char* seed = ::getenv("LOCKSTITCH_SEED");
  const std::string command =
      "timeout -k 20 3000 python3 -B " LOCKSTITCH_SOURCE_DIR "/tests/e2e/pair/matrix.py --build " LOCKSTITCH_BINARY_DIR
      " --folder " LOCKSTITCH_BINARY_DIR "/pair-matrix --kills " +
      std::string(full() ? "100" : "4") + " --seed " + (seed != nullptr ? seed : "1") + " " + cases + " 2>&1";
  std::FILE* const pipe = ::popen(command.c_str(), "r");
  REQUIRE(pipe != nullptr);
  std::string text;
  char piece[4096];
  while (std::fgets(piece, sizeof piece, pipe) != nullptr) {
    text += piece;
    std::fputs(piece, stdout);
    std::fflush(stdout);
  }
  const int status = ::pclose(pipe);
  if (WIFEXITED(status) && WEXITSTATUS(status) == 77) {
    std::printf("skipped: a pair on this machine: %s", text.c_str());
    return;
  }
  CHECK_MESSAGE((WIFEXITED(status) && WEXITSTATUS(status) == 0), text);
}

}  // namespace

TEST_CASE(
    "whoever is killed, stopped, cut off or loses its disk, nothing acknowledged is lost and no connection breaks") {
  check_matrix(full()
                   ? "--shared"
                   : "kill_leader kill_follower stop_leader stop_leader_briefly stop_follower cut_link cut_link_ab "
                     "cut_link_ba loss_1 delay_20 cut_client_and_kill failing_disk_of_follower failing_disk_of_leader "
                     "kill_during_join hold_follower failover test_failover end_leader_politely many_kills");
}

TEST_CASE("without the arbiter nobody goes on alone, and when it is back one does") {
  check_matrix("arbiter_down_before arbiter_down_after arbiter_and_link_cut link_back_before_arbiter leader_cut_off");
}

TEST_CASE("a guest that BIOS booted, on IDE and with an e1000, is as safe") {
  if (!std::filesystem::exists(LOCKSTITCH_SOURCE_DIR "/build/pc/pc.img")) {
    std::printf("skipped: a pair of PCs: scripts/build-pc-media was not run\n");
    return;
  }
  check_matrix("--firmware bios kill_leader kill_follower kill_leader");
}

TEST_CASE("after both died the guest starts from the disk of the one that led, and from no other") {
  check_matrix("double_kill");
}

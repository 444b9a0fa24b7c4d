// Recorders that are killed at any moment. Effects leave only after the log is safe: the trace replays, says that it
// was cut off, and comes at least as far as what the world has seen.
#include <doctest/doctest.h>
#include <signal.h>

#include <chrono>
#include <filesystem>
#include <thread>

#include "tests/e2e/faults/trace_desk.h"

using namespace lockstitch::test;

namespace {

std::size_t kill_count() {
  const char* text = std::getenv("LOCKSTITCH_KILLS");
  return text != nullptr ? std::strtoull(text, nullptr, 0) : several(100);
}

/// What a kill left and what a replay made of it.
struct Remains {
  std::string guest;
  int after_ms = 0;
  bool begun = false;  ///< there is a trace
  std::string seen;    ///< by the world
  Outcome replay, verify;

  /// For messages.
  std::string story() const {
    return guest + " killed after " + std::to_string(after_ms) + " ms; LOCKSTITCH_SEED=" + std::to_string(seed()) +
           "; the replay said " + replay.err;
  }
};

struct Guest {
  std::string name;
  std::vector<std::string> flags;
  int longest_ms = 0;
};

std::vector<Guest> guests() {
  std::vector<Guest> all;
  all.push_back({"chatty", chatty_guest(), 700});
  all.push_back(all[0]);
  all.push_back({"chatty with checkpoints", chatty_guest(), 700});
  all.back().flags.insert(all.back().flags.end(),
                          {"--checkpoint-every", "20ms", "--digest-every", "3000000", "--digests", "/dev/null"});
  all.push_back({"chatty, synced", chatty_guest(), 500});
  all.back().flags.insert(all.back().flags.end(), {"--log-sync", "0s"});
  const std::string debian = std::string(LOCKSTITCH_SOURCE_DIR) + "/build/guest/";
  if (std::filesystem::exists(debian + "vmlinuz") && std::filesystem::exists(debian + "initramfs.cpio")) {
    all.push_back({"Debian",
                   {"--kernel", debian + "vmlinuz", "--initrd", debian + "initramfs.cpio", "--memory", "256M",
                    "--append", "console=ttyS0 earlyprintk=ttyS0"},
                   1000});
  } else {
    MESSAGE("build/guest is missing: no Debian kernel is killed");
  }
  return all;
}

Remains kill_one(const Guest& guest, int after_ms, const std::string& input) {
  const TemporaryFolder folder;
  const std::string trace = folder.file("trace");
  Remains left;
  left.guest = guest.name;
  left.after_ms = after_ms;
  {
    std::vector<std::string> arguments{"record", "-o", trace, "--quiet"};
    arguments.insert(arguments.end(), guest.flags.begin(), guest.flags.end());
    Program recorder(arguments, input);
    std::this_thread::sleep_for(std::chrono::milliseconds(after_ms));
    recorder.signal(SIGKILL);
    const int status = recorder.wait();
    CHECK_MESSAGE(status == 1000 + SIGKILL, recorder.err());
    left.seen = recorder.out();
  }
  left.begun = std::filesystem::exists(trace + "/trace.header");
  left.replay = run({"replay", trace, "--console", "--check"});
  if (left.begun) left.verify = run({"trace", "verify", trace});
  return left;
}

/// Made once for all claims.
const std::vector<Remains>& killed() {
  static const std::vector<Remains> once = [] {
    std::mt19937_64 random(seed());
    const auto all = guests();
    std::vector<Remains> made;
    for (std::size_t i = 0; i < kill_count(); ++i) {
      const Guest& guest = all[i % all.size()];
      const std::string input = random() % 2 == 0 ? "" : std::string(1 + random() % 100, 'x');
      made.push_back(kill_one(guest, static_cast<int>(random() % static_cast<unsigned>(guest.longest_ms)), input));
    }
    return made;
  }();
  return once;
}

}  // namespace

TEST_CASE("whenever a recorder is killed, its trace replays, says that it is cut off, and verifies") {
  std::size_t begun = 0, told = 0;
  for (const Remains& left : killed()) {
    CAPTURE(left.story());
    if (!left.begun) {
      // Nothing can have left, as nothing could have been recorded.
      CHECK(left.seen == "");
      CHECK((left.replay.exit_code == 65 || left.replay.exit_code == 66));
      check_one_sentence(left.replay);
      continue;
    }
    ++begun;
    told += left.seen.empty() ? 0 : 1;
    CHECK(left.replay.exit_code == 0);
    CHECK(left.replay.err.find("cut off") != std::string::npos);
    CHECK_MESSAGE(left.verify.exit_code == 0, left.verify.out, left.verify.err);
  }
  // Or the moments are badly chosen.
  CHECK(begun * 2 >= killed().size());
  CHECK(told * 3 >= killed().size());
}

TEST_CASE("what a killed recorder has let out and what its trace shows never contradict each other") {
  for (const Remains& left : killed()) {
    CAPTURE(left.story());
    const std::size_t both = std::min(left.seen.size(), left.replay.out.size());
    CHECK(left.seen.substr(0, both) == left.replay.out.substr(0, both));
  }
}

TEST_CASE("the trace of a killed recorder comes at least as far as the last byte that it has let out") {
  std::size_t short_of = 0;
  for (const Remains& left : killed()) {
    CAPTURE(left.story());
    CHECK(left.replay.out.size() >= left.seen.size());
    short_of += left.replay.out.size() < left.seen.size() ? 1 : 0;
  }
  CAPTURE(killed().size());
  CHECK(short_of == 0);
}

// A disk that fills up while a guest is recorded: one sentence, exit code 74, and a trace up to there.
#include <doctest/doctest.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>

#include <algorithm>
#include <filesystem>

#include "tests/e2e/faults/trace_desk.h"

using namespace lockstitch::test;

namespace {

/// Programs that are started while it lives cannot make a file longer, and are not killed for trying.
class SmallFiles {
 public:
  explicit SmallFiles(std::uint64_t bytes) {
    ::getrlimit(RLIMIT_FSIZE, &before_);
    handler_ = ::signal(SIGXFSZ, SIG_IGN);
    const rlimit small{bytes, before_.rlim_max};
    REQUIRE(::setrlimit(RLIMIT_FSIZE, &small) == 0);
  }
  ~SmallFiles() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    ::signal(SIGXFSZ, handler_);
  }

 private:
  rlimit before_{};
  sighandler_t handler_ = SIG_DFL;
};

class SmallDisk {
 public:
  explicit SmallDisk(std::string path, const std::string& size) : path_(std::move(path)) {
    std::filesystem::create_directory(path_);
    mounted_ = ::mount("tmpfs", path_.c_str(), "tmpfs", 0, ("size=" + size).c_str()) == 0;
  }
  ~SmallDisk() {
    if (mounted_) ::umount2(path_.c_str(), MNT_DETACH);
  }
  bool mounted() const { return mounted_; }
  std::string file(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
  bool mounted_ = false;
};

std::vector<std::string> record_to(const std::string& trace, std::vector<std::string> more = {}) {
  std::vector<std::string> arguments{"record", "-o", trace, "--quiet"};
  for (const auto& flag : chatty_guest()) arguments.push_back(flag);
  arguments.insert(arguments.end(), more.begin(), more.end());
  return arguments;
}

/// `seen`: what the world got of the guest.
void check_ends_well(const Outcome& recording, const std::string& seen, const std::string& trace) {
  CHECK(recording.exit_code == 74);
  CAPTURE(recording.err);
  CHECK(recording.err.starts_with("lockstitch: The log in "));
  CHECK(recording.err.find("make room and record anew.\n") != std::string::npos);
  const Outcome replay = run({"replay", trace, "--console", "--check"});
  CAPTURE(replay.err);
  CHECK(replay.exit_code == 0);
  CHECK(replay.err.find("cut off") != std::string::npos);
  CHECK(!replay.out.empty());
  const std::size_t both = std::min(seen.size(), replay.out.size());
  CHECK(seen.substr(0, both) == replay.out.substr(0, both));
  CHECK(run({"trace", "verify", trace}).exit_code == 0);
}

}  // namespace

TEST_CASE("a log that may not grow ends the recording with 74 and says why, and replays up to there") {
  for (const std::uint64_t room : {9'000, 15'000, 30'000}) {
    CAPTURE(room);
    const TemporaryFolder folder;
    const Outcome recording = [&] {
      const SmallFiles small(room);
      return run(record_to(folder.file("trace")));
    }();
    check_ends_well(recording, recording.out, folder.file("trace"));
  }
}

TEST_CASE("a full disk ends the recording with 74 and says why, and what is on it replays") {
  const TemporaryFolder folder;
  const SmallDisk disk(folder.file("disk"), "64k");
  if (!disk.mounted()) {
    MESSAGE("mounting is not allowed: no full disk");
    return;
  }
  const Outcome recording = run(record_to(disk.file("trace")));
  check_ends_well(recording, recording.out, disk.file("trace"));
}

TEST_CASE("a log that may not grow is told of in one sentence") {
  const TemporaryFolder folder;
  const SmallFiles small(15'000);
  check_one_sentence(run(record_to(folder.file("trace"))));
}

TEST_CASE("a limit on the size of files is an error of the disk and not a signal") {
  const std::string trace = recorded().trace;
  const TemporaryFolder folder;
  rlimit before{};
  ::getrlimit(RLIMIT_FSIZE, &before);
  const rlimit small{4096, before.rlim_max};
  const auto handler = ::signal(SIGXFSZ, SIG_DFL);
  ::setrlimit(RLIMIT_FSIZE, &small);
  const Outcome packed = run({"trace", "pack", trace, "-o", folder.file("packed")});
  ::setrlimit(RLIMIT_FSIZE, &before);
  ::signal(SIGXFSZ, handler);
  CHECK(packed.exit_code == 74);
  check_one_sentence(packed);
}

TEST_CASE("a disk that is full from the beginning refuses the recording with one sentence") {
  const TemporaryFolder folder;
  const SmallDisk disk(folder.file("disk"), "16k");
  if (!disk.mounted()) {
    MESSAGE("mounting is not allowed: no full disk");
    return;
  }
  std::ofstream(disk.file("filler")) << std::string(1 << 20, 'x');
  const Outcome recording = run(record_to(disk.file("trace")));
  CHECK(recording.exit_code >= 64);
  CHECK(recording.exit_code <= 74);
  CHECK(recording.exit_code != 70);
  CHECK(recording.out == "");
  check_one_sentence(recording);
}

TEST_CASE("checkpoints that find no room are told of, and the recording goes on without them") {
  const TemporaryFolder folder;
  const std::string trace = folder.file("trace");
  // Checkpoints of this guest need more bytes in one file than its log does by the time it ends.
  const Outcome recording = [&] {
    const SmallFiles small(100'000);
    return run(record_to(trace, {"--checkpoint-every", "2ms"}), std::string(40, 'x') + "q");
  }();
  CAPTURE(recording.err);
  CHECK((recording.exit_code == 0 || recording.exit_code == 74));
  if (recording.exit_code == 74) check_one_sentence(recording);
  const Outcome replay = run({"replay", trace, "--check", "--console"});
  CHECK_MESSAGE(replay.exit_code == 0, replay.err);
  CHECK(replay.out == recording.out);
  CHECK(run({"trace", "verify", trace}).exit_code == 0);
}

TEST_CASE("a summary that finds no room does not spoil the trace") {
  const TemporaryFolder folder;
  const std::string trace = folder.file("trace");
  const Outcome recording = run(record_to(trace, {"--summary", "/dev/full"}), "q");
  CHECK(recording.exit_code == 74);
  check_one_sentence(recording);
  CHECK(replayed(trace, {"--check"}).complete);
}

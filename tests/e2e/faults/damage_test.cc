// Traces of which a byte was changed. It is found by whoever needs it, it is always found by `trace verify`, and no
// replay ends elsewhere than the recording and says that all is well.
#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>

#include "tests/e2e/faults/trace_desk.h"

using namespace lockstitch::test;

namespace {

struct Wish {
  std::vector<std::string> flags;
  Needed needed;
};

/// Changes one byte, lets `check` look and puts it back.
template <class Check>
void with_flip(const TraceCopy& copy, const std::string& name, Flip flip, Check check) {
  CAPTURE(name);
  CAPTURE(flip.at);
  CAPTURE(static_cast<int>(flip.by));
  const auto original = copy.contents(name);
  auto bytes = original;
  bytes[flip.at] ^= flip.by;
  copy.put(name, bytes);
  check();
  copy.put(name, original);
}

void check_flips(const TraceCopy& copy, const std::string& name, std::size_t count, const std::vector<Wish>& wishes) {
  INFO("LOCKSTITCH_SEED=", seed());
  std::mt19937_64 random(seed());
  const std::size_t size = copy.contents(name).size();
  for (std::size_t i = 0; i < several(count); ++i) {
    with_flip(copy, name, random_flip(random, size), [&] {
      for (const Wish& wish : wishes) check_replay_of_harmed(copy.path(), wish.flags, wish.needed);
      check_verify_of_harmed(copy.path());
    });
  }
}

}  // namespace

TEST_CASE("the recording that is harmed below replays whole, from every checkpoint and as a copy") {
  const TraceCopy copy;
  const auto& r = recorded();
  for (const std::vector<std::string>& flags : {std::vector<std::string>{},
                                                {"--check"},
                                                {"--from", copy.file(r.checkpoints[0])},
                                                {"--from", copy.file(r.checkpoints[2]), "--check"}}) {
    const Replayed end = replayed(copy.path(), flags);
    CHECK(end.complete);
    CHECK(end.digest == r.end.digest);
    CHECK(end.ticks == r.end.ticks);
  }
  CHECK(run({"replay", copy.path(), "--console"}).out == r.console);
  copy.open_log();
  CHECK(replayed(copy.path()).digest == r.end.digest);
}

TEST_CASE("a trace with any byte of its header changed is refused") {
  const TraceCopy copy;
  INFO("LOCKSTITCH_SEED=", seed());
  std::mt19937_64 random(seed());
  const std::size_t size = copy.contents("trace.header").size(), step = size / several(size);
  for (std::size_t at = 0; at < size; at += step) {
    with_flip(copy, "trace.header", {at, random_flip(random, size).by}, [&] {
      check_replay_of_harmed(copy.path(), {"--check"}, Needed::yes);
      check_verify_of_harmed(copy.path());
    });
  }
}

TEST_CASE("a changed byte of the log is found, whether it is sealed or open") {
  const auto& r = recorded();
  for (const bool open : {false, true}) {
    const TraceCopy copy;
    if (open) copy.open_log();
    check_flips(copy, open ? open_log : sealed_log, 30,
                {{{}, Needed::yes},
                 {{"--check"}, Needed::yes},
                 {{"--from", copy.file(r.checkpoints[1]), "--check"}, Needed::yes}});
  }
}

TEST_CASE("a changed byte of a checkpoint is found by who compares with it or starts there, and harms nobody else") {
  const TraceCopy copy;
  const auto& r = recorded();
  for (std::size_t n = 0; n < r.checkpoints.size(); ++n) {
    // Later ones are compared with, earlier ones are not looked at.
    const auto from = [&](std::size_t start) {
      return std::vector<std::string>{"--from", copy.file(r.checkpoints[start])};
    };
    const auto from_checked = [&](std::size_t start) {
      return std::vector<std::string>{"--from", copy.file(r.checkpoints[start]), "--check"};
    };
    check_flips(copy, r.checkpoints[n], 10,
                {{{}, Needed::maybe},
                 {{"--check"}, Needed::yes},
                 {from(n), Needed::yes},
                 {from((n + 1) % 3), Needed::maybe},
                 {from_checked(0), Needed::yes},
                 {from_checked(2), n == 2 ? Needed::yes : Needed::maybe},
                 {{"--from", std::to_string(r.end.ticks)}, n == 2 ? Needed::yes : Needed::maybe}});
  }
}

TEST_CASE("a changed byte of the pages is found by who compares with them, and the others end as the recording did") {
  const TraceCopy copy;
  const auto& r = recorded();
  check_flips(copy, "checkpoints/pages", 30,
              {{{}, Needed::maybe},
               {{"--check"}, Needed::yes},
               {{"--from", copy.file(r.checkpoints[0])}, Needed::maybe},
               {{"--from", copy.file(r.checkpoints[2])}, Needed::maybe}});
}

TEST_CASE("a changed byte of the kernel in the trace is found when there is no other copy of it") {
  const TraceCopy copy;
  std::string name;
  for (const auto& file : std::filesystem::directory_iterator(copy.file("images"))) {
    name = "images/" + file.path().filename().string();
  }
  REQUIRE(!name.empty());
  check_flips(copy, name, 10, {{{}, Needed::yes}, {{"--from", copy.file(recorded().checkpoints[0])}, Needed::yes}});
}

TEST_CASE("a changed byte of a packed trace is found, unless it is one of zstd's that mean nothing") {
  const TraceCopy copy;
  const Outcome packed = run({"trace", "pack", copy.path(), "-o", copy.file("packed")});
  REQUIRE_MESSAGE(packed.exit_code == 0, packed.err);
  CHECK(replayed(copy.file("packed"), {"--check"}).digest == recorded().end.digest);
  INFO("LOCKSTITCH_SEED=", seed());
  std::mt19937_64 random(seed());
  const std::size_t size = copy.contents("packed").size();
  std::vector<Flip> flips;
  for (std::size_t i = 0; i < several(40); ++i) flips.push_back(random_flip(random, size));
  for (std::size_t i = 0; i < several(20); ++i) {
    flips.push_back({i, random_flip(random, size).by});
    flips.push_back({size - 1 - i, random_flip(random, size).by});
  }
  std::size_t meaningless = 0;
  for (const Flip flip : flips) {
    with_flip(copy, "packed", flip, [&] {
      const std::string unpacked = copy.file("unpacked");
      const Outcome outcome = run({"trace", "unpack", copy.file("packed"), "-o", unpacked});
      if (outcome.exit_code != 0) {
        check_one_sentence(outcome);
        CHECK((outcome.exit_code == 65 || outcome.exit_code == 66));
        CHECK(!std::filesystem::exists(unpacked));
        check_replay_of_harmed(copy.file("packed"), {"--check"}, Needed::yes);
        check_verify_of_harmed(copy.file("packed"));
        return;
      }
      // The size of zstd's window, for one: everything in the archive is what it was.
      ++meaningless;
      for (const auto& file : std::filesystem::recursive_directory_iterator(recorded().trace)) {
        if (!file.is_regular_file()) continue;
        const std::string name = std::filesystem::relative(file.path(), recorded().trace).string();
        CHECK(copy.contents(name) == copy.contents("unpacked/" + name));
      }
      std::filesystem::remove_all(unpacked);
    });
  }
  CHECK(meaningless <= 1 + flips.size() / 20);
}

TEST_CASE("a packed trace cut at any place is refused") {
  const TraceCopy copy;
  REQUIRE(run({"trace", "pack", copy.path(), "-o", copy.file("packed")}).exit_code == 0);
  INFO("LOCKSTITCH_SEED=", seed());
  std::mt19937_64 random(seed());
  const auto original = copy.contents("packed");
  for (std::size_t i = 0; i < several(25); ++i) {
    const std::size_t length = i == 0 ? 0 : i == 1 ? original.size() - 1 : random() % original.size();
    CAPTURE(length);
    copy.put("packed", {original.begin(), original.begin() + static_cast<std::ptrdiff_t>(length)});
    check_replay_of_harmed(copy.file("packed"), {}, Needed::yes);
    check_verify_of_harmed(copy.file("packed"));
  }
}

TEST_CASE("files of another recording of the same guest are refused in this one") {
  const TraceCopy copy, other;
  REQUIRE(run({"record", "--flat", "--kernel", LOCKSTITCH_CHATTY, "--memory", "4M", "--seed", "7", "-o",
               other.file("second")},
              "q")
              .exit_code == 0);
  const auto& r = recorded();
  for (const std::string& name : {std::string("trace.header"), sealed_log}) {
    CAPTURE(name);
    const auto original = copy.contents(name);
    copy.put(name, other.contents("second/" + name));
    check_replay_of_harmed(copy.path(), {"--check"}, Needed::yes);
    check_verify_of_harmed(copy.path());
    copy.put(name, original);
  }
  const std::uint64_t tick = replayed(other.file("second")).ticks / 2;
  REQUIRE(run({"checkpoint", other.file("second"), "--at", std::to_string(tick)}).exit_code == 0);
  std::string foreign;
  for (const auto& file : std::filesystem::directory_iterator(other.file("second/checkpoints"))) {
    if (file.path().extension() == ".checkpoint") foreign = file.path().string();
  }
  check_replay_of_harmed(copy.path(), {"--from", foreign}, Needed::yes);
  std::filesystem::copy_file(other.file("second/checkpoints/pages"), copy.file("checkpoints/pages"),
                             std::filesystem::copy_options::overwrite_existing);
  check_replay_of_harmed(copy.path(), {"--from", copy.file(r.checkpoints[2])}, Needed::yes);
  check_verify_of_harmed(copy.path());
}

TEST_CASE("a trace of which a file is missing is refused, or the file was not needed") {
  const auto& r = recorded();
  for (const std::string& name : {std::string("trace.header"), std::string("log"), r.checkpoints[1],
                                  std::string("checkpoints/pages"), std::string("images")}) {
    CAPTURE(name);
    const TraceCopy copy;
    std::filesystem::remove_all(copy.file(name));
    const bool of_checkpoints = name.starts_with("checkpoints");
    check_replay_of_harmed(copy.path(), {}, of_checkpoints ? Needed::maybe : Needed::yes);
    check_replay_of_harmed(copy.path(), {"--from", copy.file(r.checkpoints[1])}, Needed::yes);
    // A checkpoint more or less is no damage.
    if (name != r.checkpoints[1]) check_verify_of_harmed(copy.path());
  }
}

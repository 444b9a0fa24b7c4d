// The witness's store across cuts at any byte, kill -9 at any moment, damage, and two who want it.
#include "sync/peer/witness_store.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <optional>
#include <random>
#include <vector>

#include "sync/peer/record_text.h"
#include "tests/unit/peer/temporary_folder.h"

namespace lockstitch::sync {
namespace {

using test::contents_of;
using test::put;
using test::TemporaryFolder;

WitnessStore opened(const std::string& folder) {
  auto store = WitnessStore::open(folder);
  REQUIRE_MESSAGE(store.ok(), store.error().text);
  return std::move(store).value();
}

WitnessStore::Raised raised(WitnessStore& store, const std::string& pair, Term expected, const std::string& holder) {
  auto answer = store.raise(pair, expected, holder);
  REQUIRE_MESSAGE(answer.ok(), answer.error().text);
  return std::move(answer).value();
}

TEST_CASE("what was granted is there after the store was opened again") {
  const TemporaryFolder folder;
  {
    WitnessStore store = opened(folder / "state");
    CHECK(store.read("one") == ArbiterRecord{});
    CHECK(raised(store, "one", 0, "a").now);
    CHECK(raised(store, "one", 1, "b").now);
    CHECK(raised(store, "two", 0, "x").now);
    const auto again = raised(store, "two", 0, "x");
    CHECK(again.claim == Claim::granted);
    CHECK(!again.now);
    CHECK(raised(store, "two", 0, "y").claim == Claim::denied);
  }
  const WitnessStore store = opened(folder / "state");
  CHECK(store.read("one") == ArbiterRecord{2, "b"});
  CHECK(store.read("two") == ArbiterRecord{1, "x"});
  CHECK(store.read("three") == ArbiterRecord{});
}

TEST_CASE("a successor that was cut at any byte leaves the old record") {
  const TemporaryFolder folder;
  const std::string state = folder / "state";
  {
    WitnessStore store = opened(state);
    raised(store, "pair", 0, "a");
  }
  const std::string successor = record_text("pair", {2, "b"});
  for (std::size_t cut = 0; cut <= successor.size(); ++cut) {
    CAPTURE(cut);
    put(state + "/pair.term.new-0123456789abcdef", successor.substr(0, cut));
    WitnessStore store = opened(state);
    CHECK(store.read("pair") == ArbiterRecord{1, "a"});
    CHECK(!std::filesystem::exists(state + "/pair.term.new-0123456789abcdef"));
  }
}

TEST_CASE("a record cut or changed at any byte is refused in one sentence, and not taken for a guest that never ran") {
  const TemporaryFolder folder;
  const std::string state = folder / "state";
  {
    WitnessStore store = opened(state);
    raised(store, "pair", 0, "a");
    raised(store, "pair", 1, "b");
  }
  const std::string path = state + "/pair.term", whole = contents_of(path);
  const auto check_refused = [&] {
    const auto store = WitnessStore::open(state);
    REQUIRE(!store.ok());
    CHECK(store.error().code == ExitCode::bad_input);
    CHECK(store.error().text.find(path) != std::string::npos);
    CHECK(store.error().text.find("damaged") != std::string::npos);
    CHECK(store.error().text.find(". ") == std::string::npos);
  };
  for (std::size_t cut = 0; cut < whole.size(); ++cut) {
    CAPTURE(cut);
    put(path, whole.substr(0, cut));
    check_refused();
  }
  for (std::size_t at = 0; at < whole.size(); ++at) {
    CAPTURE(at);
    std::string flipped = whole;
    flipped[at] = static_cast<char>(flipped[at] ^ 4);
    put(path, flipped);
    check_refused();
  }
  put(path, whole + "\n");
  check_refused();
  put(path, std::string(10000, 'x'));
  check_refused();
  put(path, whole);
  CHECK(opened(state).read("pair") == ArbiterRecord{2, "b"});
}

TEST_CASE("killed at any moment, it holds every term that it granted and none that nobody claimed") {
  const char* given = std::getenv("LOCKSTITCH_SEED");
  const std::uint64_t seed = given != nullptr ? std::strtoull(given, nullptr, 0) : std::random_device{}();
  INFO("LOCKSTITCH_SEED=", seed);
  std::mt19937_64 random(seed);
  const TemporaryFolder folder;
  const std::string state = folder / "state";
  Term granted = 0;
  for (int round = 0; round < 30; ++round) {
    int told[2];
    REQUIRE(::pipe2(told, O_CLOEXEC) == 0);
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
      auto store = WitnessStore::open(state);
      if (!store.ok()) ::_exit(1);
      for (Term term = granted;; ++term) {
        const auto answer = store.value().raise("pair", term, "a");
        // The one that was killed may have raised it without a word.
        if (!answer.ok() || answer.value().claim != Claim::granted) ::_exit(2);
        if (::write(told[1], &term, sizeof term) != sizeof term) ::_exit(3);
      }
    }
    ::close(told[1]);
    const Term stop = granted + 1 + random() % 20;
    for (Term term = 0; granted < stop;) {
      REQUIRE(::read(told[0], &term, sizeof term) == sizeof term);
      granted = term + 1;
    }
    ::usleep(static_cast<useconds_t>(random() % 2000));
    ::kill(child, SIGKILL);
    int status = 0;
    ::waitpid(child, &status, 0);
    CHECK(WIFSIGNALED(status));
    for (Term term = 0; ::read(told[0], &term, sizeof term) == sizeof term;) granted = term + 1;
    ::close(told[0]);
    const ArbiterRecord found = opened(state).read("pair");
    CHECK(found.holder == "a");
    CHECK(found.term >= granted);
    CHECK(found.term <= granted + 1);
  }
}

TEST_CASE("two witnesses do not share a folder") {
  const TemporaryFolder folder;
  std::optional<WitnessStore> first = opened(folder / "state");
  const auto second = WitnessStore::open(folder / "state");
  REQUIRE(!second.ok());
  CHECK(second.error().text.find("Another witness") != std::string::npos);
  first.reset();
  CHECK(WitnessStore::open(folder / "state").ok());
}

TEST_CASE("a folder that cannot be is refused, and one that went away grants nothing") {
  const TemporaryFolder folder;
  const auto nowhere = WitnessStore::open(folder / "no/state");
  REQUIRE(!nowhere.ok());
  CHECK(nowhere.error().code == ExitCode::unavailable);
  WitnessStore store = opened(folder / "state");
  raised(store, "pair", 0, "a");
  std::filesystem::remove_all(folder / "state");
  const auto refused = raised(store, "pair", 1, "a");
  CHECK(refused.claim == Claim::unreachable);
  CHECK(!refused.why.empty());
  CHECK(store.read("pair") == ArbiterRecord{1, "a"});
}

TEST_CASE("names that would leave the folder are refused") {
  const TemporaryFolder folder;
  WitnessStore store = opened(folder / "state");
  for (const std::string& bad : std::vector<std::string>{"", "..", "a/b", "A", std::string(64, 'a')}) {
    CAPTURE(bad);
    CHECK(raised(store, bad, 0, "a").claim == Claim::unreachable);
    CHECK(raised(store, "pair", 0, bad).claim == Claim::unreachable);
  }
  CHECK(store.read("pair") == ArbiterRecord{});
}

}  // namespace
}  // namespace lockstitch::sync

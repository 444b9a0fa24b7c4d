// What a replica remembers of itself: never lost, never somebody else's, and never quietly something else.
#include "sync/peer/standing_file.h"

#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>

#include "tests/unit/pair/bytes.h"
#include "tests/unit/peer/temporary_folder.h"

namespace lockstitch::sync {
namespace {

using test::contents_of;
using test::put;
using test::TemporaryFolder;

Standing reopened(const std::string& folder) {
  auto file = StandingFile::open(folder, "pair");
  REQUIRE(file.ok());
  return file.value().standing();
}

void write(const std::string& folder, const Standing& standing) {
  auto file = StandingFile::open(folder, "pair");
  REQUIRE(file.ok());
  REQUIRE(file.value().write(standing).ok());
}

TEST_CASE("a replica without a file is fresh, and what was written is read back") {
  const TemporaryFolder folder;
  const std::string state = folder / "not/yet/there";
  CHECK(reopened(state) == Standing{});
  for (const Term term : {Term{1}, Term{10}, ~Term{0}}) {
    for (const Right right : {Right::fresh, Right::led, Right::followed, Right::outdated}) {
      write(state, {term, right});
      CHECK(reopened(state) == Standing{term, right});
    }
  }
}

TEST_CASE("a file with any byte changed, any length, or bytes behind it is refused, or means the same") {
  const TemporaryFolder folder;
  const Standing standing{1234, Right::led};
  write(folder.path(), standing);
  const std::string path = folder / "standing", whole = contents_of(path);
  std::vector<std::string> damaged{whole + "x", whole + whole, "", "\n", std::string(100, '\0')};
  for (std::size_t at = 0; at < whole.size(); ++at) {
    damaged.push_back(whole.substr(0, at));
    damaged.push_back(whole.substr(at + 1));
    for (const int byte : std::vector<int>{0, '\n', ' ', '0', '9', whole[at] ^ 1, whole[at] ^ 0x80}) {
      damaged.push_back(whole);
      damaged.back()[at] = static_cast<char>(byte);
    }
  }
  for (const std::string& text : damaged) {
    put(path, text);
    CAPTURE(text);
    const auto file = StandingFile::open(folder.path(), "pair");
    if (file.ok()) {
      CHECK(text == whole);
      CHECK(file.value().standing() == standing);
      continue;
    }
    CHECK(file.error().code == ExitCode::bad_input);
    CHECK(file.error().text.find(path) != std::string::npos);
    test::check_sentence(file.error());
  }
  put(path, whole);
  CHECK(reopened(folder.path()) == standing);
}

TEST_CASE("the folder of another pair is refused by the names of both") {
  const TemporaryFolder folder;
  write(folder.path(), {3, Right::followed});
  const auto file = StandingFile::open(folder.path(), "other");
  REQUIRE(!file.ok());
  CHECK(file.error().code == ExitCode::bad_input);
  CHECK(file.error().text.find("'pair'") != std::string::npos);
  CHECK(file.error().text.find("'other'") != std::string::npos);
  CHECK(reopened(folder.path()) == Standing{3, Right::followed});
}

TEST_CASE("a second process is refused while the first lives, and let in when it is gone") {
  const TemporaryFolder folder;
  const auto opens_elsewhere = [&] {
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
      const auto file = StandingFile::open(folder.path(), "pair");
      if (file.ok()) ::_exit(0);
      ::_exit(file.error().text.find("in use by another process") != std::string::npos ? 1 : 2);
    }
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 99;
  };
  {
    auto file = StandingFile::open(folder.path(), "pair");
    REQUIRE(file.ok());
    CHECK(opens_elsewhere() == 1);
    // It is the folder that is taken, also after the file was replaced.
    REQUIRE(file.value().write({1, Right::led}).ok());
    CHECK(opens_elsewhere() == 1);
  }
  CHECK(opens_elsewhere() == 0);
}

TEST_CASE("a folder that cannot be made or written is a sentence") {
  const TemporaryFolder folder;
  put(folder / "file", "");
  for (const std::string& place : {folder / "file", folder / "file/below"}) {
    const auto file = StandingFile::open(place, "pair");
    REQUIRE(!file.ok());
    CHECK(file.error().code == ExitCode::unavailable);
    CHECK(file.error().text.find("--state") != std::string::npos);
    test::check_sentence(file.error());
  }
  auto file = StandingFile::open(folder / "state", "pair");
  REQUIRE(file.ok());
  std::filesystem::remove_all(folder / "state");
  const Outcome written = file.value().write({1, Right::led});
  REQUIRE(!written.ok());
  test::check_sentence(written.error());
}

}  // namespace
}  // namespace lockstitch::sync

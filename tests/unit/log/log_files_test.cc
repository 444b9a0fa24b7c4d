// A log on disk: whole, killed, cut, changed, full.
#include <signal.h>
#include <sys/resource.h>

#include <algorithm>
#include <cstdlib>
#include <random>

#include "sync/log/segment.h"
#include "tests/unit/log/sample_log.h"

namespace lockstitch::test {

using namespace sync;

namespace {

std::uint64_t seed() {
  const char* text = std::getenv("LOCKSTITCH_SEED");
  return text != nullptr ? std::strtoull(text, nullptr, 0) : 1;
}

constexpr std::uint64_t several_segments = 4000, one_segment = 1 << 20;

/// Writes the entries in pieces as a recorder would.
std::unique_ptr<LogWriter> write_log(const std::string& folder, const std::vector<Entry>& entries, std::size_t piece,
                                     std::uint64_t segment_bytes = several_segments) {
  LogOptions options;
  options.segment_bytes = segment_bytes;
  auto writer = LogWriter::create(folder, log_start, options);
  REQUIRE_MESSAGE(writer.ok(), writer.error().text);
  for (std::size_t i = 0; i < entries.size(); i += piece) {
    const auto first = entries.begin() + static_cast<std::ptrdiff_t>(i);
    const auto last = entries.begin() + static_cast<std::ptrdiff_t>(std::min(i + piece, entries.size()));
    REQUIRE(writer.value()->write({first, last}).ok());
  }
  return std::move(writer).value();
}

std::vector<Entry> complete_log() {
  auto entries = sample_entries(200);
  entries.push_back(end_entry(Tick{99'999}));
  return entries;
}

std::vector<std::string> texts(const std::vector<Entry>& entries) {
  std::vector<std::string> texts;
  for (const Entry& entry : entries) texts.push_back(whole_text(entry));
  return texts;
}

std::vector<std::string> names(const std::string& folder) {
  std::vector<std::string> names;
  for (const auto& file : std::filesystem::directory_iterator(folder)) names.push_back(file.path().filename().string());
  std::sort(names.begin(), names.end());
  return names;
}

/// The first entries of `whole`, and it says so.
void check_is_beginning(const ReadLog& log, const std::vector<std::string>& whole) {
  REQUIRE(log.entries.size() <= whole.size());
  CHECK(std::equal(log.entries.begin(), log.entries.end(), whole.begin()));
  if (log.entries.size() == whole.size()) return;
  CHECK((!log.cut.empty() || !log.error.empty()));
  CHECK(!log.complete);
}

}  // namespace

TEST_CASE("a closed log is sealed and reads as it was written") {
  const TemporaryFolder folder;
  const auto entries = complete_log();
  REQUIRE(write_log(folder.path(), entries, 7)->close().ok());
  const ReadLog log = read_log(folder.path());
  CHECK(log.error == "");
  CHECK(log.cut == "");
  CHECK(log.complete);
  CHECK(log.entries == texts(entries));
  const auto files = names(folder.path());
  CHECK(files.size() > 3);
  for (const std::string& name : files) CHECK(name.ends_with(".zst"));
}

TEST_CASE("a log whose writer is still there, or was killed, reads up to the last write") {
  const TemporaryFolder folder;
  const auto entries = sample_entries(200);
  const auto writer = write_log(folder.path(), entries, 7);
  const ReadLog log = read_log(folder.path());
  CHECK(log.error == "");
  CHECK(log.cut.find("end was never written") != std::string::npos);
  CHECK(!log.complete);
  CHECK(log.entries == texts(entries));
}

TEST_CASE("a segment that was sealed but not yet removed in its open form is read once") {
  const TemporaryFolder folder;
  const auto entries = complete_log();
  {
    LogOptions options;
    auto writer = LogWriter::create(folder.path(), log_start, options);
    REQUIRE(writer.value()->write(entries).ok());
    std::filesystem::copy(segment_names(folder.path(), 0).open, folder.file("kept"));
    REQUIRE(writer.value()->close().ok());
  }
  std::filesystem::rename(folder.file("kept"), segment_names(folder.path(), 0).open);
  CHECK(read_log(folder.path()).entries == texts(entries));
}

TEST_CASE("a log cut at any byte of its last segment, open or sealed, gives what is before the cut and says so") {
  for (const bool sealed : {false, true}) {
    const TemporaryFolder folder;
    const auto entries = complete_log();
    const auto writer = write_log(folder.path(), entries, 7);
    if (sealed) REQUIRE(writer->close().ok());
    const auto whole = texts(entries);
    const std::uint64_t last = list_segments(folder.path()).value().back();
    const SegmentNames segment = segment_names(folder.path(), last);
    const std::string path = sealed ? segment.sealed : segment.open;
    const auto size = std::filesystem::file_size(path);
    for (std::uintmax_t length = size; length-- > 0;) {
      std::filesystem::resize_file(path, length);
      const ReadLog log = read_log(folder.path());
      CHECK(log.error == "");
      CHECK(log.cut != "");
      CHECK(log.entries.size() < whole.size());
      check_is_beginning(log, whole);
    }
  }
}

TEST_CASE("a log with a segment missing or cut in the middle gives what is before it and says so") {
  const auto entries = complete_log();
  const auto whole = texts(entries);
  for (const bool remove : {true, false}) {
    const TemporaryFolder folder;
    REQUIRE(write_log(folder.path(), entries, 7)->close().ok());
    const std::string second = segment_names(folder.path(), 1).sealed;
    if (remove)
      std::filesystem::remove(second);
    else
      std::filesystem::resize_file(second, std::filesystem::file_size(second) / 2);
    const ReadLog log = read_log(folder.path());
    CHECK(log.error == "");
    CHECK(log.cut.find("later segment") != std::string::npos);
    CHECK(!log.entries.empty());
    check_is_beginning(log, whole);
  }
}

TEST_CASE("no changed byte of a log goes unnoticed, and none is taken for a mere cut") {
  INFO("LOCKSTITCH_SEED=", seed());
  std::mt19937_64 random(seed());
  for (const bool sealed : {false, true}) {
    const TemporaryFolder folder;
    const auto entries = complete_log();
    // An open segment must not be sealed behind our back.
    const auto writer = write_log(folder.path(), entries, 7, sealed ? several_segments : one_segment);
    if (sealed) REQUIRE(writer->close().ok());
    const auto whole = texts(entries);
    for (const std::string& name : names(folder.path())) {
      const auto original = folder.contents(name);
      for (std::size_t i = 0; i < original.size(); i += 1 + random() % 5) {
        CAPTURE(name);
        CAPTURE(i);
        auto bytes = original;
        bytes[i] ^= static_cast<std::uint8_t>(1 + random() % 255);
        folder.file(name, bytes);
        const ReadLog log = read_log(folder.path());
        CHECK(log.error != "");
        check_is_beginning(log, whole);
      }
      folder.file(name, original);
    }
  }
}

TEST_CASE("the log of another trace is refused from its first byte") {
  const TemporaryFolder folder;
  REQUIRE(write_log(folder.path(), complete_log(), 7)->close().ok());
  auto reader = LogReader::open(folder.path(), {7, 7});
  REQUIRE(reader.ok());
  CHECK(!reader.value().next().ok());
}

TEST_CASE("zeros behind the last whole frame, as a power cut leaves them, are a cut and no damage") {
  const TemporaryFolder folder;
  const auto entries = sample_entries(50);
  const auto writer = write_log(folder.path(), entries, 7);
  const std::string path = segment_names(folder.path(), list_segments(folder.path()).value().back()).open;
  std::filesystem::resize_file(path, std::filesystem::file_size(path) + 777);
  const ReadLog log = read_log(folder.path());
  CHECK(log.error == "");
  CHECK(log.entries == texts(entries));
}

TEST_CASE("a full disk ends the log at its last whole frame, with one sentence") {
  const TemporaryFolder folder;
  ::signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  ::getrlimit(RLIMIT_FSIZE, &before);
  LogOptions options;
  auto writer = LogWriter::create(folder.path(), log_start, options);
  REQUIRE(writer.ok());
  const rlimit small{10'000, before.rlim_max};
  ::setrlimit(RLIMIT_FSIZE, &small);
  const auto entries = sample_entries(1000);
  std::vector<std::string> written;
  Outcome outcome = success();
  for (std::size_t i = 0; i < entries.size() && outcome.ok(); ++i) {
    outcome = writer.value()->write({entries[i]});
    if (outcome.ok()) written.push_back(whole_text(entries[i]));
  }
  const Outcome again = writer.value()->write({entries[0]});
  const Outcome closed = writer.value()->close();
  ::setrlimit(RLIMIT_FSIZE, &before);
  REQUIRE(!outcome.ok());
  CHECK(outcome.error().code == ExitCode::world);
  CHECK(again.error().text == outcome.error().text);
  CHECK(!closed.ok());
  const ReadLog log = read_log(folder.path());
  CHECK(log.error == "");
  CHECK(log.entries == written);
}

TEST_CASE("a folder without a log is a cut from the beginning, one that is not there is missing") {
  const TemporaryFolder folder;
  const ReadLog log = read_log(folder.path());
  CHECK(log.entries.empty());
  CHECK(log.cut != "");
  CHECK(LogReader::open(folder.file("nothing"), log_start).error().code == ExitCode::missing_input);
}

}  // namespace lockstitch::test

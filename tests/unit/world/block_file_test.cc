// Disk images: modes, refusals, contents against a model, and what happens when the host fails.
#include "vmm/world/block_file.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include "tests/unit/world/disk_trial.h"
#include "tests/unit/world/temporary_folder.h"

namespace lockstitch::world {

namespace {

using test::Abandoned;
using test::behaves_like;
using test::Contents;
using test::Random;
using test::random_contents;
using test::TemporaryFolder;
using test::TestTrouble;

std::string refusal(const std::string& path, BlockMode mode) {
  TestTrouble trouble;
  const auto disk = BlockFile::open(path, mode, trouble);
  return disk.ok() ? "" : disk.error().text;
}

bool says(const std::string& sentence, const char* part) { return sentence.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("a read-write disk holds what was written, and the image is the disk") {
  const std::uint64_t seed = test::run_seed();
  CAPTURE(seed);
  Random random(seed);
  const TemporaryFolder folder;
  Contents model = random_contents(random, 1001 * sector_bytes);
  TestTrouble trouble;
  {
    auto disk = BlockFile::open(folder.file("disk", model), BlockMode::read_write, trouble);
    REQUIRE(disk.ok());
    CHECK(disk.value()->sectors() == 1001);
    CHECK(!disk.value()->read_only());
    CHECK(behaves_like(*disk.value(), model, random, 300));
    disk.value()->flush();
  }
  CHECK(folder.contents("disk") == model);
  CHECK(trouble.reports.empty());
}

TEST_CASE("an overlay holds what was written and the image stays as it was") {
  const std::uint64_t seed = test::run_seed();
  CAPTURE(seed);
  Random random(seed + 1);
  for (const std::uint64_t disk_sectors : {1, 7, 8, 9, 1001, 4096}) {
    CAPTURE(disk_sectors);
    const TemporaryFolder folder;
    const Contents image = random_contents(random, disk_sectors * sector_bytes);
    Contents model = image;
    TestTrouble trouble;
    auto disk = BlockFile::open(folder.file("disk", image), BlockMode::overlay, trouble);
    REQUIRE(disk.ok());
    CHECK(!disk.value()->read_only());
    CHECK(behaves_like(*disk.value(), model, random, 300));
    disk.value()->flush();
    CHECK(model != image);
    CHECK(folder.contents("disk") == image);
    CHECK(std::distance(std::filesystem::directory_iterator(folder.path()), {}) == 1);
  }
}

TEST_CASE("a read-only disk reads, and several may share an image") {
  const TemporaryFolder folder;
  const std::string path = folder.file("disk", Contents(4 * sector_bytes, 0x5a));
  TestTrouble trouble;
  auto first = BlockFile::open(path, BlockMode::read_only, trouble);
  auto second = BlockFile::open(path, BlockMode::read_only, trouble);
  auto third = BlockFile::open(path, BlockMode::overlay, trouble);
  REQUIRE(first.ok());
  REQUIRE(second.ok());
  REQUIRE(third.ok());
  CHECK(first.value()->read_only());
  Contents data(sector_bytes);
  first.value()->read(3, data);
  CHECK(data == Contents(sector_bytes, 0x5a));
}

TEST_CASE("an image that somebody writes is refused to everybody else, and free again afterwards") {
  const TemporaryFolder folder;
  const std::string path = folder.file("disk", Contents(sector_bytes));
  TestTrouble trouble;
  {
    const auto writer = BlockFile::open(path, BlockMode::read_write, trouble);
    REQUIRE(writer.ok());
    for (const BlockMode mode : {BlockMode::read_write, BlockMode::read_only, BlockMode::overlay}) {
      CHECK(says(refusal(path, mode), "is in use by another process"));
    }
  }
  const auto reader = BlockFile::open(path, BlockMode::read_only, trouble);
  REQUIRE(reader.ok());
  CHECK(says(refusal(path, BlockMode::read_write), "is in use by another process"));
}

TEST_CASE("what is no disk image is refused in a sentence") {
  const TemporaryFolder folder;
  for (const BlockMode mode : {BlockMode::read_write, BlockMode::read_only, BlockMode::overlay}) {
    CHECK(says(refusal(folder.file("nothing"), mode), "does not exist"));
    CHECK(says(refusal(folder.file("empty", {}), mode), "is empty"));
    CHECK(says(refusal(folder.file("odd", Contents(1000)), mode), "has 1000 bytes, which is not a multiple of 512"));
    CHECK(says(refusal("/dev/null", mode), "is neither a file nor a block device"));
  }
  CHECK(says(refusal(folder.path(), BlockMode::read_write), "is a directory"));
  CHECK(says(refusal(folder.path(), BlockMode::read_only), "is neither a file nor"));
  if (::geteuid() == 0) {
    const std::string path = folder.file("secret", Contents(sector_bytes));
    REQUIRE(::seteuid(65534) == 0);
    const std::string write = refusal(path, BlockMode::read_write), read = refusal(path, BlockMode::read_only);
    REQUIRE(::seteuid(0) == 0);
    CHECK(says(write, "may not be written by you"));
    CHECK(says(read, "may not be read by you"));
  }
}

TEST_CASE("an overlay that has no place is refused in a sentence") {
  const TemporaryFolder folder;
  const std::string path = folder.file("disk", Contents(sector_bytes));
  const char* before = std::getenv("TMPDIR");
  const std::string kept = before == nullptr ? "" : before;
  ::setenv("TMPDIR", folder.file("nowhere").c_str(), 1);
  const std::string sentence = refusal(path, BlockMode::overlay);
  if (before == nullptr) {
    ::unsetenv("TMPDIR");
  } else {
    ::setenv("TMPDIR", kept.c_str(), 1);
  }
  CHECK(says(sentence, "set TMPDIR to a folder with room"));
}

TEST_CASE("a read that the host fails returns only when it has succeeded, with the true data") {
  const TemporaryFolder folder;
  const Contents image(16 * sector_bytes, 0x77);
  const std::string path = folder.file("disk", image);
  TestTrouble trouble;
  auto disk = BlockFile::open(path, BlockMode::read_write, trouble);
  REQUIRE(disk.ok());
  REQUIRE(::truncate(path.c_str(), 3 * sector_bytes) == 0);
  trouble.on_wait = [&] {
    if (trouble.waits == 3) folder.file("disk", image);
    return true;
  };
  Contents data(8 * sector_bytes);
  disk.value()->read(0, data);
  CHECK(data == Contents(8 * sector_bytes, 0x77));
  CHECK(trouble.waits == 3);
  CHECK(trouble.overs == 1);
  REQUIRE(trouble.reports.size() == 1);
  CHECK(says(trouble.reports[0], "cannot be read at byte 1536 (the file became shorter)"));
}

TEST_CASE("a read that the host fails does not return to the machine when the process is to stop") {
  const TemporaryFolder folder;
  const std::string path = folder.file("disk", Contents(4 * sector_bytes));
  TestTrouble trouble;
  auto disk = BlockFile::open(path, BlockMode::read_write, trouble);
  REQUIRE(disk.ok());
  REQUIRE(::truncate(path.c_str(), 0) == 0);
  Contents data(sector_bytes);
  CHECK_THROWS_AS(disk.value()->read(0, data), Abandoned);
  CHECK(trouble.overs == 0);
}

}  // namespace lockstitch::world

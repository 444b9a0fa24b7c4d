// Identity of images: what they hold, and nothing else.
#include "sync/trace/image.h"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include <atomic>
#include <thread>

#include "tests/unit/trace/workshop.h"

using namespace lockstitch;
using namespace lockstitch::sync;
using namespace lockstitch::test;

namespace {

ImageIdentity identity_of(const std::string& path) {
  const auto identity = identify_image(path);
  if (!identity.ok()) FAIL(identity.error().text);
  return identity.value();
}

}  // namespace

TEST_CASE("a file, its sparse copy and the same bytes in memory have one identity, at sizes around the pieces") {
  const Workshop workshop;
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{4095}, mib - 1, mib, mib + 1, 2 * mib,
                                 3 * mib - 1, 3 * mib, 3 * mib + 4097}) {
    CAPTURE(size);
    Contents contents(size);
    // Some data in every second piece, and a last byte that is not zero every third time.
    for (std::size_t at = 70'000; at < size; at += 2 * mib) contents[at] = 7;
    if (size % 3 == 0 && size > 0) contents.back() = 9;
    const ImageIdentity in_memory = identify_image(Bytes(contents));
    CHECK(in_memory.bytes == size);
    CHECK(identity_of(workshop.write("full", contents)) == in_memory);
    CHECK(identity_of(workshop.write_sparse("sparse", contents)) == in_memory);
  }
}

TEST_CASE("the hash of the format does not change") {
  // Recorded traces name their images by it.
  CHECK(to_text(identify_image(Bytes{}).hash) == "2c0a8a99dc147d5445c3b49d035665b2");
  Contents counted(2 * mib + 5);
  for (std::size_t i = 0; i < counted.size(); ++i) counted[i] = static_cast<std::uint8_t>(i * 7 + (i >> 12));
  CHECK(to_text(identify_image(Bytes(counted)).hash) == "196b19f82d498a37d80c231a83412bf0");
}

TEST_CASE("one flipped bit, one byte more, one less, or two pieces exchanged give another identity") {
  const Contents contents = noise(2 * mib + 100, 1);
  const ImageIdentity before = identify_image(Bytes(contents));
  for (const std::size_t at : {std::size_t{0}, mib - 1, mib, 2 * mib + 99}) {
    Contents other = contents;
    other[at] ^= 1;
    CHECK(identify_image(Bytes(other)).hash != before.hash);
  }
  CHECK(identify_image(Bytes(contents).first(contents.size() - 1)).hash != before.hash);
  Contents exchanged = contents;
  std::swap_ranges(exchanged.begin(), exchanged.begin() + mib, exchanged.begin() + mib);
  CHECK(identify_image(Bytes(exchanged)).hash != before.hash);
}

TEST_CASE("zeros of different lengths differ") {
  const Workshop workshop;
  const ImageIdentity one = identity_of(workshop.write_sparse("one", Contents(mib)));
  const ImageIdentity two = identity_of(workshop.write_sparse("two", Contents(2 * mib)));
  CHECK(one.hash != two.hash);
  CHECK(one.hash != identity_of(workshop.write("less", Contents(mib - 1))).hash);
}

TEST_CASE("where an image is not zero depends on its contents and not on its holes") {
  const Workshop workshop;
  Contents contents(6 * mib + 10);
  contents[mib + 5] = contents[2 * mib] = contents[4 * mib + 3] = 1;
  for (const std::string& path : {workshop.write("full", contents), workshop.write_sparse("sparse", contents)}) {
    const auto scan = scan_image(path);
    REQUIRE(scan.ok());
    std::vector<std::pair<std::uint64_t, std::uint64_t>> data;
    for (const ByteRange& range : scan.value().data) data.emplace_back(range.offset, range.bytes);
    CHECK(data == std::vector<std::pair<std::uint64_t, std::uint64_t>>{{mib, 2 * mib}, {4 * mib, mib}, {6 * mib, 10}});
  }
}

TEST_CASE("what is missing, a folder, a pipe or may not be opened is an error that names it") {
  const Workshop workshop;
  const auto missing = identify_image(workshop.at("nowhere"));
  REQUIRE(!missing.ok());
  CHECK(missing.error().code == ExitCode::missing_input);
  CHECK(missing.error().text.find("nowhere") != std::string::npos);

  workshop.write("folder/file", {});
  const auto folder = identify_image(workshop.at("folder"));
  REQUIRE(!folder.ok());
  CHECK(folder.error().code == ExitCode::bad_input);
  CHECK(folder.error().text.find("a folder") != std::string::npos);

  REQUIRE(::mkfifo(workshop.at("pipe").c_str(), 0600) == 0);
  CHECK(!identify_image(workshop.at("pipe")).ok());
}

TEST_CASE("a file whose size changes while it is read is an error and no crash") {
  const Workshop workshop;
  const std::string path = workshop.write("moving", noise(8 * mib, 1));
  std::atomic<bool> over{false};
  std::thread changer([&] {
    while (!over) {
      std::filesystem::resize_file(path, 3 * mib);
      std::filesystem::resize_file(path, 8 * mib);
    }
  });
  unsigned seen = 0;
  for (unsigned i = 0; i < 20'000 && seen == 0; ++i) {
    const auto identity = identify_image(path);
    if (identity.ok()) continue;
    ++seen;
    CHECK(identity.error().text.find("changes its size") != std::string::npos);
  }
  over = true;
  changer.join();
  CHECK(seen > 0);
}

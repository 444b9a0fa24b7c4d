// Checkpoints whose files were changed, cut, exchanged, or not written whole: an error, or the right contents; never
// other contents.
#include "tests/unit/checkpoint/checkpoint_desk.h"

namespace lockstitch::test {

using namespace sync;

namespace {

const std::vector<RegionShape> two_regions{{"ram", 900}, {"disk0", 8}};

/// Three checkpoints, of which the first needs one block of the store, the second two and the third all.
struct ThreeCheckpoints {
  TemporaryFolder folder;
  std::string checkpoints = folder.file("checkpoints");
  PagesMachine machine{two_regions};
  std::vector<std::vector<Pages>> truth;
  std::vector<std::string> paths;

  ThreeCheckpoints() {
    const auto writer = writer_in(checkpoints, two_regions);
    for (std::uint64_t n = 0; n < 3; ++n) {
      for (std::uint64_t page = 0; page < 20; ++page) machine.write(0, 300 * n + page, page_of(1000 * n + page));
      machine.write(1, n, page_of(n));
      REQUIRE(writer->add(machine.snapshot(Tick{n + 1})).ok());
      REQUIRE(writer->finish().ok());
      truth.push_back(machine.regions());
      paths.push_back(checkpoint_path(checkpoints, Tick{n + 1}));
    }
  }

  std::string store() const { return page_store_path(checkpoints); }
};

Page contents_of(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

void write_file(const std::string& path, const Page& bytes) {
  std::ofstream(path, std::ios::binary)
      .write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
}

void check_one_sentence(const std::string& text) {
  CHECK(text.ends_with("."));
  CHECK(text.find('\n') == std::string::npos);
  CHECK(text.size() > 20);
}

std::vector<StoreBlock> blocks_of(const std::string& store) {
  const auto reader = PageStoreReader::open(store, this_trace);
  REQUIRE(reader.ok());
  return reader.value().blocks();
}

/// An error, or exactly what the checkpoint was.
bool loads_or_says_why(const std::string& path, const std::vector<Pages>& truth) {
  const Loaded loaded = load_all(path);
  if (loaded.error.empty()) {
    CHECK(loaded.regions == truth);
    return true;
  }
  CHECK((loaded.code == ExitCode::bad_input || loaded.code == ExitCode::missing_input));
  check_one_sentence(loaded.error);
  return false;
}

}  // namespace

TEST_CASE("a checkpoint with any byte changed is refused") {
  INFO("LOCKSTITCH_SEED=", seed());
  std::mt19937_64 random(seed());
  const ThreeCheckpoints desk;
  const std::string& path = desk.paths[1];
  const Page original = contents_of(path);
  REQUIRE(original.size() > 100);
  for (std::size_t i = 0; i < original.size(); ++i) {
    for (const unsigned flip : {1u, 0x80u, static_cast<unsigned>(1 + random() % 255)}) {
      CAPTURE(i);
      Page bytes = original;
      bytes[i] ^= static_cast<std::uint8_t>(flip);
      write_file(path, bytes);
      const auto file = CheckpointFile::open(path, this_trace);
      REQUIRE(!file.ok());
      CHECK(file.error().code == ExitCode::bad_input);
      check_one_sentence(file.error().text);
    }
  }
  write_file(path, original);
  CHECK(loads_or_says_why(path, desk.truth[1]));
}

TEST_CASE("a checkpoint cut at any length, and one with bytes behind its end, is refused and says which it is") {
  const ThreeCheckpoints desk;
  const std::string& path = desk.paths[1];
  const Page original = contents_of(path);
  for (std::size_t length = original.size(); length-- > 0;) {
    std::filesystem::resize_file(path, length);
    const auto file = CheckpointFile::open(path, this_trace);
    REQUIRE(!file.ok());
    CHECK(file.error().code == ExitCode::bad_input);
    CHECK(file.error().text.find("cut off") != std::string::npos);
  }
  for (const std::size_t more : {1, 24, 4096}) {
    Page bytes = original;
    bytes.insert(bytes.end(), more, std::uint8_t{0});
    write_file(path, bytes);
    const auto file = CheckpointFile::open(path, this_trace);
    REQUIRE(!file.ok());
    CHECK(file.error().code == ExitCode::bad_input);
  }
  std::filesystem::remove(path);
  CHECK(CheckpointFile::open(path, this_trace).error().code == ExitCode::missing_input);
}

TEST_CASE("a changed byte in the store costs the checkpoints that need it and no others") {
  INFO("LOCKSTITCH_SEED=", seed());
  std::mt19937_64 random(seed());
  const ThreeCheckpoints desk;
  const Page original = contents_of(desk.store());
  const auto blocks = blocks_of(desk.store());
  REQUIRE(blocks.size() == 3);
  std::vector<std::size_t> places;
  for (std::size_t i = 0; i < 120; ++i) places.push_back(random() % original.size());
  std::uint64_t header = 0;
  for (const StoreBlock& block : blocks) {
    for (std::uint64_t at = header; at < block.body_offset; ++at) places.push_back(at);
    header = block.body_offset + block.body_bytes;
  }
  for (const std::size_t at : places) {
    CAPTURE(at);
    Page bytes = original;
    bytes[at] ^= static_cast<std::uint8_t>(1 + random() % 255);
    write_file(desk.store(), bytes);
    for (std::size_t n = 0; n < 3; ++n) {
      // Each needs the blocks up to its own.
      const std::uint64_t needed = blocks[n].body_offset + blocks[n].body_bytes;
      CHECK(loads_or_says_why(desk.paths[n], desk.truth[n]) == (at >= needed));
    }
  }
}

TEST_CASE("a store cut at any place keeps the checkpoints that were made before that place") {
  const ThreeCheckpoints desk;
  const auto size = std::filesystem::file_size(desk.store());
  std::vector<std::uint64_t> ends;
  for (const StoreBlock& block : blocks_of(desk.store())) {
    ends.push_back(block.body_offset + block.body_bytes);
  }
  REQUIRE(ends.size() == 3);
  REQUIRE(ends.back() == size);
  std::uintmax_t length = size;
  while (length > 0) {
    length -= std::min<std::uintmax_t>(length, 41);
    std::filesystem::resize_file(desk.store(), length);
    CAPTURE(length);
    for (std::size_t n = 0; n < 3; ++n) CHECK(loads_or_says_why(desk.paths[n], desk.truth[n]) == (length >= ends[n]));
  }
  std::filesystem::remove(desk.store());
  CHECK(load_all(desk.paths[0]).code == ExitCode::missing_input);
}

TEST_CASE("checkpoints and stores of another trace are refused, by readers and by writers") {
  const ThreeCheckpoints desk;
  const auto file = CheckpointFile::open(desk.paths[0], other_trace);
  REQUIRE(!file.ok());
  CHECK(file.error().code == ExitCode::bad_input);
  CHECK(file.error().text.find("another trace") != std::string::npos);
  CHECK(PageStoreReader::open(desk.store(), other_trace).error().code == ExitCode::bad_input);
  const auto size = std::filesystem::file_size(desk.store());
  CHECK(!CheckpointWriter::open(desk.checkpoints, other_trace, two_regions).ok());
  CHECK(std::filesystem::file_size(desk.store()) == size);

  // Another trace's store under this one's checkpoints.
  const TemporaryFolder elsewhere;
  {
    auto writer = CheckpointWriter::open(elsewhere.path(), other_trace, two_regions);
    REQUIRE(writer.ok());
    PagesMachine machine(two_regions);
    for (std::uint64_t page = 0; page < 900; ++page) machine.write(0, page, page_of(5000 + page));
    REQUIRE(writer.value()->add(machine.snapshot(Tick{1})).ok());
    REQUIRE(writer.value()->finish().ok());
  }
  std::filesystem::copy_file(page_store_path(elsewhere.path()), desk.store(),
                             std::filesystem::copy_options::overwrite_existing);
  for (std::size_t n = 0; n < 3; ++n) CHECK(!loads_or_says_why(desk.paths[n], desk.truth[n]));
}

TEST_CASE("a checkpoint renamed to another tick keeps its own") {
  const ThreeCheckpoints desk;
  const std::string renamed = checkpoint_path(desk.checkpoints, Tick{77});
  std::filesystem::rename(desk.paths[1], renamed);
  const auto file = CheckpointFile::open(renamed, this_trace);
  if (file.ok()) CHECK(file.value().tick() == Tick{2});
}

TEST_CASE("a store is continued behind a torn tail, and what was whole stays") {
  INFO("LOCKSTITCH_SEED=", seed());
  std::mt19937_64 random(seed());
  for (unsigned turn = 0; turn < 12; ++turn) {
    ThreeCheckpoints desk;
    const auto blocks = blocks_of(desk.store());
    // What a kill in the middle of the third checkpoint leaves: its block torn, the checkpoint not there.
    const std::uint64_t whole = blocks[1].body_offset + blocks[1].body_bytes;
    const std::uint64_t torn = whole + random() % (blocks[2].body_offset + blocks[2].body_bytes - whole);
    CAPTURE(torn - whole);
    std::filesystem::resize_file(desk.store(), torn);
    std::filesystem::remove(desk.paths[2]);
    const auto writer = writer_in(desk.checkpoints, two_regions);
    PagesMachine machine(two_regions);
    for (std::uint64_t page = 0; page < 30; ++page) machine.write(0, page * 3, page_of(1000 + page));
    REQUIRE(writer->add(machine.snapshot(Tick{9})).ok());
    REQUIRE(writer->finish().ok());
    CHECK(writer->counters().pages_stored == 10);
    CHECK(loads_or_says_why(desk.paths[0], desk.truth[0]));
    CHECK(loads_or_says_why(desk.paths[1], desk.truth[1]));
    CHECK(loads_or_says_why(checkpoint_path(desk.checkpoints, Tick{9}), machine.regions()));
  }
}

TEST_CASE("a store whose first block is torn, as a kill in the first checkpoint leaves it, can be begun anew") {
  for (const std::uint64_t length : {1, 39, 40, 45}) {
    CAPTURE(length);
    const ThreeCheckpoints desk;
    for (const std::string& path : desk.paths) std::filesystem::remove(path);
    std::filesystem::resize_file(desk.store(), length);
    auto writer = CheckpointWriter::open(desk.checkpoints, this_trace, two_regions);
    CHECK(writer.ok());
    if (!writer.ok()) continue;
    PagesMachine machine(two_regions);
    machine.write(0, 1, page_of(1));
    REQUIRE(writer.value()->add(machine.snapshot(Tick{9})).ok());
    REQUIRE(writer.value()->finish().ok());
    CHECK(loads_or_says_why(checkpoint_path(desk.checkpoints, Tick{9}), machine.regions()));
  }
}

TEST_CASE("a store that was damaged or cut under its checkpoints and is then continued never gives them other pages") {
  for (const bool cut : {false, true}) {
    CAPTURE(cut);
    ThreeCheckpoints desk;
    const auto blocks = blocks_of(desk.store());
    const std::uint64_t second = blocks[0].body_offset + blocks[0].body_bytes;
    if (cut) {
      std::filesystem::resize_file(desk.store(), second + 10);
    } else {
      Page bytes = contents_of(desk.store());
      bytes[second + 3] ^= 1;
      write_file(desk.store(), bytes);
    }
    auto writer = CheckpointWriter::open(desk.checkpoints, this_trace, two_regions);
    if (writer.ok()) {
      PagesMachine machine(two_regions);
      for (std::uint64_t page = 0; page < 60; ++page) machine.write(0, page, page_of(9000 + page));
      REQUIRE(writer.value()->add(machine.snapshot(Tick{9})).ok());
      REQUIRE(writer.value()->finish().ok());
      CHECK(loads_or_says_why(checkpoint_path(desk.checkpoints, Tick{9}), machine.regions()));
    }
    CHECK(loads_or_says_why(desk.paths[0], desk.truth[0]));
    CHECK(!loads_or_says_why(desk.paths[1], desk.truth[1]));
    CHECK(!loads_or_says_why(desk.paths[2], desk.truth[2]));
  }
}

}  // namespace lockstitch::test

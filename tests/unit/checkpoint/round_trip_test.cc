// Checkpoints that nothing happened to: what comes back, and what is stored only once.
#include "tests/unit/checkpoint/checkpoint_desk.h"

namespace lockstitch::test {

using namespace sync;

namespace {

const std::vector<RegionShape> three_regions{{"ram", 600}, {"disk0", 40}, {"disk1", 1}};

void check_equal(const CheckpointFile& file, const Snapshot& taken) {
  CHECK(file.tick() == taken.tick);
  CHECK(file.ns() == taken.ns);
  CHECK(file.digest() == taken.digest);
  CHECK(file.state() == taken.state);
}

}  // namespace

TEST_CASE("each of several incremental checkpoints gives back the machine as it was then, whatever came later") {
  INFO("LOCKSTITCH_SEED=", seed());
  std::mt19937_64 random(seed());
  const TemporaryFolder folder;
  PagesMachine machine(three_regions);
  std::map<std::uint64_t, std::vector<Pages>> truth;
  std::map<std::uint64_t, Snapshot> taken;
  {
    const auto writer = writer_in(folder.file("checkpoints"), three_regions);
    for (std::uint64_t tick = 10; tick <= 60; tick += 10) {
      for (unsigned i = 0; i < 300; ++i) {
        const std::size_t region = random() % 3;
        machine.write(region, random() % three_regions[region].pages, page_of(random() % 500));
      }
      taken[tick] = machine.snapshot(Tick{tick});
      truth[tick] = machine.regions();
      REQUIRE(writer->add(taken[tick]).ok());
    }
    REQUIRE(writer->finish().ok());
    CHECK(writer->counters().checkpoints == 6);
  }
  const auto listed = list_checkpoints(folder.file("checkpoints"));
  REQUIRE(listed.size() == 6);
  for (const std::size_t index : {3, 0, 5, 1, 4, 2}) {
    const CheckpointListing& listing = listed[index];
    CAPTURE(listing.tick.value);
    CHECK(listing.tick.value == 10 * (index + 1));
    const auto file = CheckpointFile::open(listing.path, this_trace);
    REQUIRE(file.ok());
    check_equal(file.value(), taken[listing.tick.value]);
    REQUIRE(file.value().shapes().size() == three_regions.size());
    for (std::size_t i = 0; i < three_regions.size(); ++i) {
      CHECK(file.value().shapes()[i].name == three_regions[i].name);
      CHECK(file.value().shapes()[i].pages == three_regions[i].pages);
    }
    CHECK(load_all(listing.path).regions == truth[listing.tick.value]);
  }
}

TEST_CASE("equal pages are stored once, across pages, regions, checkpoints and a writer that continues") {
  const TemporaryFolder folder;
  const std::string checkpoints = folder.file("checkpoints");
  {
    const auto writer = writer_in(checkpoints, three_regions);
    PagesMachine machine(three_regions);
    for (const std::uint64_t page : {0, 7, 8, 500}) machine.write(0, page, page_of(1));
    machine.write(1, 3, page_of(1));
    machine.write(2, 0, page_of(2));
    REQUIRE(writer->add(machine.snapshot(Tick{1})).ok());
    REQUIRE(writer->finish().ok());
    CHECK(writer->counters().pages_seen == 6);
    CHECK(writer->counters().pages_stored == 2);
    machine.write(0, 7, page_of(2));
    machine.write(1, 4, page_of(3));
    REQUIRE(writer->add(machine.snapshot(Tick{2})).ok());
    REQUIRE(writer->finish().ok());
    CHECK(writer->counters().pages_seen == 8);
    CHECK(writer->counters().pages_stored == 3);
    REQUIRE(writer->add(machine.snapshot(Tick{3})).ok());
    REQUIRE(writer->finish().ok());
    CHECK(writer->counters().pages_stored == 3);
    CHECK(writer->counters().checkpoints == 3);
    CHECK(load_all(checkpoint_path(checkpoints, Tick{3})).regions == machine.regions());
  }
  const auto size = std::filesystem::file_size(page_store_path(checkpoints));
  const auto writer = writer_in(checkpoints, three_regions);
  PagesMachine machine(three_regions);
  machine.write(0, 1, page_of(3));
  machine.write(0, 2, page_of(1));
  REQUIRE(writer->add(machine.snapshot(Tick{4})).ok());
  REQUIRE(writer->finish().ok());
  CHECK(writer->counters().pages_seen == 2);
  CHECK(writer->counters().pages_stored == 0);
  CHECK(std::filesystem::file_size(page_store_path(checkpoints)) == size);
  CHECK(load_all(checkpoint_path(checkpoints, Tick{4})).regions == machine.regions());
}

TEST_CASE("the bytes that were counted are those that are in the files") {
  const TemporaryFolder folder;
  const std::string checkpoints = folder.file("checkpoints");
  const auto writer = writer_in(checkpoints, three_regions);
  PagesMachine machine(three_regions);
  for (std::uint64_t page = 0; page < 600; ++page) machine.write(0, page, page_of(page));
  REQUIRE(writer->add(machine.snapshot(Tick{1})).ok());
  REQUIRE(writer->finish().ok());
  std::uint64_t bytes = 0;
  for (const auto& file : std::filesystem::directory_iterator(checkpoints)) bytes += file.file_size();
  CHECK(writer->counters().bytes_written == bytes);
  CHECK(writer->counters().pages_stored == 600);
}

TEST_CASE("a page never written is not given, one written with zeros or back to zeros is") {
  const TemporaryFolder folder;
  const std::string checkpoints = folder.file("checkpoints");
  const auto writer = writer_in(checkpoints, three_regions);
  PagesMachine machine(three_regions);
  machine.write(0, 1, zero_page());
  machine.write(0, 2, page_of(9));
  machine.write(1, 0, zero_page());
  REQUIRE(writer->add(machine.snapshot(Tick{1})).ok());
  machine.write(0, 2, zero_page());
  REQUIRE(writer->add(machine.snapshot(Tick{2})).ok());
  machine.write(0, 2, page_of(9));
  REQUIRE(writer->add(machine.snapshot(Tick{3})).ok());
  REQUIRE(writer->finish().ok());
  CHECK(writer->counters().pages_stored == 2);

  const auto pages_of = [&](std::uint64_t tick) { return load_all(checkpoint_path(checkpoints, Tick{tick})).regions; };
  const Pages first{{1, zero_page()}, {2, page_of(9)}}, second{{1, zero_page()}, {2, zero_page()}};
  const Pages disk{{0, zero_page()}};
  CHECK(pages_of(1) == std::vector<Pages>{first, disk, {}});
  CHECK(pages_of(2) == std::vector<Pages>{second, disk, {}});
  CHECK(pages_of(3) == std::vector<Pages>{first, disk, {}});
}

TEST_CASE("a machine without any change, without state and without regions has a checkpoint too") {
  const TemporaryFolder folder;
  const std::string checkpoints = folder.file("checkpoints");
  const auto writer = writer_in(checkpoints, {});
  Snapshot nothing;
  REQUIRE(writer->add(nothing).ok());
  REQUIRE(writer->finish().ok());
  const auto file = CheckpointFile::open(checkpoint_path(checkpoints, Tick{}), this_trace);
  REQUIRE_MESSAGE(file.ok(), file.error().text);
  CHECK(file.value().state().empty());
  CHECK(file.value().shapes().empty());
  CHECK(file.value().verify().ok());
}

TEST_CASE("runs that cross the blocks of the store, and pages in the reverse order of the store, come back") {
  const std::uint64_t pages = 3 * PageStoreWriter::block_pages + 17;
  const std::vector<RegionShape> shapes{{"ram", pages}, {"disk0", pages}};
  const TemporaryFolder folder;
  const std::string checkpoints = folder.file("checkpoints");
  const auto writer = writer_in(checkpoints, shapes);
  PagesMachine machine(shapes);
  for (std::uint64_t page = 0; page < pages; ++page) machine.write(0, page, page_of(page));
  for (std::uint64_t page = 0; page < pages; ++page) machine.write(1, page, page_of(pages - 1 - page));
  REQUIRE(writer->add(machine.snapshot(Tick{1})).ok());
  REQUIRE(writer->finish().ok());
  CHECK(writer->counters().pages_stored == pages);
  CHECK(load_all(checkpoint_path(checkpoints, Tick{1})).regions == machine.regions());
}

TEST_CASE("only files named as checkpoints are listed, in the order of their ticks") {
  const TemporaryFolder folder;
  CHECK(list_checkpoints(folder.file("nothing")).empty());
  for (const char* name : {"00000000000000000020.checkpoint", "00000000000000000003.checkpoint", "pages",
                           "3.checkpoint", "0000000000000000000x.checkpoint", "99999999999999999999.checkpoint",
                           "00000000000000000004.checkpoint.tmp", "18446744073709551614.checkpoint"}) {
    folder.file(name, {1});
  }
  std::vector<std::uint64_t> ticks;
  for (const auto& listing : list_checkpoints(folder.path())) ticks.push_back(listing.tick.value);
  CHECK(ticks == std::vector<std::uint64_t>{3, 20, ~std::uint64_t{1}});
}

}  // namespace lockstitch::test

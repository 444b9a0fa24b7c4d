// No room for a checkpoint: it is told, and what was there stays good.
#include <signal.h>
#include <sys/resource.h>

#include "tests/unit/checkpoint/checkpoint_desk.h"

namespace lockstitch::test {

using namespace sync;

namespace {

/// While it lives no file of this process can become longer.
class FullDisk {
 public:
  explicit FullDisk(std::uint64_t bytes) {
    ::signal(SIGXFSZ, SIG_IGN);
    ::getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit small{bytes, before_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &small);
  }
  ~FullDisk() { ::setrlimit(RLIMIT_FSIZE, &before_); }

 private:
  rlimit before_{};
};

const std::vector<RegionShape> shapes{{"ram", 4000}};

}  // namespace

TEST_CASE("a checkpoint that finds no room is reported, none follows, and the earlier ones stay loadable") {
  INFO("LOCKSTITCH_SEED=", seed());
  std::mt19937_64 random(seed());
  for (unsigned turn = 0; turn < 8; ++turn) {
    const TemporaryFolder folder;
    const std::string checkpoints = folder.file("checkpoints");
    PagesMachine machine(shapes);
    const auto writer = writer_in(checkpoints, shapes);
    for (std::uint64_t page = 0; page < 30; ++page) machine.write(0, page, page_of(page));
    REQUIRE(writer->add(machine.snapshot(Tick{1})).ok());
    REQUIRE(writer->finish().ok());
    const auto truth = machine.regions();
    const auto size = std::filesystem::file_size(page_store_path(checkpoints));
    const auto room = size + random() % 40'000;
    CAPTURE(room - size);
    {
      const FullDisk full(room);
      for (std::uint64_t page = 0; page < 700; ++page) machine.write(0, 1000 + page, page_of(1000 + page));
      REQUIRE(writer->add(machine.snapshot(Tick{2})).ok());
      const Outcome finished = writer->finish();
      REQUIRE(!finished.ok());
      CHECK(finished.error().code == ExitCode::world);
      CHECK(finished.error().text.ends_with("."));
    }
    const Outcome later = writer->add(machine.snapshot(Tick{3}));
    REQUIRE(!later.ok());
    CHECK(later.error().text == writer->finish().error().text);
    CHECK(writer->counters().checkpoints == 1);

    const auto listed = list_checkpoints(checkpoints);
    REQUIRE(listed.size() == 1);
    CHECK(load_all(listed[0].path).regions == truth);

    // With room again somebody else can go on.
    const auto next = writer_in(checkpoints, shapes);
    PagesMachine whole(shapes);
    for (const auto& [page, contents] : machine.regions()[0]) whole.write(0, page, contents);
    REQUIRE(next->add(whole.snapshot(Tick{4})).ok());
    REQUIRE(next->finish().ok());
    CHECK(load_all(checkpoint_path(checkpoints, Tick{4})).regions == machine.regions());
    CHECK(load_all(listed[0].path).regions == truth);
  }
}

TEST_CASE("a checkpoint whose pages find room but whose own file does not leaves no trace under its name") {
  const TemporaryFolder folder;
  const std::string checkpoints = folder.file("checkpoints");
  const auto writer = writer_in(checkpoints, shapes);
  PagesMachine machine(shapes);
  Snapshot snapshot = machine.snapshot(Tick{1});
  std::mt19937_64 random(seed());
  snapshot.state.resize(50'000);
  for (auto& byte : snapshot.state) byte = static_cast<std::uint8_t>(random());
  {
    const FullDisk full(20'000);
    REQUIRE(writer->add(snapshot).ok());
    const Outcome finished = writer->finish();
    REQUIRE(!finished.ok());
    CHECK(finished.error().code == ExitCode::world);
  }
  CHECK(list_checkpoints(checkpoints).empty());
  for (const auto& file : std::filesystem::directory_iterator(checkpoints)) CHECK(file.path().filename() == "pages");
}

}  // namespace lockstitch::test

// A packed trace: round trips, the same bytes each time, and nothing half done.
#include "sync/trace/pack.h"

#include <doctest/doctest.h>
#include <sys/resource.h>

#include <csignal>
#include <optional>

#include "sync/trace/layout.h"
#include "tests/unit/trace/workshop.h"

using namespace lockstitch;
using namespace lockstitch::sync;
using namespace lockstitch::test;

namespace {

void require_ok(const Outcome& outcome) {
  if (!outcome.ok()) FAIL(outcome.error().text);
}

/// What the trace must be after it was packed and unpacked.
std::map<std::string, Contents> expected_tree(const Workshop& workshop, const SmallTrace& trace) {
  auto tree = workshop.tree("trace");
  tree[image_name(trace.images[0].hash)] = workshop.read("host/vmlinuz");
  tree[image_name(trace.images[1].hash)] = trace.disk;
  return tree;
}

/// No file may become longer than this for its life, as on a full disk.
class FullDisk {
 public:
  explicit FullDisk(std::uint64_t bytes) : signal_(std::signal(SIGXFSZ, SIG_IGN)) {
    ::getrlimit(RLIMIT_FSIZE, &before_);
    rlimit less = before_;
    less.rlim_cur = bytes;
    ::setrlimit(RLIMIT_FSIZE, &less);
  }
  ~FullDisk() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, signal_);
  }

 private:
  void (*signal_)(int);
  rlimit before_{};
};

}  // namespace

TEST_CASE("a trace comes out of a pack as it went in, with its images") {
  const Workshop workshop;
  const SmallTrace trace(workshop);
  require_ok(pack_trace(trace.folder, trace.images, {}, workshop.at("t.pack"), {}));
  CHECK(is_packed(workshop.at("t.pack")));
  std::filesystem::remove_all(workshop.at("host"));
  require_ok(unpack_trace(workshop.at("t.pack"), workshop.at("out"), {}));
  workshop.write_sparse("host/disk.img", trace.disk);  // for expected_tree
  workshop.write("host/vmlinuz", noise(30'000, 6));
  CHECK(workshop.tree("out") == expected_tree(workshop, trace));
  std::filesystem::remove_all(workshop.at("host"));
  for (const ImageReference& image : trace.images) CHECK(TraceFolder(workshop.at("out")).find_image(image, {}).ok());
}

TEST_CASE("an empty folder that is there already is filled") {
  const Workshop workshop;
  const SmallTrace trace(workshop);
  require_ok(pack_trace(trace.folder, trace.images, {}, workshop.at("t.pack"), {}));
  std::filesystem::create_directory(workshop.at("out"));
  require_ok(unpack_trace(workshop.at("t.pack"), workshop.at("out"), {}));
  CHECK(workshop.tree("out") == expected_tree(workshop, trace));
}

TEST_CASE("the same trace gives the same bytes: another time, from another place, without holes, from its own pack") {
  const Workshop workshop;
  const SmallTrace trace(workshop);
  require_ok(pack_trace(trace.folder, trace.images, {}, workshop.at("1.pack"), {}));
  const Contents first = workshop.read("1.pack");

  require_ok(unpack_trace(workshop.at("1.pack"), workshop.at("out"), {}));
  workshop.write("host/disk.img", trace.disk);
  std::filesystem::copy(workshop.at("trace"), workshop.at("elsewhere"), std::filesystem::copy_options::recursive);
  std::vector<ImageReference> reversed(trace.images.rbegin(), trace.images.rend());
  reversed.push_back(reversed.front());  // two disks may have one image
  require_ok(pack_trace(TraceFolder(workshop.at("elsewhere")), reversed, {}, workshop.at("2.pack"), {}));
  CHECK(workshop.read("2.pack") == first);

  std::filesystem::remove_all(workshop.at("host"));
  require_ok(pack_trace(TraceFolder(workshop.at("out")), trace.images, {}, workshop.at("3.pack"), {}));
  CHECK(workshop.read("3.pack") == first);
}

TEST_CASE("sparse images are small in the pack and sparse again when they come out") {
  const Workshop workshop;
  SmallTrace trace(workshop);
  workshop.write("host/huge.img", {});
  std::filesystem::resize_file(workshop.at("host/huge.img"), std::uintmax_t{3} << 30);
  workshop.write("host/zeros.img", Contents(8 * mib));
  trace.images.push_back(reference("disk1", workshop.at("host/huge.img")));
  trace.images.push_back(reference("disk2", workshop.at("host/zeros.img")));
  require_ok(pack_trace(trace.folder, trace.images, {}, workshop.at("t.pack"), {}));
  CHECK(std::filesystem::file_size(workshop.at("t.pack")) < 105'000);
  require_ok(unpack_trace(workshop.at("t.pack"), workshop.at("out"), {}));
  const auto out = [&](int i) { return "out/" + image_name(trace.images[i].hash); };
  CHECK(std::filesystem::file_size(workshop.at(out(2))) == std::uintmax_t{3} << 30);
  CHECK(workshop.stored_bytes(out(1)) <= 64 << 10);
  CHECK(workshop.stored_bytes(out(2)) <= 64 << 10);
  CHECK(workshop.stored_bytes(out(3)) <= 64 << 10);
  CHECK(workshop.read(out(1)) == trace.disk);
}

TEST_CASE("empty files survive") {
  const Workshop workshop;
  SmallTrace trace(workshop);
  workshop.write("trace/log/000001.open", {});
  trace.images.push_back(reference("initrd", workshop.write("host/initrd", {})));
  require_ok(pack_trace(trace.folder, trace.images, {}, workshop.at("t.pack"), {}));
  require_ok(unpack_trace(workshop.at("t.pack"), workshop.at("out"), {}));
  CHECK(workshop.tree("out").at("log/000001.open").empty());
  CHECK(workshop.tree("out").contains(image_name(trace.images[2].hash)));
}

TEST_CASE("overlays, the socket's name, unfinished files and images of nobody are not packed") {
  const Workshop workshop;
  const SmallTrace trace(workshop);
  require_ok(pack_trace(trace.folder, trace.images, {}, workshop.at("1.pack"), {}));
  workshop.write("trace/overlay", text("x"));
  workshop.write("trace/control", text("x"));
  workshop.write("trace/log/000000.zst.tmp", text("x"));
  workshop.write("trace/images/" + std::string(32, '0'), text("x"));
  require_ok(pack_trace(trace.folder, trace.images, {}, workshop.at("2.pack"), {}));
  CHECK(workshop.read("1.pack") == workshop.read("2.pack"));
}

TEST_CASE("progress never falls and ends complete") {
  const Workshop workshop;
  const SmallTrace trace(workshop);
  std::uint64_t last = 0, total = 0;
  unsigned calls = 0;
  const auto tell = [&](std::uint64_t done, std::uint64_t all) {
    ++calls;
    CHECK(done >= last);
    CHECK(done <= all);
    CHECK((total == 0 || total == all));
    last = done;
    total = all;
  };
  require_ok(pack_trace(trace.folder, trace.images, {}, workshop.at("t.pack"), tell));
  CHECK(last == total);
  CHECK(total > 2 * trace.disk.size());
  CHECK(calls > 5);
  last = total = 0;
  require_ok(unpack_trace(workshop.at("t.pack"), workshop.at("out"), tell));
  CHECK(last == total);
  CHECK(total == std::filesystem::file_size(workshop.at("t.pack")));
}

TEST_CASE("an image from a folder named goes into the pack; a changed or missing one leaves no pack") {
  const Workshop workshop;
  const SmallTrace trace(workshop);
  std::filesystem::create_directory(workshop.at("moved"));
  std::filesystem::rename(workshop.at("host/vmlinuz"), workshop.at("moved/vmlinuz"));
  const auto before = workshop.tree(".");
  const Outcome missing = pack_trace(trace.folder, trace.images, {}, workshop.at("t.pack"), {});
  REQUIRE(!missing.ok());
  CHECK(missing.error().code == ExitCode::missing_input);
  CHECK(missing.error().text.find("kernel") != std::string::npos);
  CHECK(workshop.tree(".") == before);

  require_ok(pack_trace(trace.folder, trace.images, {workshop.at("moved")}, workshop.at("t.pack"), {}));
  require_ok(unpack_trace(workshop.at("t.pack"), workshop.at("out"), {}));
  CHECK(workshop.read("out/" + image_name(trace.images[0].hash)) == workshop.read("moved/vmlinuz"));

  Contents changed = workshop.read("moved/vmlinuz");
  changed[0] ^= 1;
  workshop.write("moved/vmlinuz", changed);
  const Outcome refused = pack_trace(trace.folder, trace.images, {workshop.at("moved")}, workshop.at("2.pack"), {});
  REQUIRE(!refused.ok());
  CHECK(refused.error().code == ExitCode::bad_input);
  CHECK(refused.error().text.find("changed since the recording") != std::string::npos);
  CHECK(!std::filesystem::exists(workshop.at("2.pack")));
}

TEST_CASE("an image that changes between comparison and copy leaves no pack") {
  const Workshop workshop;
  const SmallTrace trace(workshop);
  bool changed = false;
  // The first call comes after the kernel was compared.
  const auto change = [&](std::uint64_t, std::uint64_t) {
    if (!std::exchange(changed, true)) workshop.write("host/vmlinuz", noise(30'000, 77));
  };
  const Outcome outcome = pack_trace(trace.folder, trace.images, {}, workshop.at("t.pack"), change);
  REQUIRE(!outcome.ok());
  CHECK(outcome.error().text.find("changes while it is packed") != std::string::npos);
  CHECK(!std::filesystem::exists(workshop.at("t.pack")));
}

TEST_CASE("what is there already is not overwritten, by neither direction") {
  const Workshop workshop;
  const SmallTrace trace(workshop);
  workshop.write("t.pack", text("precious"));
  const Outcome packed = pack_trace(trace.folder, trace.images, {}, workshop.at("t.pack"), {});
  REQUIRE(!packed.ok());
  CHECK(packed.error().text.find("exists already") != std::string::npos);
  CHECK(workshop.read("t.pack") == text("precious"));

  require_ok(pack_trace(trace.folder, trace.images, {}, workshop.at("u.pack"), {}));
  const auto before = workshop.tree("trace");
  const Outcome unpacked = unpack_trace(workshop.at("u.pack"), workshop.at("trace"), {});
  REQUIRE(!unpacked.ok());
  CHECK(unpacked.error().text.find("already holds a trace") != std::string::npos);
  CHECK(workshop.tree("trace") == before);
}

TEST_CASE("a file that appears while the pack is made is not overwritten") {
  const Workshop workshop;
  const SmallTrace trace(workshop);
  const auto appear = [&](std::uint64_t, std::uint64_t) { workshop.write("t.pack", text("precious")); };
  const Outcome outcome = pack_trace(trace.folder, trace.images, {}, workshop.at("t.pack"), appear);
  REQUIRE(!outcome.ok());
  CHECK(outcome.error().text.find("exists already") != std::string::npos);
  CHECK(workshop.read("t.pack") == text("precious"));
}

TEST_CASE("a folder without a header is no trace, a place that is not there takes no pack") {
  const Workshop workshop;
  const SmallTrace trace(workshop);
  CHECK(!pack_trace(trace.folder, trace.images, {}, workshop.at("no/t.pack"), {}).ok());
  std::filesystem::remove(trace.folder.header());
  const Outcome outcome = pack_trace(trace.folder, trace.images, {}, workshop.at("t.pack"), {});
  REQUIRE(!outcome.ok());
  CHECK(outcome.error().code == ExitCode::missing_input);
}

TEST_CASE("a full disk is told, and nothing half done stays, in either direction") {
  const Workshop workshop;
  const SmallTrace trace(workshop);
  require_ok(pack_trace(trace.folder, trace.images, {}, workshop.at("t.pack"), {}));
  const auto before = workshop.tree(".");
  const std::uint64_t whole = std::filesystem::file_size(workshop.at("t.pack"));
  for (const std::uint64_t room : {std::uint64_t{0}, std::uint64_t{1}, whole / 2, whole - 1}) {
    CAPTURE(room);
    std::optional<Outcome> outcome;
    {
      const FullDisk disk(room);
      outcome = pack_trace(trace.folder, trace.images, {}, workshop.at("2.pack"), {});
    }
    REQUIRE(!outcome->ok());
    CHECK(outcome->error().code == ExitCode::world);
    CHECK(outcome->error().text.find("make room") != std::string::npos);
    CHECK(workshop.tree(".") == before);
  }
  for (const std::uint64_t room : {std::uint64_t{0}, std::uint64_t{100}, std::uint64_t{2 * mib}, 5 * mib}) {
    CAPTURE(room);
    std::optional<Outcome> outcome;
    {
      const FullDisk disk(room);
      outcome = unpack_trace(workshop.at("t.pack"), workshop.at("out"), {});
    }
    REQUIRE(!outcome->ok());
    CHECK(outcome->error().code == ExitCode::world);
    CHECK(workshop.tree(".") == before);
  }
}

TEST_CASE("only files that begin as zstd or tar do are packs") {
  const Workshop workshop;
  const SmallTrace trace(workshop);
  require_ok(pack_trace(trace.folder, trace.images, {}, workshop.at("t.pack"), {}));
  CHECK(is_packed(workshop.at("t.pack")));
  CHECK(!is_packed(workshop.at("trace")));
  CHECK(!is_packed(workshop.at("nowhere")));
  CHECK(!is_packed(workshop.write("short", {0x28, 0xb5})));
  CHECK(!is_packed(workshop.write("kernel", noise(5000, 3))));
  const Outcome none = unpack_trace(workshop.at("kernel"), workshop.at("out"), {});
  REQUIRE(!none.ok());
  CHECK(none.error().code == ExitCode::bad_input);
  CHECK(!std::filesystem::exists(workshop.at("out")));
  const Outcome missing = unpack_trace(workshop.at("nowhere"), workshop.at("out"), {});
  REQUIRE(!missing.ok());
  CHECK(missing.error().code == ExitCode::missing_input);
}

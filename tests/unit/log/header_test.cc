// The header of a trace as a file.
#include "sync/log/header.h"

#include "tests/unit/log/sample_log.h"

namespace lockstitch::test {

using namespace sync;

namespace {

Header sample() {
  Header header;
  header.build = "1.2.3";
  header.created_ns = 77;
  header.paced = false;
  header.digest_every = 1000;
  header.numeric_mode = "host x86-64 Nobody 1-2";
  header.engine = {"interp", true, false, true, false, true};
  header.cpuid = {{1, 2, 3, 4, 5, 6}, {7, 0, 0, 0, 0, 0xffff'ffff}};
  header.board.name = "PC-1";
  header.board.memory_bytes = 1ull << 33;
  header.board.rtc_start_seconds = 1'600'000'000;
  header.board.seed = 99;
  header.board.command_line = "console=ttyS0";
  header.board.flat_kernel = true;
  header.board.reboots = false;
  header.board.virtio_console = true;
  header.board.network_mac = {2, 3, 4, 5, 6, 7};
  header.board.disks = {{true}, {false}};
  header.board.ports = {"serial0", "net0"};
  header.images = {{"kernel", "/boot/vmlinuz", 5, {1, 2}}, {"disk0", "/images/a b.img", 6, {3, 4}}};
  return header;
}

}  // namespace

TEST_CASE("a header comes back as it was") {
  const TemporaryFolder folder;
  Header written = sample();
  REQUIRE(write_header(folder.file("header"), written).ok());
  const auto read = read_header(folder.file("header"));
  REQUIRE_MESSAGE(read.ok(), read.error().text);
  const Header& h = read.value();
  CHECK(h.identity == written.identity);
  CHECK(h.build == written.build);
  CHECK(h.created_ns == written.created_ns);
  CHECK(h.paced == written.paced);
  CHECK(h.digest_every == written.digest_every);
  CHECK(h.numeric_mode == written.numeric_mode);
  CHECK(h.engine.name == written.engine.name);
  CHECK(h.engine.counts_exactly);
  CHECK(!h.engine.stops_exactly);
  CHECK(h.engine.traps_tsc);
  CHECK(!h.engine.traps_random);
  CHECK(h.engine.no_visible_tlb);
  CHECK(h.cpuid == written.cpuid);
  CHECK(h.board.name == written.board.name);
  CHECK(h.board.memory_bytes == written.board.memory_bytes);
  CHECK(h.board.rtc_start_seconds == written.board.rtc_start_seconds);
  CHECK(h.board.seed == written.board.seed);
  CHECK(h.board.command_line == written.board.command_line);
  CHECK(h.board.flat_kernel);
  CHECK(!h.board.reboots);
  CHECK(h.board.virtio_console);
  CHECK(h.board.network_mac == written.board.network_mac);
  REQUIRE(h.board.disks.size() == 2);
  CHECK(h.board.disks[0].read_only);
  CHECK(!h.board.disks[1].read_only);
  CHECK(h.board.ports == written.board.ports);
  REQUIRE(h.images.size() == 2);
  CHECK(h.images[1].role == "disk0");
  CHECK(h.images[1].path == "/images/a b.img");
  CHECK(h.images[1].bytes == 6);
  CHECK(h.images[1].hash == Digest{3, 4});
}

TEST_CASE("two recordings of the same guest have different names") {
  const TemporaryFolder folder;
  Header a = sample(), b = sample();
  b.created_ns = 78;
  REQUIRE(write_header(folder.file("a"), a).ok());
  REQUIRE(write_header(folder.file("b"), b).ok());
  CHECK(a.identity != b.identity);
}

TEST_CASE("a header with any bit of any byte changed is refused, and one cut anywhere") {
  const TemporaryFolder folder;
  Header header = sample();
  REQUIRE(write_header(folder.file("header"), header).ok());
  const auto whole = folder.contents("header");
  for (std::size_t i = 0; i < whole.size(); ++i) {
    auto bytes = whole;
    bytes[i] ^= static_cast<std::uint8_t>(1u << (i % 8));
    const auto changed = read_header(folder.file("changed", bytes));
    REQUIRE(!changed.ok());
    CHECK(changed.error().code == ExitCode::bad_input);
    bytes = whole;
    bytes.resize(i);
    const auto cut = read_header(folder.file("cut", bytes));
    REQUIRE(!cut.ok());
    CHECK(cut.error().code == ExitCode::bad_input);
  }
}

TEST_CASE("a header of another version is refused with the version that wrote it") {
  const TemporaryFolder folder;
  Header header = sample();
  header.version = format_version + 1;
  REQUIRE(write_header(folder.file("header"), header).ok());
  const auto read = read_header(folder.file("header"));
  REQUIRE(!read.ok());
  CHECK(read.error().text.find("1.2.3") != std::string::npos);
  header = sample();
  header.ticks = tick_semantics + 1;
  REQUIRE(write_header(folder.file("header"), header).ok());
  CHECK(!read_header(folder.file("header")).ok());
}

TEST_CASE("a header that is not there is missing, not damaged") {
  const TemporaryFolder folder;
  CHECK(read_header(folder.file("header")).error().code == ExitCode::missing_input);
}

}  // namespace lockstitch::test

// Disks in images of QEMU's formats: contents against a model, refusals, and what happens when qemu-nbd fails.
#include "vmm/world/nbd_disk.h"

#include <doctest/doctest.h>
#include <signal.h>
#include <sys/wait.h>

#include <algorithm>
#include <filesystem>
#include <thread>

#include "tests/unit/images/qemu_tools.h"
#include "tests/unit/world/temporary_folder.h"
#include "vmm/world/disk_image.h"

namespace lockstitch::world {

namespace {

using test::behaves_like;
using test::Contents;
using test::have_qemu_tools;
using test::Random;
using test::random_contents;
using test::run;
using test::says;
using test::TemporaryFolder;
using test::TestTrouble;

constexpr const char* formats[] = {"qcow2", "vhdx", "vmdk", "vpc", "vdi"};

/// An image of `contents`; its disk may be longer, as some formats round up.
std::string make(const TemporaryFolder& folder, const std::string& format, const Contents& contents) {
  const std::string raw = folder.file("raw", contents), image = folder.file("disk." + format);
  // VHD counts in cylinders unless told not to.
  const std::string options = format == "vpc" ? " -o force_size=on" : "";
  REQUIRE(run("qemu-img convert -f raw -O " + format + options + " " + raw + " " + image));
  std::filesystem::remove(raw);
  return image;
}

/// What QEMU finds in an image.
Contents contents_of(const TemporaryFolder& folder, const std::string& format, const std::string& image) {
  REQUIRE(run("qemu-img convert -f " + format + " -O raw " + image + " " + folder.file("back")));
  return folder.contents("back");
}

std::unique_ptr<NbdDisk> open(const std::string& path, const char* format, BlockMode mode, WorldTrouble& trouble) {
  auto image = open_image_file(path, mode);
  REQUIRE(image.ok());
  auto disk = NbdDisk::open(std::move(image).value(), path, *format_named(format), mode, trouble);
  if (!disk.ok()) FAIL(disk.error().text);
  return std::move(disk).value();
}

Error refusal(const std::string& path, BlockMode mode, std::optional<ImageFormat> format = std::nullopt) {
  TestTrouble trouble;
  const auto disk = open_disk_image(path, format, mode, trouble);
  return disk.ok() ? Error{ExitCode::ok, ""} : disk.error();
}

void kill_server(const NbdDisk& disk) {
  REQUIRE(disk.server_pid() > 0);
  REQUIRE(::kill(disk.server_pid(), SIGKILL) == 0);
}

bool runs(int pid) { return ::kill(pid, 0) == 0; }

}  // namespace

TEST_CASE("a read-write disk in each format holds what was written, and so does its image afterwards") {
  if (!have_qemu_tools()) return;
  const std::uint64_t seed = test::run_seed();
  CAPTURE(seed);
  Random random(seed);
  for (const char* format : formats) {
    CAPTURE(format);
    const TemporaryFolder folder;
    Contents model = random_contents(random, 3 << 20);
    std::fill(model.begin() + (1 << 20), model.begin() + (2 << 20), std::uint8_t{0});
    const std::string image = make(folder, format, model);
    TestTrouble trouble;
    int pid = 0;
    {
      const auto disk = open(image, format, BlockMode::read_write, trouble);
      CHECK(disk->sectors() == model.size() / sector_bytes);
      CHECK(!disk->read_only());
      CHECK(behaves_like(*disk, model, random, 200));
      pid = disk->server_pid();
      CHECK(runs(pid));
    }
    CHECK(!runs(pid));
    CHECK(contents_of(folder, format, image) == model);
    CHECK(trouble.reports.empty());
  }
}

TEST_CASE("an overlay over each format holds what was written and the image stays as it was, byte for byte") {
  if (!have_qemu_tools()) return;
  const std::uint64_t seed = test::run_seed();
  CAPTURE(seed);
  Random random(seed + 1);
  for (const char* format : formats) {
    CAPTURE(format);
    const TemporaryFolder folder;
    Contents model = random_contents(random, 2 << 20);
    const std::string image = make(folder, format, model);
    const Contents before = folder.contents("disk." + std::string(format));
    TestTrouble trouble;
    auto disk = open_disk_image(image, std::nullopt, BlockMode::overlay, trouble);
    REQUIRE(disk.ok());
    CHECK(behaves_like(*disk.value(), model, random, 150));
    disk.value()->flush();
    disk.value().reset();
    CHECK(folder.contents("disk." + std::string(format)) == before);
    CHECK(std::distance(std::filesystem::directory_iterator(folder.path()), {}) == 1);
  }
}

TEST_CASE("many may read an image, nobody while somebody writes it, and it is free again afterwards") {
  if (!have_qemu_tools()) return;
  const TemporaryFolder folder;
  const std::string image = make(folder, "qcow2", Contents(1 << 20, 0x5a));
  TestTrouble trouble;
  {
    const auto first = open(image, "qcow2", BlockMode::read_only, trouble);
    const auto second = open(image, "qcow2", BlockMode::overlay, trouble);
    CHECK(first->read_only());
    CHECK(says(refusal(image, BlockMode::read_write).text, "is in use by another process"));
  }
  {
    const auto writer = open(image, "qcow2", BlockMode::read_write, trouble);
    for (const BlockMode mode : {BlockMode::read_write, BlockMode::read_only, BlockMode::overlay}) {
      const Error error = refusal(image, mode);
      CHECK(says(error.text, "is in use by another process"));
      CHECK(error.code == ExitCode::unavailable);
    }
  }
  CHECK(refusal(image, BlockMode::read_write).text.empty());
}

TEST_CASE("an image that another program of QEMU writes is refused by QEMU's own lock") {
  if (!have_qemu_tools()) return;
  const TemporaryFolder folder;
  const std::string image = make(folder, "qcow2", Contents(1 << 20, 0x5a));
  const std::string socket = folder.file("socket"), pid_file = folder.file("pid");
  REQUIRE(run("qemu-nbd --fork --persistent -f qcow2 --pid-file=" + pid_file + " -k " + socket + " " + image));
  const Error error = refusal(image, BlockMode::overlay);
  run("kill $(cat " + pid_file + ")");
  CHECK(says(error.text, "is in use by another process; end that one (qemu-img: Failed to get shared"));
  CHECK(error.code == ExitCode::unavailable);
}

TEST_CASE("a raw image whose name ends in .qcow2 is raw, and a qcow2 is raw only if that is said") {
  if (!have_qemu_tools()) return;
  const TemporaryFolder folder;
  TestTrouble trouble;
  const Contents contents(3 * sector_bytes, 0x11);
  auto raw = open_disk_image(folder.file("raw.qcow2", contents), std::nullopt, BlockMode::read_only, trouble);
  REQUIRE(raw.ok());
  CHECK(raw.value()->sectors() == 3);
  const std::string image = make(folder, "qcow2", Contents(1 << 20, 0x5a));
  Contents sector(sector_bytes);
  auto disk = open_disk_image(image, std::nullopt, BlockMode::read_only, trouble);
  REQUIRE(disk.ok());
  disk.value()->read(0, sector);
  CHECK(sector == Contents(sector_bytes, 0x5a));
  auto bytes = open_disk_image(image, ImageFormat::raw, BlockMode::read_only, trouble);
  REQUIRE(bytes.ok());
  bytes.value()->read(0, sector);
  CHECK(std::equal(sector.begin(), sector.begin() + 3, "QFI"));
}

TEST_CASE("a backing file is read through, and its absence is told") {
  if (!have_qemu_tools()) return;
  const TemporaryFolder folder;
  const std::string base = make(folder, "qcow2", Contents(1 << 20, 0x33)), child = folder.file("child.qcow2");
  REQUIRE(run("qemu-img create -f qcow2 -F qcow2 -b " + base + " " + child));
  TestTrouble trouble;
  {
    const auto disk = open(child, "qcow2", BlockMode::read_write, trouble);
    disk->write(1, Contents(sector_bytes, 0x44));
    Contents two(2 * sector_bytes);
    disk->read(0, two);
    CHECK(two[0] == 0x33);
    CHECK(two[sector_bytes] == 0x44);
  }
  CHECK(contents_of(folder, "qcow2", base) == Contents(1 << 20, 0x33));
  std::filesystem::rename(base, folder.file("elsewhere"));
  const Error error = refusal(child, BlockMode::overlay);
  CHECK(says(error.text, "A file that the disk image '" + child + "' is based on cannot be opened"));
  CHECK(says(error.text, "disk.qcow2"));
  CHECK(error.code == ExitCode::missing_input);
}

TEST_CASE("an image of each format that was cut in half is refused in one line") {
  if (!have_qemu_tools()) return;
  const std::uint64_t seed = test::run_seed();
  CAPTURE(seed);
  Random random(seed);
  for (const char* format : formats) {
    CAPTURE(format);
    const TemporaryFolder folder;
    const std::string image = make(folder, format, random_contents(random, 4 << 20));
    std::filesystem::resize_file(image, std::filesystem::file_size(image) / 2);
    for (const BlockMode mode : {BlockMode::read_write, BlockMode::overlay}) {
      const Error error = refusal(image, mode);
      CHECK(error.code == ExitCode::bad_input);
      CHECK(says(error.text, "The disk image '" + image + "'"));
      CHECK(says(error.text, "copy it again"));
      CHECK(!says(error.text, "\n"));
    }
  }
}

TEST_CASE("a damaged qcow2 is refused with the words of QEMU's tools") {
  if (!have_qemu_tools()) return;
  const TemporaryFolder folder;
  make(folder, "qcow2", Contents(4 << 20, 0x66));
  Contents bytes = folder.contents("disk.qcow2");
  std::fill(bytes.begin() + 0x10000, bytes.begin() + 0x40000, std::uint8_t{0xa5});
  const Error error = refusal(folder.file("disk.qcow2", bytes), BlockMode::overlay);
  CHECK(error.code == ExitCode::bad_input);
  CHECK(says(error.text, "cannot be used as qcow2 (qemu-img: "));
  bytes.resize(90);
  CHECK(says(refusal(folder.file("disk.qcow2", bytes), BlockMode::overlay).text, "cannot be used as qcow2"));
}

TEST_CASE("without QEMU's tools the package is named") {
  const TemporaryFolder folder;
  Contents qcow2(4096);
  std::copy_n("QFI\xfb\0\0\0\3", 8, qcow2.begin());
  const std::string image = folder.file("disk.qcow2", qcow2);
  const char* before = std::getenv("PATH");
  const std::string kept = before == nullptr ? "" : before;
  ::setenv("PATH", folder.path().c_str(), 1);
  const Error error = refusal(image, BlockMode::overlay);
  ::setenv("PATH", kept.c_str(), 1);
  CHECK(error.code == ExitCode::unavailable);
  CHECK(says(error.text, "is not installed"));
  CHECK(says(error.text, "install the package qemu-utils"));
}

TEST_CASE("when qemu-nbd dies the guest reads on as if nothing had been") {
  if (!have_qemu_tools()) return;
  const std::uint64_t seed = test::run_seed();
  CAPTURE(seed);
  Random random(seed);
  const TemporaryFolder folder;
  const Contents model = random_contents(random, 1 << 20);
  TestTrouble trouble;
  trouble.on_wait = [] { return true; };
  const auto disk = open(make(folder, "qcow2", model), "qcow2", BlockMode::read_only, trouble);
  const int first = disk->server_pid();
  kill_server(*disk);
  Contents all(model.size());
  disk->read(0, all);
  CHECK(all == model);
  CHECK(disk->server_pid() != first);
  CHECK(trouble.overs == 1);
  REQUIRE(trouble.reports.size() == 1);
  CHECK(says(trouble.reports[0], "cannot be read, for qemu-nbd has ended; it is started again"));
}

TEST_CASE("writes that a killed qemu-nbd had not made durable are written again") {
  if (!have_qemu_tools()) return;
  const std::uint64_t seed = test::run_seed();
  CAPTURE(seed);
  Random random(seed);
  const TemporaryFolder folder;
  // Empty, so that every write needs a new cluster, of which a killed qemu-nbd leaves no trace.
  Contents model(8 << 20);
  const std::string image = make(folder, "qcow2", model);
  TestTrouble trouble;
  trouble.on_wait = [] { return true; };
  {
    const auto disk = open(image, "qcow2", BlockMode::read_write, trouble);
    for (int round = 0; round < 5; ++round) {
      CHECK(behaves_like(*disk, model, random, 60));
      kill_server(*disk);
      if (round == 2) disk->flush();
      Contents all(model.size());
      disk->read(0, all);
      CHECK(all == model);
    }
  }
  CHECK(trouble.overs == 5);
  CHECK(contents_of(folder, "qcow2", image) == model);
}

TEST_CASE("a request does not return to the machine when qemu-nbd stays away and the process is to stop") {
  if (!have_qemu_tools()) return;
  const TemporaryFolder folder;
  TestTrouble trouble;
  const std::string image = make(folder, "qcow2", Contents(1 << 20, 0x5a));
  const auto disk = open(image, "qcow2", BlockMode::overlay, trouble);
  std::filesystem::remove(image);
  kill_server(*disk);
  trouble.on_wait = [&] { return trouble.waits < 3; };
  Contents sector(sector_bytes);
  CHECK_THROWS_AS(disk->read(0, sector), test::Abandoned);
  CHECK(trouble.waits == 3);
  CHECK(trouble.overs == 0);
}

TEST_CASE("when we are killed qemu-nbd ends too, with everything written, and leaves nothing behind") {
  if (!have_qemu_tools()) return;
  const TemporaryFolder folder;
  const std::string image = make(folder, "qcow2", Contents(1 << 20, 0x5a));
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  const pid_t child = ::fork();
  if (child == 0) {
    TestTrouble trouble;
    auto file = open_image_file(image, BlockMode::read_write);
    auto disk = NbdDisk::open(std::move(file).value(), image, ImageFormat::qcow2, BlockMode::read_write, trouble);
    disk.value()->write(0, Contents(sector_bytes, 0x77));
    const int pid = disk.value()->server_pid();
    if (::write(ends[1], &pid, sizeof pid) != sizeof pid) ::_exit(1);
    ::pause();
  }
  int server = 0;
  REQUIRE(::read(ends[0], &server, sizeof server) == sizeof server);
  ::close(ends[0]);
  ::close(ends[1]);
  CHECK(runs(server));
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  for (int i = 0; i < 3000 && refusal(image, BlockMode::read_write).code != ExitCode::ok; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  const Contents now = contents_of(folder, "qcow2", image);
  CHECK(now[0] == 0x77);
  CHECK(now[sector_bytes] == 0x5a);
}

}  // namespace lockstitch::world

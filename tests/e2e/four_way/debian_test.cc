// A stock Debian kernel with PostgreSQL, the four ways, from its packed trace alone, and under SQL from the host.
#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>

#include "tests/e2e/four_way/four_way.h"

namespace lockstitch::test {
namespace {

std::string guest_file(const std::string& name) { return std::string(LOCKSTITCH_SOURCE_DIR) + "/build/guest/" + name; }

bool ready() {
  if (std::filesystem::exists(guest_file("disk.img"))) return true;
  MESSAGE("skipped: there is no build/guest; scripts/build-guest makes it");
  std::puts("skipped: no build/guest");
  return false;
}

std::vector<std::string> debian(const std::string& append, const std::string& folder) {
  return {"--memory", "512M",
          "--kernel", folder + "/vmlinuz",
          "--initrd", folder + "/initramfs.cpio",
          "--disk",   folder + "/disk.img",
          "--append", "console=ttyS0 panic=-1 mitigations=off" + append};
}

const std::string guest_folder = guest_file("");

std::string text_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

bool same_contents(const std::string& a, const std::string& b) {
  return std::system(("cmp -s " + a + " " + b).c_str()) == 0;
}

std::string newest_checkpoint(const std::string& trace) {
  std::string newest;
  for (const auto& file : std::filesystem::directory_iterator(trace + "/checkpoints")) {
    const std::string name = file.path().filename().string();
    if (name.ends_with(".checkpoint")) newest = std::max(newest, name);
  }
  return newest;
}

unsigned free_port() {
  const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  REQUIRE(::bind(fd, reinterpret_cast<sockaddr*>(&address), size) == 0);
  REQUIRE(::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) == 0);
  ::close(fd);
  return ntohs(address.sin_port);
}

/// One statement through psql. The exit code of the shell.
int sql(unsigned port, const std::string& statement) {
  const std::string command = "PGCONNECT_TIMEOUT=60 psql -h 127.0.0.1 -p " + std::to_string(port) +
                              " -U postgres -X -q -t -A -c \"" + statement + "\" >/dev/null 2>&1";
  return std::system(command.c_str());
}

}  // namespace

TEST_CASE("Debian with PostgreSQL is the same the four ways, and from its packed trace where its images are gone") {
  if (!ready()) return;
  const TemporaryFolder images, traces, elsewhere;
  for (const char* name : {"vmlinuz", "initramfs.cpio", "disk.img"}) {
    std::filesystem::copy_file(guest_file(name), images.file(name));
  }
  const auto guest =
      joined(debian(" lockstitch.sql=1 lockstitch.poweroff=1", images.path()), {"--clock", "virtual", "--seed", "1"});
  const std::string trace = traces.file("trace");
  const Account recorded = check_four_ways(joined(guest, {"--serial", "file:" + traces.file("console")}), trace);
  CHECK(recorded.summary.at("end_reason") == "power_off");
  CHECK(text_of(traces.file("console")).find("LOCKSTITCH-SQL-OK") != std::string::npos);

  // What the host does with digests and checkpoints is no input.
  const std::string dense = traces.file("dense");
  const Account other = run_with_summary(joined({"record", "--quiet", "-o", dense, "--checkpoint-every", "300ms",
                                                 "--digest-every", "33333333", "--digests", traces.file("digests")},
                                                joined(guest, {"--serial", "none"})));
  CHECK(digest_of(other) == digest_of(recorded));
  const auto checkpoints = nlohmann::json::parse(run({"trace", "stats", dense, "--json"}).out).at("checkpoints");
  CHECK(checkpoints >= 4);
  check_replay(dense, {"--from", std::to_string(ticks_of(recorded) / 3), "--check"}, digest_of(recorded));

  // From a checkpoint it can go on live as well.
  const Account live = run_with_summary({"run", "--quiet", "--clock", "virtual", "--serial", "none", "--from",
                                         dense + "/checkpoints/" + newest_checkpoint(dense)});
  CHECK_MESSAGE(live.exit_code == 0, live.err);
  CHECK(live.summary.at("end_reason") == "power_off");
  CHECK(digest_of(live) == digest_of(recorded));

  const Outcome packed = run({"trace", "pack", trace, "-o", elsewhere.file("packed")});
  CHECK_MESSAGE(packed.exit_code == 0, packed.err);

  // What the guest wrote goes into the image when somebody asks, and the trace is none the worse.
  const std::string disk = images.file("disk.img");
  CHECK(same_contents(disk, guest_file("disk.img")));
  const Outcome committed = run({"commit", trace});
  CHECK_MESSAGE(committed.exit_code == 0, committed.err);
  CHECK(!same_contents(disk, guest_file("disk.img")));
  CHECK(std::system(("/sbin/e2fsck -fn " + disk + " >/dev/null 2>&1").c_str()) == 0);
  check_replay(trace, {}, digest_of(recorded));
  CHECK(run({"commit", trace}).exit_code == 65);

  std::filesystem::remove_all(images.path());
  std::filesystem::remove_all(trace);
  check_replay(elsewhere.file("packed"), {"--check"}, digest_of(recorded));
  check_replay(elsewhere.file("packed"), {"--from", std::to_string(ticks_of(recorded) * 2 / 3)}, digest_of(recorded));
}

TEST_CASE("Debian under SQL from the host replays as it was recorded, from the beginning and from a checkpoint") {
  if (!ready()) return;
  if (std::system("command -v psql >/dev/null") != 0) {
    std::puts("skipped: no psql");
    return;
  }
  const TemporaryFolder folder;
  const std::string trace = folder.file("trace"), console = folder.file("console");
  const unsigned port = free_port();
  Program recorder(
      joined({"record", "--quiet", "-o", trace, "--checkpoint-every", "2s", "--summary", folder.file("summary"),
              "--serial", "file:" + console, "--net", "user,forward=tcp:127.0.0.1:" + std::to_string(port) + "-:5432"},
             debian("", guest_folder)));
  for (int tries = 0; text_of(console).find("LOCKSTITCH-GUEST-READY") == std::string::npos; ++tries) {
    REQUIRE_MESSAGE(tries < 600, recorder.err());
    ::usleep(200'000);
  }
  CHECK(sql(port, "CREATE TABLE t (n integer)") == 0);
  for (int i = 0; i < 5; ++i) CHECK(sql(port, "INSERT INTO t SELECT generate_series(1, 100)") == 0);
  const Outcome asked = run({"checkpoint", trace});
  CHECK_MESSAGE(asked.exit_code == 0, asked.err);
  for (int i = 0; i < 5; ++i) CHECK(sql(port, "INSERT INTO t SELECT generate_series(1, 100)") == 0);
  CHECK(sql(port, "DO 'BEGIN ASSERT (SELECT count(*) = 1000 FROM t); END'") == 0);
  sql(port, "COPY (SELECT 1) TO '/run/lockstitch/poweroff'");
  CHECK(recorder.wait() == 0);
  const auto summary = nlohmann::json::parse(text_of(folder.file("summary")));
  CHECK(summary.at("end_reason") == "power_off");
  CHECK(summary.at("recording").at("checkpoints") >= 2);
  const std::string digest = summary.at("final_digest");

  check_replay(trace, {"--check"}, digest);
  const std::string tick =
      asked.err.substr(asked.err.find("tick ") + 5, asked.err.rfind('.') - asked.err.find("tick ") - 5);
  const Account half = check_replay(trace, {"--from", tick, "--check"}, digest);
  CHECK(half.summary.at("replay").at("started_at_tick") == std::stoull(tick));
  const Outcome shown = run({"replay", trace, "--console", "--quiet"});
  CHECK(shown.exit_code == 0);
  CHECK(shown.out == text_of(console));
}

}  // namespace lockstitch::test

// Whole files in, sentences out; and the two values that the host gives at start.
#include "vmm/world/host_file.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <numeric>
#include <thread>

#include "tests/unit/world/temporary_folder.h"
#include "vmm/world/host_seed.h"
#include "vmm/world/wall_clock.h"

namespace lockstitch::world {

TEST_CASE("a file is read whole, up to and including its limit") {
  const test::TemporaryFolder folder;
  std::vector<std::uint8_t> bytes(200'001);
  std::iota(bytes.begin(), bytes.end(), std::uint8_t{0});
  const std::string path = folder.file("kernel", bytes);
  CHECK(read_host_file(path, 1 << 20, "The kernel").value() == bytes);
  CHECK(read_host_file(path, bytes.size(), "The kernel").value() == bytes);
  CHECK(read_host_file(folder.file("empty", {}), 10, "The kernel").value().empty());
  const auto larger = read_host_file(path, bytes.size() - 1, "The kernel");
  REQUIRE(!larger.ok());
  CHECK(larger.error().code == ExitCode::bad_input);
  CHECK(larger.error().text.find("larger than 200000 bytes") != std::string::npos);
}

TEST_CASE("a pipe is read to its end") {
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  std::thread writer([&] {
    const std::vector<std::uint8_t> bytes(300'000, 7);
    std::size_t done = 0;
    while (done < bytes.size())
      done += static_cast<std::size_t>(::write(ends[1], bytes.data() + done, bytes.size() - done));
    ::close(ends[1]);
  });
  CHECK(read_host_file("/dev/fd/" + std::to_string(ends[0]), 1 << 20, "The disk").value() ==
        std::vector<std::uint8_t>(300'000, 7));
  writer.join();
  ::close(ends[0]);
}

TEST_CASE("what cannot be read is refused in a sentence that names the thing and the path") {
  const test::TemporaryFolder folder;
  const auto missing = read_host_file(folder.file("nothing"), 10, "The kernel");
  REQUIRE(!missing.ok());
  CHECK(missing.error().code == ExitCode::missing_input);
  CHECK(missing.error().text == "The kernel '" + folder.file("nothing") + "' does not exist; check the path.");
  const auto directory = read_host_file(folder.path(), 10, "The kernel");
  REQUIRE(!directory.ok());
  CHECK(directory.error().code == ExitCode::bad_input);
  CHECK(directory.error().text.find("is a directory") != std::string::npos);
  if (::geteuid() == 0) {
    const std::string path = folder.file("secret", {1, 2, 3});
    REQUIRE(::seteuid(65534) == 0);
    const auto secret = read_host_file(path, 10, "The kernel");
    REQUIRE(::seteuid(0) == 0);
    REQUIRE(!secret.ok());
    CHECK(secret.error().text.find("may not be read by you") != std::string::npos);
  }
}

TEST_CASE("two seeds differ, and the wall clock is past the day this was written") {
  CHECK(host_seed() != host_seed());
  CHECK(wall_clock_seconds() > 1'700'000'000);
}

}  // namespace lockstitch::world

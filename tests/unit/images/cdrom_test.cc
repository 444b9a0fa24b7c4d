// Which files are taken for a disc.
#include <doctest/doctest.h>

#include <cstring>

#include "tests/unit/images/qemu_tools.h"
#include "tests/unit/world/temporary_folder.h"
#include "vmm/app/cdrom_setting.h"

namespace lockstitch::app {

namespace {

using test::Contents;
using test::says;
using test::TemporaryFolder;

constexpr std::size_t disc_sector = 2048;

void put_little(Contents& to, std::size_t offset, std::uint64_t value, std::size_t bytes) {
  for (std::size_t i = 0; i < bytes; ++i) to[offset + i] = static_cast<std::uint8_t>(value >> 8 * i);
}

void put_text(Contents& to, std::size_t offset, std::string_view text) {
  std::memcpy(to.data() + offset, text.data(), text.size());
}

void put_volume(Contents& disc, std::uint8_t kind, std::string_view name, std::size_t sector) {
  disc[sector * disc_sector] = kind;
  put_text(disc, sector * disc_sector + 1, name);
}

/// `says_sectors`: what its primary volume descriptor claims.
Contents iso(std::size_t sectors, std::uint64_t says_sectors) {
  Contents disc(sectors * disc_sector);
  put_volume(disc, 1, "CD001", 16);
  put_little(disc, 16 * disc_sector + 80, says_sectors, 4);
  put_little(disc, 16 * disc_sector + 128, disc_sector, 2);
  if (sectors > 17) put_volume(disc, 255, "CD001", 17);
  return disc;
}

void put_tag(Contents& disc, std::size_t sector, std::uint16_t kind) {
  const std::size_t at = sector * disc_sector;
  put_little(disc, at, kind, 2);
  disc[at + 2] = 2;
  unsigned sum = 0;
  for (std::size_t i = 0; i < 16; ++i) sum += i == 4 ? 0u : disc[at + i];
  disc[at + 4] = static_cast<std::uint8_t>(sum);
}

/// A disc of Windows: ISO 9660 knows of little, UDF of all.
Contents udf_bridge(std::size_t sectors, std::uint64_t partition_sectors) {
  Contents disc = iso(sectors, 20);
  put_volume(disc, 0, "BEA01", 18);
  put_volume(disc, 0, "NSR02", 19);
  put_tag(disc, 256, 2);
  put_little(disc, 256 * disc_sector + 16, 16 * disc_sector, 4);
  put_little(disc, 256 * disc_sector + 20, 32, 4);
  put_tag(disc, 32, 1);
  put_tag(disc, 33, 5);
  put_little(disc, 33 * disc_sector + 188, 257, 4);
  put_little(disc, 33 * disc_sector + 192, partition_sectors, 4);
  put_tag(disc, 34, 8);
  return disc;
}

/// Empty: taken.
std::string refusal(const Contents& disc) {
  const TemporaryFolder folder;
  test::TestTrouble trouble;
  const auto opened = open_cdrom(folder.file("disc.iso", disc), trouble);
  if (opened.ok()) return "";
  CHECK(opened.error().code == ExitCode::bad_input);
  return opened.error().text;
}

}  // namespace

TEST_CASE("an ISO image is a read-only disk with its contents") {
  const TemporaryFolder folder;
  test::TestTrouble trouble;
  const Contents disc = iso(20, 20);
  const auto opened = open_cdrom(folder.file("disc.iso", disc), trouble);
  REQUIRE(opened.ok());
  CHECK(opened.value()->read_only());
  CHECK(opened.value()->sectors() == 20 * 4);
  Contents all(disc.size());
  opened.value()->read(0, all);
  CHECK(all == disc);
  CHECK(open_cdrom(folder.file("disc.iso"), trouble).ok());
}

TEST_CASE("an image may be longer than its volume, as hybrids are") {
  CHECK(refusal(iso(17, 17)).empty());
  CHECK(refusal(iso(40, 20)).empty());
}

TEST_CASE("an ISO image that is shorter than its volume is truncated") {
  CHECK(says(refusal(iso(20, 21)), "is truncated: it should have 43008 bytes, it has 40960; copy it again"));
  Contents odd = iso(20, 20);
  odd.resize(odd.size() - 100);
  CHECK(says(refusal(odd), "is truncated: it should have 40960 bytes, it has 40860"));
  CHECK(says(refusal(iso(20, 0xffff'ffff)), "is truncated"));
}

TEST_CASE("a boot record before the primary volume descriptor hides nothing") {
  Contents disc = iso(30, 60);
  std::copy_n(disc.begin() + 16 * disc_sector, disc_sector, disc.begin() + 17 * disc_sector);
  disc[16 * disc_sector] = 0;
  CHECK(says(refusal(disc), "is truncated: it should have 122880 bytes"));
}

TEST_CASE("a disc of UDF is as long as its partition says") {
  CHECK(refusal(udf_bridge(300, 43)).empty());
  CHECK(says(refusal(udf_bridge(300, 44)), "is truncated: it should have 616448 bytes, it has 614400"));
  Contents no_checksum = udf_bridge(300, 4000);
  no_checksum[33 * disc_sector + 4] ^= 1;
  CHECK(refusal(no_checksum).empty());
  Contents udf_alone(20 * disc_sector);
  put_volume(udf_alone, 0, "BEA01", 16);
  CHECK(refusal(udf_alone).empty());
  Contents no_beginning(20 * disc_sector);
  put_volume(no_beginning, 0, "NSR03", 16);
  CHECK(refusal(no_beginning).empty());
}

TEST_CASE("what is no disc is refused in a sentence") {
  CHECK(says(refusal(Contents(20 * disc_sector)), "there is neither ISO 9660 nor UDF on it"));
  CHECK(says(refusal(Contents(16 * disc_sector)), "has 32768 bytes and is no ISO image: those have 34816 at least"));
  CHECK(says(refusal(Contents(100)), "has 100 bytes and is no ISO image"));
  Contents odd = iso(20, 10);
  odd.push_back(0);
  CHECK(says(refusal(odd), "which is not a multiple of 2048"));
  Contents raw_sectors(20 * 2352);
  std::fill_n(raw_sectors.begin() + 1, 10, std::uint8_t{0xff});
  CHECK(says(refusal(raw_sectors), "has sectors of 2352 bytes"));
  const TemporaryFolder folder;
  test::TestTrouble trouble;
  const auto missing = open_cdrom(folder.file("none"), trouble);
  REQUIRE(!missing.ok());
  CHECK(missing.error().code == ExitCode::missing_input);
  CHECK(!open_cdrom(folder.path(), trouble).ok());
}

TEST_CASE("any descriptors are safe to look at") {
  const std::uint64_t seed = test::run_seed();
  CAPTURE(seed);
  test::Random random(seed);
  for (int i = 0; i < 200; ++i) {
    Contents disc = udf_bridge(260, 3);
    for (int flips = 0; flips < 8; ++flips) {
      const std::size_t sectors[] = {16, 17, 32, 33, 256};
      disc[sectors[random.below(5)] * disc_sector + random.below(200)] = static_cast<std::uint8_t>(random.next());
    }
    disc.resize(random.below(disc.size()) + 1);
    refusal(disc);
  }
}

}  // namespace lockstitch::app

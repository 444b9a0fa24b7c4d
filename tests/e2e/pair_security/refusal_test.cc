// Two replicas that must not be one pair: the one that is dialed refuses in a sentence, the leader tells it too, and
// nobody's state or disk changes.
#include <doctest/doctest.h>

#include <memory>

#include "tests/e2e/pair_security/pair_desk.h"

namespace lockstitch::test {
namespace {

struct Case {
  const char* what;
  Words other;       ///< of the standby, where it differs from the leader
  std::string says;  ///< in both sentences
};

TEST_CASE("replicas that differ are refused on both sides, with the difference named") {
  // All at once: each pair waits most of the time.
  const std::vector<Case> cases{
      {"pair", {"--pair", "other"}, "the pair is 'lockstitch', not 'other'"},
      {"name", {"--name", "a"}, "both replicas are named 'a'; give one another --name"},
      {"memory", {"--memory", "5M"}, "the machines differ in the size of memory"},
      {"kernel", {"--kernel", "KERNEL"}, "the machines differ in the contents of kernel"},
      {"kernel's size", {"--kernel", "LONGER"}, "the machines differ in the size of kernel"},
      {"disk's size", {"--disk", "LARGER,mode=rw"}, "the machines differ in the size of disk0"},
      {"disk's mode", {"--disk", "LARGER,mode=ro"}, "the machines differ in the disks"},
      {"number of disks", {"--disk", ""}, "the machines differ in the number of disks"},
      {"console", {"--console", "file:CONSOLE"}, "the machines differ in the console"},
      {"way of loading", {"--no-reboot"}, "the machines differ in how the kernel is loaded"},
  };
  std::vector<std::unique_ptr<PairDesk>> desks;
  for (const Case& each : cases) {
    desks.push_back(std::make_unique<PairDesk>());
    const PairDesk& desk = *desks.back();
    desk.file("other-kernel.bin", {'\xfa', '\xf4', '\xeb', '\xfc'});
    desk.file("longer-kernel.bin", {'\xfa', '\xf4', '\xeb', '\xfd', '\0'});
    desk.file("larger.img", std::string(128 << 10, '\0'));
    Words other = each.other;
    for (std::string& word : other) {
      if (word == "KERNEL") word = desk.path("other-kernel.bin");
      if (word == "LONGER") word = desk.path("longer-kernel.bin");
      if (word == "file:CONSOLE") word = "file:" + desk.path("console");
      if (word.starts_with("LARGER")) word = desk.path("larger.img") + word.substr(6);
    }
    desks.back()->start("standby", "b", other);
    desks.back()->start("protect", "a");
  }
  for (std::size_t i = 0; i < cases.size(); ++i) {
    CAPTURE(cases[i].what);
    const PairDesk& desk = *desks[i];
    const std::string refused = desk.wait_for("b", "refused", cases[i].says);
    CHECK(refused.starts_with("'a': "));
    CHECK(desk.wait_for("a", "peer_away", cases[i].says).starts_with("refused: "));
    CHECK(!desk.happened("b", "joining"));
    CHECK(!desk.happened("a", "inviting"));
    CHECK(!std::filesystem::exists(desk.path("state-b/standing")));
    const auto status = run({"status", desk.path("state-a")});
    CHECK(status.exit_code == 0);
    CHECK(status.out.find(cases[i].says) != std::string::npos);
  }
}

/// Multiboot 1 by address fields: cli, hlt, and again.
std::string multiboot_kernel() {
  std::string image;
  const auto put = [&](std::uint32_t word) {
    for (unsigned i = 0; i < 4; ++i) image += static_cast<char>(word >> (8 * i));
  };
  constexpr std::uint32_t magic = 0x1bad'b002, flags = 1 << 16, base = 0x10'0000;
  for (const std::uint32_t word : {magic, flags, 0u - magic - flags, base, base, base + 36, base + 36, base + 32}) {
    put(word);
  }
  return image + "\xfa\xf4\xeb\xfd";
}

TEST_CASE("a kernel's command line must be the same") {
  PairDesk desk;
  desk.file("kernel.elf", multiboot_kernel());
  const std::string kernel = desk.path("kernel.elf");
  const auto with = [&](Words words, const char* line) {
    std::erase(words, "--flat");
    words.insert(words.end(), {"--append", line});
    return words;
  };
  Program b(with(desk.replica("standby", "b", {"--kernel", kernel}), "quiet"));
  Program a(with(desk.replica("protect", "a", {"--kernel", kernel}), "loud"));
  desk.wait_for("b", "refused", "the machines differ in the kernel's command line");
  desk.wait_for("a", "peer_away", "the machines differ in the kernel's command line");
}

TEST_CASE("a disk may be raw on one host and a qcow2 on the other") {
  PairDesk desk;
  const std::string image = desk.path("b.qcow2");
  if (std::system(("qemu-img create -q -f qcow2 " + image + " 64K").c_str()) != 0)
    FAIL("qemu-img (qemu-utils) is needed");
  desk.file("a.img", std::string(64 << 10, 'x'));
  desk.start("standby", "b", {"--disk", image + ",mode=rw"});
  desk.start("protect", "a");
  desk.wait_for("a", "paired");
  desk.wait_for("b", "following");
  desk.end();
  const std::string compare = "qemu-img compare -q -f raw -F qcow2 " + desk.path("a.img") + " " + image;
  CHECK(std::system(compare.c_str()) == 0);
}

TEST_CASE("replicas that are alike are one pair, whatever their disks hold") {
  PairDesk desk;
  desk.file("b.img", std::string(64 << 10, 'x'));
  desk.start("standby", "b", {"--peer", ""});
  desk.start("protect", "a");
  desk.wait_for("a", "paired");
  desk.wait_for("b", "following");
  CHECK(!desk.happened("b", "refused"));
  desk.end();
  CHECK(run({"status", desk.path("state-b")}).exit_code == 66);
}

}  // namespace
}  // namespace lockstitch::test

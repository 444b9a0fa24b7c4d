// What every device owes the machine, for the IDE function with and without drives.
#include "tests/contract/ide/ide_rigs.h"
#include "tests/contract/support/device_contract.h"

using namespace lockstitch;
using namespace lockstitch::test;

TEST_CASE("the IDE function without drives keeps the contract of devices") {
  check_device_contract([] { return std::make_unique<IdeRig>(IdeDrives::none); }, 20);
}
TEST_CASE("the IDE function with disks keeps the contract of devices") {
  check_device_contract([] { return std::make_unique<IdeRig>(IdeDrives::disks); }, 200);
}
TEST_CASE("the IDE function with disks and a CD drive keeps the contract of devices") {
  check_device_contract([] { return std::make_unique<IdeRig>(IdeDrives::all); }, 300);
}

TEST_CASE("a reset leaves the medium in the CD drive and nothing else of the past") {
  IdeRig used, fresh;
  Random random(run_seed());
  for (unsigned i = 0; i < 3000; ++i) random_event(used, random);
  const std::uint8_t first[] = {0};
  used.tray->arrive(first);
  used.device().reset();
  fresh.device().reset();
  StateImage a = without_memory(used), b = without_memory(fresh);
  const auto is_time = [](const auto& e) { return e.path == "bench/time_ns"; };
  std::erase_if(a.entries, is_time);
  std::erase_if(b.entries, is_time);
  CHECK_EQ(difference(a, b), "");
}

TEST_CASE("the careless guest gets work done: without that the contract would say little") {
  std::uint64_t reads = 0, writes = 0, disc_reads = 0, rises = 0;
  for (unsigned round = 0; round < 200; ++round) {
    IdeRig rig;
    Random random(run_seed() + round);
    for (unsigned i = 0; i < 400; ++i) random_event(rig, random);
    for (const std::string& call : rig.disk.calls) {
      reads += call.starts_with("read");
      writes += call.starts_with("write");
    }
    disc_reads += rig.media[0].calls.size() + rig.media[1].calls.size();
    rises += rig.lines[0]->rises + rig.lines[1]->rises;
  }
  CHECK_GT(reads, 150);
  CHECK_GT(writes, 40);
  CHECK_GT(disc_reads, 100);
  CHECK_GT(rises, 500);
}

// What every device owes the machine, for each virtio device behind its transport.
#include "tests/contract/support/device_contract.h"
#include "tests/contract/virtio/virtio_rigs.h"

using namespace lockstitch;
using namespace lockstitch::test;

TEST_CASE("the virtio disk keeps the contract of devices") {
  check_device_contract([] { return std::make_unique<BlkRig>(); }, 150);
}
TEST_CASE("the read-only virtio disk keeps the contract of devices") {
  check_device_contract([] { return std::make_unique<BlkRig>(VirtioRig::memory_bytes, 0x4000, true); }, 10);
}
TEST_CASE("the virtio network card keeps the contract of devices") {
  check_device_contract([] { return std::make_unique<NetRig>(); }, 150);
}
TEST_CASE("the virtio console keeps the contract of devices") {
  check_device_contract([] { return std::make_unique<ConsoleRig>(); }, 150);
}
TEST_CASE("the virtio entropy device keeps the contract of devices") {
  check_device_contract([] { return std::make_unique<RngRig>(); }, 150);
}

TEST_CASE("the careless guest gets work done: without that the contract would say little") {
  unsigned disk_calls = 0, effects = 0, broken = 0;
  for (unsigned round = 0; round < 40; ++round) {
    Random random(run_seed() + round);
    BlkRig blk;
    NetRig net;
    ConsoleRig console;
    for (unsigned i = 0; i < 400; ++i) {
      random_event(blk, random);
      random_event(net, random);
      random_event(console, random);
    }
    disk_calls += blk.disk.calls.size();
    effects += console.bench.effects.messages.size() + net.bench.effects.messages.size();
    broken += blk.pci->broken_count() + net.pci->broken_count();
  }
  CHECK_GT(disk_calls, 20);
  CHECK_GT(effects, 20);
  CHECK_GT(broken, 10);
}

// The ATA disk by port: identity, addressing, reading and writing in all ways, settings, refusals. DMA is in
// bus_master_test.cc.
#include <numeric>

#include "tests/contract/ide/guest_driver.h"

using namespace lockstitch;
using namespace lockstitch::test;

namespace {
Data identify(GuestDriver& guest) {
  guest.command(0xec);
  guest.wait_interrupt();
  REQUIRE_EQ(guest.status, 0x58);
  Data data = guest.take(512);
  CHECK_EQ(guest.alternate_status(), 0x50);
  return data;
}
}  // namespace

TEST_CASE("the disk describes itself") {
  IdeRig rig(IdeDrives::disks, IdeRig::default_memory_bytes, 5000 * 512);
  GuestDriver guest(rig, 0);
  const Data data = identify(guest);
  CHECK_EQ(word_of(data, 0), 0x0040);
  CHECK_EQ(word_of(data, 1), 4);  // 4 * 16 * 63 = 4032 of 5000 sectors
  CHECK_EQ(word_of(data, 3), 16);
  CHECK_EQ(word_of(data, 6), 63);
  CHECK_EQ(text_of(data, 10, 10), "LS0001              ");
  CHECK_EQ(text_of(data, 27, 8), "Lockstitch disk ");
  CHECK_EQ(word_of(data, 47), 0x8010);
  CHECK_EQ(word_of(data, 49), 0x0f00);
  CHECK_EQ(word_of(data, 53), 7);
  CHECK_EQ(word_of(data, 54), 4);
  CHECK_EQ(word_of(data, 57), 4032);
  CHECK_EQ(word_of(data, 59), 0x0110);
  CHECK_EQ(word_of(data, 60), 5000);
  CHECK_EQ(word_of(data, 83), 0x7400);
  CHECK_EQ(word_of(data, 85), 0x4068);
  CHECK_EQ(word_of(data, 88), 0x203f);
  CHECK_EQ(word_of(data, 100), 5000);
  CHECK_EQ(std::accumulate(data.begin(), data.end(), 0u) & 0xff, 0);
}

TEST_CASE("a disk refuses to be a packet device") {
  IdeRig rig;
  GuestDriver guest(rig, 0);
  CHECK_EQ(guest.simple(0xa1), 0x51);
  CHECK_EQ(guest.in(1), 0x04);
  CHECK_EQ((guest.in(4) | guest.in(5)), 0);
  CHECK_EQ(guest.simple(0xa0), 0x51);
  CHECK_EQ(guest.simple(0x08), 0x51);
}

TEST_CASE("sectors are read by interrupts: one for each sector, the first after the fixed time, none at the end") {
  IdeRig rig;
  GuestDriver guest(rig, 0);
  guest.address(5, 3);
  guest.command(0x20);
  CHECK_EQ(guest.wait_interrupt(), IdeDrive::command_ns);
  rig.lines[0]->rises = 0;
  Data all = guest.take(512);
  CHECK_EQ(guest.alternate_status() & 0x80, 0x80);
  const Data rest = guest.read_by_interrupts(1024, 512);
  all.insert(all.end(), rest.begin(), rest.end());
  CHECK_EQ(all, part_of(rig.disk_contents, 5 * 512, 3 * 512));
  rig.bench.advance(1'000'000);
  CHECK_EQ(rig.lines[0]->rises, 2);
  CHECK_EQ(guest.alternate_status(), 0x50);
  CHECK_EQ(guest.in(2), 0);
}

TEST_CASE("a guest that polls finds every later sector at once") {
  IdeRig rig;
  GuestDriver guest(rig, 0);
  guest.set_control(0x0a);
  guest.address(5, 3);
  guest.command(0x20);
  guest.wait_status();
  const VirtualNs start = rig.bench.clock.time;
  CHECK_EQ(guest.read_by_polling(3 * 512, 512), part_of(rig.disk_contents, 5 * 512, 3 * 512));
  CHECK_EQ(rig.bench.clock.time, start);
  CHECK_EQ(guest.alternate_status(), 0x50);
  CHECK_EQ(rig.lines[0]->rises, 0);
}

TEST_CASE("sectors are written one by one, and each lies on the disk before the interrupt that says so") {
  IdeRig rig;
  GuestDriver guest(rig, 0);
  const Data data = pattern(3 * 512, 9);
  guest.address(7, 3);
  guest.command(0x30);
  guest.write_by_interrupts(data, 512);
  CHECK_EQ(part_of(rig.disk_contents, 7 * 512, 3 * 512), data);
  CHECK_EQ(rig.disk.calls, std::vector<std::string>{"write 7 512", "write 8 512", "write 9 512"});
}

TEST_CASE("a written sector is not on the disk before its time") {
  IdeRig rig;
  GuestDriver guest(rig, 0);
  guest.address(7, 1);
  guest.command(0x30);
  guest.wait_status();
  guest.give(pattern(512, 1), 4);
  rig.bench.advance(IdeDrive::command_ns - 1);
  CHECK(rig.disk.calls.empty());
  CHECK_FALSE(guest.line());
  rig.bench.advance(1);
  CHECK_EQ(rig.disk.calls.size(), 1);
  CHECK(guest.line());
}

TEST_CASE("MULTIPLE commands move blocks of the set size and a smaller one at the end") {
  IdeRig rig;
  GuestDriver guest(rig, 0);
  guest.out(2, 4);
  CHECK_EQ(guest.simple(0xc6), 0x50);
  CHECK_EQ(word_of(identify(guest), 59), 0x0104);
  rig.lines[0]->rises = 0;
  guest.address(2, 10);
  guest.command(0xc4);
  CHECK_EQ(guest.read_by_interrupts(10 * 512, 4 * 512), part_of(rig.disk_contents, 2 * 512, 10 * 512));
  CHECK_EQ(rig.lines[0]->rises, 3);
  const Data data = pattern(6 * 512, 77);
  guest.wide_address(20, 6);
  guest.command(0x39);
  guest.write_by_interrupts(data, 4 * 512);
  CHECK_EQ(part_of(rig.disk_contents, 20 * 512, 6 * 512), data);

  guest.out(2, 3);
  CHECK_EQ(guest.simple(0xc6), 0x51);
  guest.out(2, 32);
  CHECK_EQ(guest.simple(0xc6), 0x51);
  guest.out(2, 0);
  CHECK_EQ(guest.simple(0xc6), 0x50);
  guest.address(2, 1);
  CHECK_EQ(guest.simple(0xc4), 0x51);
  CHECK_EQ(guest.in(1), 0x04);
}

TEST_CASE("addresses by cylinder, head and sector follow the geometry that the guest sets") {
  IdeRig rig;
  GuestDriver guest(rig, 0);
  const auto read_at = [&](unsigned cylinder, unsigned head, unsigned sector) {
    guest.select(static_cast<std::uint8_t>(head));
    guest.out(2, 1);
    guest.out(3, sector);
    guest.out(4, cylinder & 0xff);
    guest.out(5, cylinder >> 8);
    guest.command(0x20);
    guest.wait_interrupt();
    return guest.failed() ? Data{} : guest.take(512);
  };
  CHECK_EQ(read_at(0, 0, 1), part_of(rig.disk_contents, 0, 512));
  CHECK_EQ(read_at(0, 1, 1), part_of(rig.disk_contents, 63 * 512, 512));
  guest.select(3);  // 4 heads
  guest.out(2, 5);  // of 5 sectors
  CHECK_EQ(guest.simple(0x91), 0x50);
  CHECK_EQ(read_at(2, 3, 4), part_of(rig.disk_contents, ((2 * 4 + 3) * 5 + 3) * 512, 512));
  for (const auto& [head, sector] : {std::pair{4u, 1u}, {0u, 0u}, {0u, 6u}}) {
    CHECK(read_at(0, head, sector).empty());
    CHECK_EQ(guest.in(1), 0x10);
  }
  CHECK_EQ(word_of(identify(guest), 55), 4);
  CHECK_EQ(word_of(identify(guest), 56), 5);
  guest.select(3);
  guest.out(2, 0);
  CHECK_EQ(guest.simple(0x91), 0x51);
}

TEST_CASE("48-bit commands use both halves of every register") {
  IdeRig rig(IdeDrives::disks, IdeRig::default_memory_bytes, 600 * 512);
  GuestDriver guest(rig, 0);
  guest.wide_address(10, 300);
  guest.command(0x24);
  CHECK_EQ(guest.read_by_interrupts(300 * 512, 512), part_of(rig.disk_contents, 10 * 512, 300 * 512));
  guest.wide_address(10ull + (1ull << 24), 1);
  CHECK_EQ(guest.simple(0x24), 0x51);
  CHECK_EQ(guest.in(1), 0x10);
  guest.address(0, 0);  // 256 sectors
  guest.command(0x20);
  CHECK_EQ(guest.read_by_interrupts(256 * 512, 512).size(), 256 * 512);
  CHECK_EQ(guest.alternate_status(), 0x50);
}

TEST_CASE("sectors beyond the end are not found, and nothing is moved") {
  IdeRig rig;
  GuestDriver guest(rig, 0);
  for (const std::uint8_t code : {0x20, 0x30, 0xc8, 0xca, 0x40, 0x70}) {
    guest.address(63, 2);
    CHECK_EQ(guest.simple(code), 0x51);
    CHECK_EQ(guest.in(1), 0x10);
  }
  guest.address(63, 1);
  CHECK_EQ(guest.simple(0x40), 0x50);
  CHECK(rig.disk.calls.empty());
}

TEST_CASE("a write to a read-only disk is aborted") {
  IdeRig rig;
  GuestDriver guest(rig, 0, 1);
  for (const std::uint8_t code : {0x30, 0x34, 0xc5, 0xca, 0x35, 0xce}) {
    guest.wide_address(0, 1);
    CHECK_EQ(guest.simple(code), 0x51);
    CHECK_EQ(guest.in(1), 0x04);
  }
  guest.address(1, 1);
  guest.command(0x20);
  CHECK_EQ(guest.read_by_interrupts(512, 512), part_of(rig.locked_contents, 512, 512));
}

TEST_CASE(
    "a flush reaches the disk after its time, and a write is durable when the cache is off or the command says so") {
  IdeRig rig;
  GuestDriver guest(rig, 0);
  guest.command(0xe7);
  CHECK_EQ(guest.wait_interrupt(), IdeDrive::flush_ns);
  CHECK_EQ(rig.disk.flushes, 1);
  guest.command(0xea);
  guest.wait_interrupt();
  CHECK_EQ(rig.disk.flushes, 2);
  const auto write = [&](std::uint8_t code) {
    guest.wide_address(0, 1);
    guest.command(code);
    guest.write_by_interrupts(pattern(512, 3), 512);
  };
  write(0x34);
  CHECK_EQ(rig.disk.flushes, 2);
  write(0xce);
  CHECK_EQ(rig.disk.flushes, 3);
  guest.out(1, 0x82);
  CHECK_EQ(guest.simple(0xef), 0x50);
  CHECK_EQ(rig.disk.flushes, 4);
  CHECK_EQ(word_of(identify(guest), 85), 0x4048);
  write(0x34);
  CHECK_EQ(rig.disk.flushes, 5);
  guest.out(1, 0x02);
  guest.simple(0xef);
  write(0x34);
  CHECK_EQ(rig.disk.flushes, 5);
}

TEST_CASE("the transfer mode that a driver sets shows in the identity, and one that does not exist is refused") {
  IdeRig rig;
  GuestDriver guest(rig, 0);
  const auto set = [&](std::uint8_t mode) {
    guest.out(1, 3);
    guest.out(2, mode);
    return guest.simple(0xef);
  };
  CHECK_EQ(set(0x22), 0x50);
  Data data = identify(guest);
  CHECK_EQ(word_of(data, 63), 0x0407);
  CHECK_EQ(word_of(data, 88), 0x003f);
  CHECK_EQ(set(0x0c), 0x50);
  CHECK_EQ(word_of(identify(guest), 63), 0x0407);
  CHECK_EQ(set(0x42), 0x50);
  data = identify(guest);
  CHECK_EQ(word_of(data, 63), 0x0007);
  CHECK_EQ(word_of(data, 88), 0x043f);
  for (const std::uint8_t mode : {0x46, 0x23, 0x0d, 0x02, 0x80}) CHECK_EQ(set(mode), 0x51);
  for (const std::uint8_t feature : {0x66, 0x95, 0xaa, 0x55, 0xcc}) {
    guest.out(1, feature);
    CHECK_EQ(guest.simple(0xef), 0x50);
  }
  guest.out(1, 0x5d);
  CHECK_EQ(guest.simple(0xef), 0x51);
}

TEST_CASE("power commands succeed, the mode is active, and unknown commands are aborted") {
  IdeRig rig;
  GuestDriver guest(rig, 0);
  for (const std::uint8_t code : {0x10, 0x1f, 0xe0, 0xe1, 0xe2, 0xe3, 0xe6, 0x94}) CHECK_EQ(guest.simple(code), 0x50);
  CHECK_EQ(guest.simple(0xe5), 0x50);
  CHECK_EQ(guest.in(2), 0xff);
  for (const std::uint8_t code : {0x00, 0x22, 0x50, 0xb0, 0xb1, 0xda, 0xde, 0xf5, 0xf8, 0xf9, 0xff}) {
    CHECK_EQ(guest.simple(code), 0x51);
    CHECK_EQ(guest.in(1), 0x04);
  }
}

TEST_CASE("registers and commands are dropped while the drive is at work") {
  IdeRig rig;
  GuestDriver guest(rig, 0);
  guest.address(4, 1);
  guest.command(0x20);
  guest.out(3, 9);
  guest.command(0xe7);
  guest.wait_interrupt();
  guest.out(3, 9);
  guest.command(0x10);
  CHECK_EQ(guest.take(512), part_of(rig.disk_contents, 4 * 512, 512));
  CHECK_EQ(guest.in(3), 4);
  CHECK_EQ(rig.disk.flushes, 0);
}

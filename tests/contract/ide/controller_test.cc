// The IDE function as PCI sees it, the registers of a channel, detection and reset.
#include "tests/contract/ide/guest_driver.h"

using namespace lockstitch;
using namespace lockstitch::test;

TEST_CASE("the function is a PIIX3 IDE controller in compatibility mode with a bus master") {
  IdeRig rig;
  CHECK_EQ(rig.it.read_config(0, 4), 0x7010'8086);
  CHECK_EQ(rig.it.read_config(8, 4), 0x0101'8000);
  CHECK_EQ(rig.it.read_config(6, 2), 0x0280);
  CHECK_EQ(rig.it.read_config(0x0e, 1), 0);
  CHECK_EQ(rig.it.read_config(0x3d, 1), 0);
  CHECK_EQ(rig.it.read_config(0x2c, 4), 0x1100'1af4);
}

TEST_CASE("channels are enabled from the start, timings are stored, Ultra DMA registers read 0") {
  IdeRig rig;
  CHECK_EQ(rig.it.read_config(0x40, 4), 0x8000'8000);
  rig.it.write_config(0x40, 4, 0xa307'e377);
  rig.it.write_config(0x44, 1, 0xbb);
  rig.it.write_config(0x48, 4, 0xffff'ffff);
  CHECK_EQ(rig.it.read_config(0x40, 4), 0xa307'e377);
  CHECK_EQ(rig.it.read_config(0x44, 1), 0xbb);
  CHECK_EQ(rig.it.read_config(0x48, 4), 0);
}

TEST_CASE("BAR 4 is sized and places the bus master's ports") {
  IdeRig rig;
  rig.it.write_config(0x20, 4, 0xffff'ffff);
  CHECK_EQ(rig.it.read_config(0x20, 4), 0xffff'fff1);
  rig.it.write_config(0x20, 4, 0xc000);
  CHECK_FALSE(rig.bar.placed);
  rig.it.write_config(4, 2, 1);
  CHECK(rig.bar.placed);
  CHECK_EQ(rig.bar.base, 0xc000);
}

TEST_CASE("registers that a BIOS writes to find a drive read back, and read 0 where no drive is") {
  IdeRig rig;
  const auto probe = [&](unsigned channel, unsigned unit) {
    GuestDriver guest(rig, channel, unit);
    guest.out(2, 0x55);
    guest.out(3, 0xaa);
    return guest.in(2) << 8 | guest.in(3);
  };
  CHECK_EQ(probe(0, 0), 0x55aa);
  CHECK_EQ(probe(0, 1), 0x55aa);
  CHECK_EQ(probe(1, 0), 0x55aa);
  CHECK_EQ(probe(1, 1), 0);
  GuestDriver absent(rig, 1, 1);
  CHECK_EQ(absent.in(7), 0);
  CHECK_EQ(absent.in(6), 0xb0);
  absent.command(0xec);
  rig.bench.advance(1'000'000);
  CHECK_EQ(absent.alternate_status(), 0);
  CHECK_FALSE(absent.line());

  IdeRig empty(IdeDrives::none);
  GuestDriver nobody(empty, 0);
  for (unsigned port = 1; port < 8; ++port) CHECK_EQ(nobody.in(port), 0);
}

TEST_CASE("a software reset holds the drives busy and leaves each one's signature") {
  IdeRig rig;
  GuestDriver disk(rig, 0), locked(rig, 0, 1), cd(rig, 1);
  disk.set_control(0x0e);
  CHECK_EQ(disk.alternate_status(), 0x80);
  rig.bench.advance(1'000'000'000);
  CHECK_EQ(disk.alternate_status(), 0x80);
  disk.set_control(0x08);
  CHECK_EQ(disk.alternate_status(), 0x80);
  rig.bench.advance(10'000);
  CHECK_EQ(disk.alternate_status(), 0x50);
  CHECK_EQ(disk.in(6), 0xa0);
  cd.reset();
  CHECK_EQ(cd.alternate_status(), 0);
  const auto signature = [](GuestDriver& guest) {
    guest.select();
    return guest.in(1) << 16 | guest.in(2) << 12 | guest.in(3) << 8 | guest.in(4) * 0x1'0000'000ull << 4 |
           std::uint64_t{guest.in(5)} << 40;
  };
  CHECK_EQ(signature(disk), 0x1'1100);
  CHECK_EQ(signature(locked), 0x1'1100);
  CHECK_EQ(signature(cd), 0xeb14'0001'1100);
  CHECK_FALSE(disk.line());
}

TEST_CASE("a software reset ends a command in progress for good") {
  IdeRig rig;
  GuestDriver guest(rig, 0);
  guest.address(0, 4);
  guest.command(0x20);
  guest.wait_interrupt();
  guest.take(100);
  guest.reset();
  CHECK_EQ(guest.alternate_status(), 0x50);
  CHECK_EQ(guest.take(2), Data{0, 0});
  rig.bench.advance(1'000'000);
  CHECK_FALSE(guest.line());
}

TEST_CASE("diagnostics run on both drives whichever is selected, and report once") {
  IdeRig rig;
  GuestDriver slave(rig, 0, 1);
  slave.out(2, 0x77);
  rig.lines[0]->rises = 0;
  slave.simple(0x90);
  CHECK_EQ(rig.lines[0]->rises, 1);
  for (unsigned unit = 0; unit < 2; ++unit) {
    GuestDriver guest(rig, 0, unit);
    CHECK_EQ(guest.in(1), 1);
    CHECK_EQ(guest.in(2), 1);
  }
}

TEST_CASE("the high order bit shows what was written before, until the next write") {
  IdeRig rig;
  GuestDriver guest(rig, 0);
  guest.out(3, 0x12);
  guest.out(3, 0x34);
  CHECK_EQ(guest.in(3), 0x34);
  guest.set_control(0x88);
  CHECK_EQ(guest.in(3), 0x12);
  guest.out(2, 1);
  CHECK_EQ(guest.in(3), 0x34);
}

TEST_CASE("the interrupt is held back while it is switched off, and is the selected drive's alone") {
  IdeRig rig;
  GuestDriver guest(rig, 0);
  guest.set_control(0x0a);
  guest.command(0xe7);
  rig.bench.advance(1'000'000);
  CHECK_FALSE(guest.line());
  CHECK_EQ(guest.in_master(2) & 4, 0);
  guest.set_control(0x08);
  CHECK(guest.line());
  CHECK_EQ(guest.in_master(2) & 4, 4);
  guest.out(6, 0xb0);
  CHECK_FALSE(guest.line());
  guest.in(7);
  guest.out(6, 0xa0);
  CHECK(guest.line());
  guest.in(7);
  CHECK_FALSE(guest.line());
  CHECK_EQ(guest.in_master(2) & 4, 4);
  guest.out_master(2, 1, 4);
  CHECK_EQ(guest.in_master(2) & 4, 0);
}

TEST_CASE("the data port has no bytes, and a wide access to the others goes by bytes") {
  IdeRig rig;
  GuestDriver guest(rig, 0);
  guest.address(3, 1);
  guest.command(0x20);
  guest.wait_interrupt();
  CHECK_EQ(guest.in(0), 0xff);
  CHECK_EQ(guest.take(512), part_of(rig.disk_contents, 3 * 512, 512));
  rig.it.task_file(0).write(2, 4, 0x4433'2211);
  CHECK_EQ(rig.it.task_file(0).read(2, 4), 0x4433'2211);
}

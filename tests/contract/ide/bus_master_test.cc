// Transfers by the bus master: regions, outcomes, order of starting, and tables that are wrong.
#include "tests/contract/ide/guest_driver.h"

using namespace lockstitch;
using namespace lockstitch::test;

namespace {
constexpr std::uint8_t active = 1, master_error = 2, interrupted = 4;
}

TEST_CASE("a DMA read fills the regions of the table exactly, at the time that follows from its size") {
  IdeRig rig;
  GuestDriver guest(rig, 0);
  guest.set_table({{0x1002, 100}, {0x2000, 924}, {0x3000, 512}});
  guest.address(8, 3);
  guest.command(0xc8);
  guest.start_master(true);
  CHECK_EQ(guest.in_master(2) & active, active);
  const std::uint64_t time = IdeDrive::dma_ns + 3 * 512 * IdeDrive::dma_byte_ns;
  rig.bench.advance(time - 1);
  CHECK_FALSE(guest.line());
  CHECK_EQ(part_of(rig.memory, 0x1002, 100), Data(100));
  CHECK_EQ(rig.disk.calls, std::vector<std::string>{"prepare 8 1536"});
  rig.bench.advance(1);
  CHECK(guest.line());
  CHECK_EQ(guest.end_dma() & 7, interrupted);
  CHECK_EQ(guest.status, 0x50);
  CHECK_FALSE(guest.line());
  Data got = part_of(rig.memory, 0x1002, 100);
  for (const auto& [at, bytes] : {std::pair{0x2000, 924}, {0x3000, 512}}) {
    const Data part = part_of(rig.memory, at, bytes);
    got.insert(got.end(), part.begin(), part.end());
  }
  CHECK_EQ(got, part_of(rig.disk_contents, 8 * 512, 3 * 512));
  CHECK_EQ(part_of(rig.memory, 0x1000, 2), Data(2));
  CHECK_EQ(part_of(rig.memory, 0x1066, 100), Data(100));
  CHECK_EQ(guest.in_master(2) & 7, 0);
}

TEST_CASE("a DMA write gathers the regions when it completes") {
  IdeRig rig;
  GuestDriver guest(rig, 0);
  const Data data = pattern(1024, 4);
  guest.set_table({{0x1000, 600}, {0x1300, 424}});
  guest.start_master(false);  // before the command: both orders work
  guest.wide_address(30, 2);
  guest.command(0x35);
  rig.bench.advance(1000);
  std::copy_n(data.begin(), 600, rig.memory.ram.begin() + 0x1000);
  std::copy_n(data.begin() + 600, 424, rig.memory.ram.begin() + 0x1300);
  guest.wait_interrupt();
  CHECK_EQ(guest.end_dma() & 7, interrupted);
  CHECK_EQ(part_of(rig.disk_contents, 30 * 512, 1024), data);
}

TEST_CASE("a count of 0 is 64 KiB and an odd one loses its last bit") {
  IdeRig rig(IdeDrives::disks, 0x4'0000, 0x4'0000);
  GuestDriver guest(rig, 0);
  guest.set_table({{0x1'0000, 0}, {0x2'0000, 513}});
  guest.address(0, 129);
  guest.command(0xc8);
  guest.start_master(true);
  guest.wait_interrupt();
  CHECK_EQ(guest.end_dma() & 7, interrupted);
  CHECK_EQ(part_of(rig.memory, 0x1'0000, 129 * 512), part_of(rig.disk_contents, 0, 129 * 512));
}

TEST_CASE("a 48-bit transfer of 32 MiB goes in one command") {
  IdeRig rig(IdeDrives::disks, 0x20'0000, 32 << 20);
  GuestDriver guest(rig, 0);
  // 512 regions of 64 KiB, all over the same megabyte.
  Gpa at = 0x8'0000;
  guest.out_master(4, 4, at);
  for (unsigned i = 0; i < 512; ++i, at += 8) {
    const std::uint32_t base = 0x10'0000 + i % 16 * 0x1'0000;
    for (unsigned k = 0; k < 4; ++k) rig.memory.ram[at + k] = static_cast<std::uint8_t>(base >> (8 * k));
    rig.memory.ram[at + 7] = i == 511 ? 0x80 : 0;
  }
  guest.wide_address(0, 0);
  guest.command(0x25);
  guest.start_master(true);
  CHECK_GE(guest.wait_interrupt(), (32ull << 20) * IdeDrive::dma_byte_ns);
  CHECK_EQ(guest.end_dma() & 7, interrupted);
  CHECK_EQ(part_of(rig.memory, 0x10'0000, 1 << 20), part_of(rig.disk_contents, 31 << 20, 1 << 20));
}

TEST_CASE("regions left over: the transfer is good and the engine stays active") {
  IdeRig rig;
  GuestDriver guest(rig, 0);
  guest.set_table({{0x1000, 512}, {0x2000, 512}});
  guest.address(1, 1);
  guest.command(0xc8);
  guest.start_master(true);
  guest.wait_interrupt();
  CHECK_EQ(guest.in_master(2) & 7, (interrupted | active));
  // The rest of the table is not for the next command.
  guest.address(2, 1);
  guest.command(0xc8);
  rig.bench.advance(1'000'000);
  CHECK_EQ(part_of(rig.memory, 0x2000, 512), Data(512));
  CHECK_FALSE(guest.line());
  guest.end_dma();
  guest.set_table({{0x2000, 512}});
  guest.start_master(true);
  guest.wait_interrupt();
  CHECK_EQ(part_of(rig.memory, 0x2000, 512), part_of(rig.disk_contents, 2 * 512, 512));
}

TEST_CASE("too few regions: the engine stops without an interrupt, and a reset brings the drive back") {
  IdeRig rig;
  GuestDriver guest(rig, 0);
  guest.set_table({{0x1000, 700}});
  guest.address(1, 2);
  guest.command(0xc8);
  guest.start_master(true);
  rig.bench.advance(1'000'000'000);
  CHECK_FALSE(guest.line());
  CHECK_EQ(guest.in_master(2) & 7, 0);
  CHECK_EQ(part_of(rig.memory, 0x1000, 700), part_of(rig.disk_contents, 512, 700));
  CHECK_EQ(part_of(rig.memory, 0x1000 + 700, 100), Data(100));
  guest.reset();
  CHECK_EQ(guest.simple(0xe7), 0x50);

  const Data data = pattern(700, 5);
  std::copy(data.begin(), data.end(), rig.memory.ram.begin() + 0x1000);
  const Data untouched = part_of(rig.disk_contents, 11 * 512, 512);
  guest.set_table({{0x1000, 700}});
  guest.address(10, 2);
  guest.command(0xca);
  guest.start_master(false);
  rig.bench.advance(1'000'000'000);
  CHECK_EQ(part_of(rig.disk_contents, 10 * 512, 512), Data(data.begin(), data.begin() + 512));
  CHECK_EQ(part_of(rig.disk_contents, 11 * 512, 512), untouched);
}

TEST_CASE("a table or region that is not memory is an error of the bus master") {
  IdeRig rig;
  GuestDriver guest(rig, 0);
  const auto outcome = [&] {
    guest.address(1, 2);
    guest.command(0xc8);
    guest.start_master(true);
    rig.bench.advance(1'000'000);
    CHECK_FALSE(guest.line());
    const std::uint8_t seen = guest.end_dma() & 7;
    guest.reset();
    return seen;
  };
  SUBCASE("no region") {
    guest.set_table({{0x1000, 512}, {0x100'0000, 512}});
    CHECK_EQ(outcome(), master_error);
    CHECK_EQ(part_of(rig.memory, 0x1000, 512), part_of(rig.disk_contents, 512, 512));
  }
  SUBCASE("no table") {
    guest.out_master(4, 4, 0xfff0'0000);
    CHECK_EQ(outcome(), master_error);
  }
  SUBCASE("a region over the end of the address space") {
    guest.set_table({{0xffff'fff0, 512}});
    CHECK_EQ(outcome(), master_error);
  }
  SUBCASE("bus mastering is off") {
    guest.set_table({{0x1000, 1024}});
    rig.it.write_config(4, 2, 1);
    CHECK_EQ(outcome(), master_error);
    CHECK_EQ(part_of(rig.memory, 0x1000, 512), Data(512));
  }
  CHECK_EQ(guest.simple(0xe7), 0x50);
}

TEST_CASE("a table without an end is bounded") {
  IdeRig rig(IdeDrives::disks, 0x2'0000, 0x4'0000);
  GuestDriver guest(rig, 0);
  // Every entry of 64 KiB of table moves two bytes: 8192 of them are 16 KiB, and then the table is over.
  for (std::size_t i = 0; i < 0x2'0000; i += 8) {
    std::fill_n(rig.memory.ram.begin() + static_cast<std::ptrdiff_t>(i), 8, std::uint8_t{0});
    rig.memory.ram[i + 4] = 2;
    rig.memory.ram[i + 2] = 1;  // address 1'0000h
  }
  guest.out_master(4, 4, 0);
  guest.address(0, 40);
  guest.command(0xca);
  guest.start_master(false);
  rig.bench.advance(1'000'000'000);
  CHECK_FALSE(guest.line());
  CHECK_EQ(guest.in_master(2) & 7, 0);
  std::uint64_t written = 0;
  for (const std::string& call : rig.disk.calls) written += call == "write 0 16384";
  CHECK_EQ(written, 1);
}

TEST_CASE("an engine that is stopped moves nothing, and started again it moves everything") {
  IdeRig rig;
  GuestDriver guest(rig, 0);
  guest.set_table({{0x1000, 512}});
  guest.address(1, 1);
  guest.command(0xc8);
  guest.start_master(true);
  rig.bench.advance(10'000);
  guest.out_master(0, 1, 8);
  CHECK_EQ(guest.in_master(2) & active, 0);
  rig.bench.advance(1'000'000);
  CHECK_FALSE(guest.line());
  CHECK_EQ(part_of(rig.memory, 0x1000, 512), Data(512));
  guest.start_master(true);
  guest.wait_interrupt();
  CHECK_EQ(guest.end_dma() & 7, interrupted);
  CHECK_EQ(part_of(rig.memory, 0x1000, 512), part_of(rig.disk_contents, 512, 512));
}

TEST_CASE("status bits of the bus master are cleared by ones, drives' DMA bits are stored, the pointer is aligned") {
  IdeRig rig;
  GuestDriver guest(rig, 0);
  guest.out_master(2, 1, 0x60);
  CHECK_EQ(guest.in_master(2), 0x60);
  guest.out_master(2, 1, 0x9f);
  CHECK_EQ(guest.in_master(2), 0);
  guest.out_master(4, 4, 0x1234'5677);
  CHECK_EQ(rig.it.bus_master().read(4, 4), 0x1234'5674);
  guest.out_master(6, 2, 0x0001);
  CHECK_EQ(rig.it.bus_master().read(4, 4), 0x0001'5674);
  CHECK_EQ(rig.it.bus_master().read(12, 4), 0);
  guest.out_master(0, 1, 0xf6);
  CHECK_EQ(guest.in_master(0), 0);
}

TEST_CASE("a slave's transfer and the other channel's at the same time do not meet") {
  IdeRig rig;
  GuestDriver slave(rig, 0, 1), cd(rig, 1);
  slave.set_table({{0x1000, 512}});
  slave.address(3, 1);
  slave.command(0xc8);
  slave.start_master(true);
  cd.command(0xa1);
  slave.wait_interrupt();
  CHECK_EQ(slave.end_dma() & 7, interrupted);
  CHECK_EQ(part_of(rig.memory, 0x1000, 512), part_of(rig.locked_contents, 3 * 512, 512));
  CHECK(cd.line());
  CHECK_EQ(cd.in_master(2) & 7, interrupted);
}

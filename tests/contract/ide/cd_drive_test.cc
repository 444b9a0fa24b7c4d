// The CD drive: detection, packets by port and by DMA, answers, sense and the change of media.
#include "tests/contract/ide/guest_driver.h"

using namespace lockstitch;
using namespace lockstitch::test;

namespace {
constexpr unsigned blocks_of_first = IdeRig::medium_bytes / 2048, no_medium = 0x02'3a'00, unknown = 0x05'20'00,
                   out_of_range = 0x05'21'00, bad_field = 0x05'24'00, locked = 0x05'53'02, changed = 0x06'28'00,
                   was_reset = 0x06'29'00;

/// A drive whose first attention has been reported.
struct Cd {
  IdeRig rig;
  GuestDriver guest{rig, 1};
  Cd() {
    guest.packet({0x00});
    REQUIRE(guest.failed());
    REQUIRE_EQ(guest.sense(), was_reset);
  }
  void insert(std::uint8_t index) { rig.tray->arrive(Bytes(&index, 1)); }
  Data get(std::initializer_list<unsigned> packet) {
    Data data = guest.packet(packet);
    CHECK_FALSE(guest.failed());
    return data;
  }
  unsigned why(std::initializer_list<unsigned> packet) {
    guest.packet(packet);
    CHECK(guest.failed());
    const unsigned key = guest.in(1) >> 4;
    const unsigned sense = guest.sense();
    CHECK_EQ(sense >> 16, key);
    CHECK_EQ(guest.sense(), 0);  // told once
    return sense;
  }
  unsigned event() { return get({0x4a, 1, 0, 0, 0x10, 0, 0, 0, 8})[4]; }
  unsigned presence() { return get({0x4a, 1, 0, 0, 0x10, 0, 0, 0, 8})[5]; }
};
}  // namespace

TEST_CASE("the drive shows its signature to IDENTIFY DEVICE and describes itself to the packet one") {
  IdeRig rig;
  GuestDriver guest(rig, 1);
  CHECK_EQ(guest.alternate_status(), 0);
  CHECK_EQ(guest.simple(0xec), 0x51);
  CHECK_EQ(guest.in(1), 0x04);
  CHECK_EQ(guest.in(4), 0x14);
  CHECK_EQ(guest.in(5), 0xeb);
  guest.command(0xa1);
  guest.wait_interrupt();
  const Data data = guest.take(512);
  CHECK_EQ(word_of(data, 0), 0x85c0);
  CHECK_EQ(word_of(data, 49), 0x0300);
  CHECK_EQ(text_of(data, 27, 9), "Lockstitch CD-ROM ");
  CHECK_EQ(guest.alternate_status(), 0x50);
}

TEST_CASE("DEVICE RESET works at any time, raises no interrupt and shows the signature") {
  Cd cd;
  cd.guest.out(4, 0);
  cd.guest.out(5, 8);
  cd.guest.give_packet({0x28, 0, 0, 0, 0, 0, 0, 0, 2});
  cd.guest.wait_interrupt();
  cd.guest.command(0x08);
  CHECK_EQ(cd.guest.alternate_status(), 0x80);
  cd.rig.bench.advance(100'000);
  CHECK_EQ(cd.guest.alternate_status(), 0);
  CHECK_FALSE(cd.guest.line());
  CHECK_EQ(cd.guest.in(5), 0xeb);
  CHECK_EQ(cd.get({0x25}).size(), 8);
}

TEST_CASE("a BIOS reads blocks of 2048 bytes by polling, as many as it asks for") {
  Cd cd;
  GuestDriver& guest = cd.guest;
  guest.set_control(0x0a);
  guest.out(1, 0);
  guest.out(4, 0x00);
  guest.out(5, 0x08);
  guest.give_packet({0x28, 0, 0, 0, 0, 3, 0, 0, 4});
  CHECK_EQ(guest.read_by_polling(4 * 2048, 2048), part_of(*cd.rig.media_contents[0], 3 * 2048, 4 * 2048));
  guest.wait_status();
  CHECK_EQ(guest.status & 0x89, 0);
  CHECK_EQ(guest.in(2), 3);
  CHECK_EQ(cd.rig.media[0].calls.front(), "prepare 12 8192");
}

TEST_CASE("a read by interrupts comes in blocks of the limit that the guest sets, and ends with its own interrupt") {
  Cd cd;
  const Data wanted = part_of(*cd.rig.media_contents[0], 2048, 3 * 2048);
  CHECK_EQ(cd.guest.packet({0x28, 0, 0, 0, 0, 1, 0, 0, 3}, 0x800), wanted);
  CHECK_EQ(cd.guest.blocks, std::vector<unsigned>{2048, 2048, 2048});
  CHECK_EQ(cd.guest.packet({0xa8, 0, 0, 0, 0, 1, 0, 0, 0, 3}, 0xfffe), wanted);
  CHECK_EQ(cd.guest.blocks, std::vector<unsigned>{6144});
  CHECK_EQ(cd.guest.packet({0xa8, 0, 0, 0, 0, 1, 0, 0, 0, 3}, 0), wanted);
  CHECK_EQ(cd.guest.blocks, std::vector<unsigned>{6144});
  CHECK_EQ(cd.guest.packet({0xbe, 0, 0, 0, 0, 1, 0, 0, 3, 0x10}, 3001), wanted);
  CHECK_EQ(cd.guest.blocks, std::vector<unsigned>{3000, 3000, 144});
  CHECK_EQ(cd.guest.packet({0x28, 0, 0, 0, 0, 1, 0, 0, 3}, 1), wanted);
  CHECK_EQ(cd.guest.blocks.size(), 3072);
  CHECK_EQ(cd.guest.packet({0x28, 0, 0, 0, 0, 1, 0, 0, 0}).size(), 0);
  CHECK_FALSE(cd.guest.failed());
}

TEST_CASE("an odd answer is one word longer on the wire than its byte count says") {
  Cd cd;
  const Data data = cd.get({0x12, 0, 0, 0, 5});
  CHECK_EQ(data, Data{0x05, 0x80, 0x00, 0x21, 31});
  CHECK_EQ(cd.guest.blocks, std::vector<unsigned>{5});
}

TEST_CASE("a read by DMA fills the regions; an answer shorter than the table leaves the engine active") {
  Cd cd;
  GuestDriver& guest = cd.guest;
  guest.set_table({{0x1000, 1000}, {0x2000, 3096}});
  guest.out(1, 1);
  guest.give_packet({0x28, 0, 0, 0, 0, 5, 0, 0, 2});
  guest.start_master(true);
  const std::uint64_t waited = guest.wait_interrupt();
  CHECK_GE(waited, IdeDrive::dma_ns + 4096 * IdeDrive::dma_byte_ns);
  CHECK_EQ(guest.end_dma() & 7, 4);
  CHECK_EQ(guest.in(2), 3);
  Data got = part_of(cd.rig.memory, 0x1000, 1000);
  const Data rest = part_of(cd.rig.memory, 0x2000, 3096);
  got.insert(got.end(), rest.begin(), rest.end());
  CHECK_EQ(got, part_of(*cd.rig.media_contents[0], 5 * 2048, 4096));

  guest.set_table({{0x3000, 200}});
  guest.out(1, 1);
  guest.give_packet({0x12, 0, 0, 0, 96});
  guest.start_master(true);
  guest.wait_interrupt();
  CHECK_EQ(guest.end_dma() & 7, 5);
  CHECK_EQ(cd.rig.memory.ram[0x3000], 5);
  CHECK_EQ(cd.rig.memory.ram[0x3000 + 36], 0);
}

TEST_CASE("a DMA packet that fails interrupts and moves nothing") {
  Cd cd;
  cd.guest.set_table({{0x1000, 2048}});
  cd.guest.out(1, 1);
  cd.guest.give_packet({0x28, 0, 0, 0, 1, 0, 0, 0, 1});
  cd.guest.start_master(true);
  cd.guest.wait_interrupt();
  CHECK_EQ(cd.guest.status & 1, 1);
  CHECK_EQ(cd.guest.in(1), 0x54);
  CHECK_EQ(cd.guest.end_dma() & 7, 5);
  CHECK_EQ(part_of(cd.rig.memory, 0x1000, 2048), Data(2048));
  CHECK_EQ(cd.guest.sense(), out_of_range);
}

TEST_CASE("capacity, inquiry and simple answers") {
  Cd cd;
  CHECK_EQ(cd.get({0x25}), Data{0, 0, 0, blocks_of_first - 1, 0, 0, 8, 0});
  const Data inquiry = cd.get({0x12, 0, 0, 0, 96});
  REQUIRE_EQ(inquiry.size(), 36);
  CHECK_EQ(std::string(inquiry.begin() + 8, inquiry.end()), "LOCKSTCHCD-ROM          1.0 ");
  CHECK_EQ(cd.get({0x12, 1, 0, 0, 96}), Data{5, 0, 0, 2, 0, 0x80});
  CHECK_EQ(cd.get({0x12, 1, 0x80, 0, 96}), Data{5, 0x80, 0, 4, 'C', 'D', '1', '0'});
  CHECK_EQ(cd.why({0x12, 1, 0x83, 0, 96}), bad_field);
  CHECK_EQ(cd.get({0xbd, 0, 0, 0, 0, 0, 0, 0, 0, 8}), Data{0, 0, 0, 0, 0, 1, 0, 0});
  CHECK_EQ(cd.get({0x51, 0, 0, 0, 0, 0, 0, 0, 200}).size(), 34);
  const Data track = cd.get({0x52, 1, 0, 0, 0, 1, 0, 0, 200});
  REQUIRE_EQ(track.size(), 36);
  CHECK_EQ(track[27], blocks_of_first);
  CHECK_EQ(cd.get({0x5c, 0, 0, 0, 0, 0, 0, 0, 12}).size(), 12);
  CHECK_EQ(cd.why({0x52, 1, 0, 0, 0, 2, 0, 0, 36}), bad_field);
  CHECK_EQ(cd.get({0xac, 0x10, 0, 0, 0, 0, 0, 0, 0, 1}).size(), 24);
  CHECK_EQ(cd.why({0xad, 0, 0, 0, 0, 0, 0, 0, 8, 0}), 0x05'30'02);
  CHECK_EQ(cd.why({0xff}), unknown);
  CHECK_EQ(cd.why({0x28, 0, 0, 0, 0, blocks_of_first - 1, 0, 0, 2}), out_of_range);
}

TEST_CASE("tables of contents in three formats, by block and by time") {
  Cd cd;
  CHECK_EQ(cd.get({0x43, 0, 0, 0, 0, 0, 0, 0, 100}),
           Data{0, 18, 1, 1, 0, 0x14, 1, 0, 0, 0, 0, 0, 0, 0x14, 0xaa, 0, 0, 0, 0, blocks_of_first});
  CHECK_EQ(cd.get({0x43, 2, 0, 0, 0, 0, 0xaa, 0, 100}), Data{0, 10, 1, 1, 0, 0x14, 0xaa, 0, 0, 0, 2, blocks_of_first});
  CHECK_EQ(cd.get({0x43, 0, 1, 0, 0, 0, 0, 0, 100}), Data{0, 10, 1, 1, 0, 0x14, 1, 0, 0, 0, 0, 0});
  CHECK_EQ(cd.get({0x43, 0, 0, 0, 0, 0, 0, 0, 12, 0x40}), Data{0, 10, 1, 1, 0, 0x14, 1, 0, 0, 0, 0, 0});
  const Data full = cd.get({0x43, 2, 2, 0, 0, 0, 0, 0, 200});
  REQUIRE_EQ(full.size(), 4 + 4 * 11);
  CHECK_EQ(Data(full.begin() + 26, full.begin() + 37), Data{1, 0x14, 0, 0xa2, 0, 0, 0, 0, 0, 2, blocks_of_first});
  CHECK_EQ(cd.why({0x43, 0, 4, 0, 0, 0, 0, 0, 100}), bad_field);
  CHECK_EQ(cd.why({0x43, 0, 0, 0, 0, 0, 2, 0, 100}), bad_field);
  CHECK_EQ(cd.get({0x43, 0, 0, 0, 0, 0, 0, 0, 4}).size(), 4);
}

TEST_CASE("the configuration names the profile of what is in the drive") {
  Cd cd;
  Data data = cd.get({0x46, 0, 0, 0, 0, 0, 0, 2, 0});
  CHECK_EQ(data[3], data.size() - 4);
  CHECK_EQ((data[6] << 8 | data[7]), 0x08);
  CHECK_EQ(Data(data.begin() + 8, data.begin() + 20), Data{0, 0, 3, 8, 0, 0x10, 0, 0, 0, 8, 1, 0});
  data = cd.get({0x46, 2, 0, 3, 0, 0, 0, 2, 0});
  CHECK_EQ(Data(data.begin() + 8, data.end()), Data{0, 3, 7, 4, 0x29, 0, 0, 0});
  cd.insert(0xff);
  CHECK_EQ(cd.get({0x46, 0, 0, 0, 0, 0, 0, 0, 8})[7], 0);
  CHECK_EQ(cd.why({0x46, 3, 0, 0, 0, 0, 0, 0, 8}), bad_field);
}

TEST_CASE("mode pages show the lock, hide what cannot change, and are accepted when written") {
  Cd cd;
  Data page = cd.get({0x5a, 8, 0x2a, 0, 0, 0, 0, 0, 100});
  REQUIRE_EQ(page.size(), 8 + 22);
  CHECK_EQ(page[1], page.size() - 2);
  CHECK_EQ(page[2], 1);
  CHECK_EQ(page[8], 0x2a);
  CHECK_EQ(page[14], 0x29);
  cd.get({0x1e, 0, 0, 0, 1});
  CHECK_EQ(cd.get({0x5a, 8, 0x2a, 0, 0, 0, 0, 0, 100})[14], 0x2b);
  page = cd.get({0x5a, 8, 0x41, 0, 0, 0, 0, 0, 100});
  CHECK_EQ(Data(page.begin() + 8, page.end()), Data{1, 6, 0, 0, 0, 0, 0, 0});
  CHECK_EQ(cd.get({0x5a, 0, 0x3f, 0, 0, 0, 0, 0, 200}).size(), 8 + 8 + 8 + 16 + 22);
  CHECK_EQ(cd.why({0x5a, 0, 0x05, 0, 0, 0, 0, 0, 100}), bad_field);
  CHECK_EQ(cd.why({0x5a, 0, 0xc1, 0, 0, 0, 0, 0, 100}), 0x05'39'00);

  GuestDriver& guest = cd.guest;
  guest.out(4, 10);
  guest.out(5, 0);
  guest.give_packet({0x55, 0x10, 0, 0, 0, 0, 0, 0, 16});
  for (const unsigned bytes : {10u, 6u}) {
    guest.wait_interrupt();
    REQUIRE_EQ(guest.status & 0x89, 0x08);
    REQUIRE_EQ(guest.in(2), 0);
    REQUIRE_EQ(guest.in(4), bytes);
    guest.give(Data(bytes));
  }
  guest.wait_interrupt();
  CHECK_EQ(guest.status & 0x89, 0);
}

TEST_CASE("an attention is reported once, by the first command that can, and INQUIRY is not held up") {
  IdeRig rig;
  GuestDriver guest(rig, 1);
  CHECK_EQ(guest.packet({0x12, 0, 0, 0, 36}).size(), 36);
  CHECK_FALSE(guest.failed());
  guest.packet({0x25});
  CHECK(guest.failed());
  CHECK_EQ(guest.in(1), 0x60);
  CHECK_EQ(guest.sense(), was_reset);
  guest.packet({0x00});
  CHECK_FALSE(guest.failed());
  CHECK_EQ(guest.sense(), 0);
}

TEST_CASE("another medium shows as an event, an attention and other contents") {
  Cd cd;
  CHECK_EQ(cd.event(), 0);
  CHECK_EQ(cd.presence(), 2);
  cd.insert(1);
  CHECK_EQ(cd.event(), 2);
  CHECK_EQ(cd.event(), 0);
  CHECK_EQ(cd.why({0x00}), changed);
  CHECK_EQ(cd.get({0x25})[3], blocks_of_first - 2);
  CHECK_EQ(cd.get({0x28, 0, 0, 0, 0, 0, 0, 0, 1}), part_of(*cd.rig.media_contents[1], 0, 2048));
  cd.insert(0xff);
  CHECK_EQ(cd.event(), 3);
  CHECK_EQ(cd.presence(), 0);
  for (const unsigned code : {0x00u, 0x25u, 0x43u, 0x51u}) CHECK_EQ(cd.why({code, 0, 0, 0, 0, 0, 0, 0, 8}), no_medium);
  CHECK_EQ(cd.why({0x28, 0, 0, 0, 0, 0, 0, 0, 1}), no_medium);
  cd.insert(7);  // there is none
  CHECK_EQ(cd.why({0x00}), no_medium);
  cd.insert(0);
  CHECK_EQ(cd.why({0x00}), changed);
  CHECK_EQ(cd.get({0x25})[3], blocks_of_first - 1);
}

TEST_CASE("the guest ejects unless it has locked the drive; what arrives from outside always works") {
  Cd cd;
  cd.get({0x1e, 0, 0, 0, 1});
  CHECK_EQ(cd.why({0x1b, 0, 0, 0, 2}), locked);
  cd.get({0x00});
  cd.insert(1);
  CHECK_EQ(cd.why({0x00}), changed);
  cd.get({0x1e, 0, 0, 0, 0});
  cd.get({0x1b, 0, 0, 0, 2});
  CHECK_EQ(cd.presence(), 1);  // tray open, nothing in it
  CHECK_EQ(cd.why({0x00}), no_medium);
  cd.get({0x1b, 0, 0, 0, 3});
  CHECK_EQ(cd.presence(), 0);
  CHECK_EQ(cd.why({0x00}), no_medium);
  cd.insert(1);
  CHECK_EQ(cd.presence(), 2);
}

TEST_CASE("a read that is going on fails when its medium goes") {
  Cd cd;
  GuestDriver& guest = cd.guest;
  const auto start = [&](bool dma) {
    guest.out(1, dma);
    guest.out(4, 0);
    guest.out(5, 8);
    guest.give_packet({0x28, 0, 0, 0, 0, 0, 0, 0, 4});
  };
  start(false);
  guest.wait_interrupt();
  guest.take(100);
  cd.insert(1);
  CHECK_EQ(guest.alternate_status() & 0x80, 0x80);
  guest.wait_interrupt();
  CHECK(guest.failed());
  CHECK_EQ(guest.sense(), changed);
  cd.get({0x00});
  guest.set_table({{0x1000, 0x2000}});
  start(true);
  guest.start_master(true);
  cd.rig.bench.advance(20'000);
  cd.insert(0xff);
  guest.wait_interrupt();
  CHECK(guest.failed());
  CHECK_EQ(guest.end_dma() & 7, 5);
  CHECK_EQ(part_of(cd.rig.memory, 0x1000, 0x2000), Data(0x2000));
  CHECK_EQ(guest.sense(), no_medium);
}

TEST_CASE("a drive built without media is empty and takes none") {
  Bench bench;
  TestMemory& memory = bench.memory(0x1000);
  IdeController it("ide", memory, bench.clock, bench.line(), bench.line());
  ArrivalHandler& tray = it.attach_cdrom(0, 0, {});
  it.attach(bench.alarm(it.channel_alarm(0)), bench.alarm(it.channel_alarm(1)), bench.map());
  const std::uint8_t first = 0;
  tray.arrive(Bytes(&first, 1));
  RegisterWindow& w = it.task_file(0);
  for (const unsigned key : {6u, 2u}) {
    w.write(7, 1, 0xa0);
    for (unsigned i = 0; i < 6; ++i) w.write(0, 2, 0);
    bench.advance(100'000);
    CHECK_EQ(w.read(7, 1) & 1, 1);
    CHECK_EQ(w.read(1, 1) >> 4, key);
  }
}

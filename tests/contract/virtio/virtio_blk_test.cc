// The disk: what requests do, when they complete, and what is refused.
#include "tests/contract/virtio/guest_driver.h"
#include "tests/contract/virtio/virtio_rigs.h"

using namespace lockstitch;
using namespace lockstitch::test;

namespace {
constexpr std::uint32_t in = 0, out = 1, flush = 4, get_id = 8;
constexpr std::uint8_t ok = 0, io_error = 1, unsupported = 2;

struct DiskStand {
  BlkRig rig;
  GuestDriver driver{*rig.pci, rig.memory};
  explicit DiskStand(bool read_only = false, std::size_t disk_bytes = 1 << 20)
      : rig(0x80'0000, disk_bytes, read_only) {}

  struct Submitted {
    std::uint16_t head;
    Gpa data, status;
  };
  Gpa header(std::uint32_t kind, std::uint64_t sector) {
    const Gpa at = driver.allocate(16);
    driver.put(at, 4, kind);
    driver.put(at + 4, 4, 0);
    driver.put(at + 8, 8, sector);
    return at;
  }
  /// Data of `bytes` in the direction of `kind`; indirect, so that the ring does not fill.
  Submitted submit(std::uint32_t kind, std::uint64_t sector, std::uint32_t bytes) {
    const Gpa head = header(kind, sector), data = driver.allocate(bytes + 1, 16), status = driver.allocate(1, 1);
    driver.put(status, 1, 0xee);
    std::vector<GuestDriver::Buffer> buffers{{head, 16}};
    if (bytes != 0) buffers.push_back({data, bytes, kind != out});
    buffers.push_back({status, 1, true});
    return {driver.add_indirect(0, buffers), data, status};
  }
  std::uint8_t status(const Submitted& s) { return static_cast<std::uint8_t>(driver.get(s.status, 1)); }
  std::uint8_t run(const Submitted& s) {
    driver.notify(0);
    rig.bench.advance(10'000'000);
    return status(s);
  }
};
}  // namespace

TEST_CASE("the configuration tells size, segment limit and block size") {
  DiskStand s;
  CHECK_EQ(s.rig.pci->read_config(0, 4), 0x1042'1af4);
  CHECK_EQ(s.driver.offered(), (1ull << 32 | 1 << 28 | 1 << 9 | 1 << 6 | 1 << 2));
  CHECK_EQ(s.driver.read(0x2000, 8), 2048);
  CHECK_EQ(s.driver.read(0x2008, 4), 0);
  CHECK_EQ(s.driver.read(0x200c, 4), 254);
  CHECK_EQ(s.driver.read(0x2014, 4), 512);
  DiskStand locked(true);
  CHECK_EQ(locked.driver.offered() & 1 << 5, 1 << 5);
}

TEST_CASE("a read brings the sectors and not one byte more") {
  DiskStand s;
  s.driver.start();
  const auto read = s.submit(in, 3, 1024);
  s.driver.put(read.data + 1024, 1, 0x5a);
  CHECK_EQ(s.run(read), ok);
  const auto bytes = s.driver.bytes_at(read.data, 1025);
  for (unsigned i = 0; i < 1024; ++i) REQUIRE_EQ(bytes[i], s.rig.contents.ram[3 * 512 + i]);
  CHECK_EQ(bytes[1024], 0x5a);
  CHECK_EQ(s.driver.used(0), std::vector<GuestDriver::Used>{{read.head, 1025}});
}

TEST_CASE("what is written is read back, whatever way the buffers are cut") {
  DiskStand s;
  s.driver.start();
  std::vector<std::uint8_t> data(3 * 512);
  for (unsigned i = 0; i < data.size(); ++i) data[i] = static_cast<std::uint8_t>(i * 13 + 5);
  const Gpa from = s.driver.place(data), to = s.driver.allocate(data.size()), status = s.driver.allocate(2, 1);
  const Gpa head = s.header(out, 7);
  // The header in two pieces, the second of which holds data too when the header lies before it.
  s.driver.add_indirect(
      0, {{head, 5}, {head + 5, 11}, {from, 1}, {from + 1, 1000}, {from + 1001, 535}, {status, 1, true}});
  s.driver.add(0, {{s.header(in, 7), 16}, {to, 700, true}, {to + 700, 836, true}, {status + 1, 1, true}});
  s.driver.put(status, 2, 0xeeee);
  s.driver.notify(0);
  s.rig.bench.advance(1'000'000);
  CHECK_EQ(s.driver.get(status, 2), 0);
  CHECK_EQ(s.driver.bytes_at(to, data.size()), data);
  CHECK_EQ(s.driver.used(0).size(), 2);
}

TEST_CASE("nothing reaches memory or disk before the completion, which comes at its time exactly") {
  DiskStand s;
  s.driver.start();
  const auto read = s.submit(in, 0, 4096);
  const auto write = s.submit(out, 100, 512);
  s.driver.put(write.data, 4, 0x0bad'cafe);
  s.driver.notify(0);
  const std::uint64_t first = VirtioBlk::request_ns + 4096 * VirtioBlk::byte_ns;
  s.rig.bench.advance(first - 1);
  CHECK_EQ(s.status(read), 0xee);
  CHECK_EQ(s.driver.bytes_at(read.data, 4096), std::vector<std::uint8_t>(4096));
  CHECK_EQ(s.rig.disk.calls, std::vector<std::string>{"prepare 0 4096"});
  CHECK(s.driver.used(0).empty());
  s.rig.bench.advance(1);
  CHECK_EQ(s.status(read), ok);
  CHECK(s.rig.line.level);
  CHECK_EQ(s.driver.used(0), std::vector<GuestDriver::Used>{{read.head, 4097}});
  s.driver.put(write.data, 4, 0x1234'5678);  // gathered at completion
  s.rig.bench.advance(511);
  CHECK_EQ(s.status(write), 0xee);
  s.rig.bench.advance(1);
  CHECK_EQ(s.status(write), ok);
  CHECK_EQ(s.rig.contents.ram[100 * 512], 0x78);
}

TEST_CASE("a later and cheaper request never passes an earlier one") {
  DiskStand s;
  s.driver.start();
  const auto sync = s.submit(flush, 0, 0);
  const auto read = s.submit(in, 0, 512);
  const auto id = s.submit(get_id, 0, 20);
  s.driver.notify(0);
  s.rig.bench.advance(VirtioBlk::flush_ns - 1);
  CHECK(s.driver.used(0).empty());
  s.rig.bench.advance(1);
  CHECK_EQ(s.driver.used(0), std::vector<GuestDriver::Used>{{sync.head, 1}});
  s.rig.bench.advance(512);
  CHECK_EQ(s.driver.used(0), std::vector<GuestDriver::Used>{{read.head, 513}, {id.head, 21}});
  CHECK_EQ(s.rig.disk.calls, std::vector<std::string>{"prepare 0 512", "flush", "read 0 512"});
}

TEST_CASE("an alarm that rings late completes all that is due with one interrupt") {
  DiskStand s;
  s.driver.use_msix = true;
  s.driver.start();
  s.submit(in, 0, 512);
  s.submit(in, 1, 512);
  s.driver.notify(0);
  s.rig.bench.jump(1'000'000);
  CHECK_EQ(s.driver.used(0).size(), 2);
  CHECK_EQ(s.rig.bench.msi.messages.size(), 1);
}

TEST_CASE("the identity is the serial, cut to the room there is") {
  DiskStand s;
  s.driver.start();
  const auto whole = s.submit(get_id, 0, 20);
  const auto part = s.submit(get_id, 0, 4);
  CHECK_EQ(s.run(whole), ok);
  const auto text = s.driver.bytes_at(whole.data, 20);
  CHECK_EQ(std::string(text.begin(), text.end()), std::string("lockstitch-disk-0\0\0\0", 20));
  CHECK_EQ(s.driver.bytes_at(part.data, 5), std::vector<std::uint8_t>{'l', 'o', 'c', 'k', 0});
}

TEST_CASE("requests the disk cannot serve are refused and touch nothing") {
  struct Case {
    const char* name;
    std::uint32_t kind;
    std::uint64_t sector;
    std::uint32_t bytes;
    std::uint8_t status;
  };
  for (const Case& c : std::initializer_list<Case>{
           {"read behind the end", in, 2048, 512, io_error},
           {"read across the end", in, 2047, 1024, io_error},
           {"sector far away", in, ~0ull, 512, io_error},
           {"sector that wraps", out, ~0ull - 1, 1024, io_error},
           {"half a sector", in, 0, 256, io_error},
           {"a sector and a half", out, 0, 768, io_error},
           {"write behind the end", out, 2048, 512, io_error},
           {"unknown kind", 11, 0, 512, unsupported},
           {"the old SCSI command", 2, 0, 0, unsupported},
       }) {
    CAPTURE(c.name);
    DiskStand s;
    s.driver.start();
    const auto request = s.submit(c.kind, c.sector, c.bytes);
    CHECK_EQ(s.run(request), c.status);
    CHECK(s.rig.disk.calls.empty());
    CHECK_EQ(s.driver.used(0), std::vector<GuestDriver::Used>{{request.head, 1}});
  }
}

TEST_CASE("a request above the limit is refused, one at the limit is served") {
  DiskStand s(false, 6 << 20);
  s.driver.start();
  const Gpa data = s.driver.allocate(limits::block_request_max_bytes / 4), status = s.driver.allocate(1);
  const auto read = [&](std::uint32_t extra) {
    std::vector<GuestDriver::Buffer> buffers{{s.header(in, 0), 16}};
    for (unsigned i = 0; i < 4; ++i) buffers.push_back({data, limits::block_request_max_bytes / 4, true});
    if (extra != 0) buffers.push_back({data, extra, true});
    buffers.push_back({status, 1, true});
    s.driver.add_indirect(0, buffers);
    s.driver.notify(0);
    s.rig.bench.advance(100'000'000);
    return s.driver.get(status, 1);
  };
  CHECK_EQ(read(0), ok);
  CHECK_EQ(s.rig.disk.calls.size(), 1 + limits::block_request_max_bytes / 65536);
  CHECK_EQ(read(512), io_error);
}

TEST_CASE("a read-only disk refuses writes and serves reads") {
  DiskStand s(true);
  s.driver.start();
  const auto write = s.submit(out, 0, 512);
  CHECK_EQ(s.run(write), io_error);
  const auto read = s.submit(in, 0, 512);
  CHECK_EQ(s.run(read), ok);
}

TEST_CASE("without FLUSH every write is flushed before it completes") {
  DiskStand s;
  s.driver.start(s.driver.offered() & ~(1ull << 9));
  CHECK_EQ(s.run(s.submit(out, 0, 512)), ok);
  CHECK_EQ(s.rig.disk.calls, std::vector<std::string>{"write 0 512", "flush"});
}

TEST_CASE("a request without header or status breaks the device") {
  for (int variant = 0; variant < 2; ++variant) {
    DiskStand s;
    s.driver.start();
    if (variant == 0) s.driver.add(0, {{s.header(in, 0), 15}, {s.driver.allocate(1), 1, true}});
    if (variant == 1) s.driver.add(0, {{s.header(flush, 0), 16}});
    s.driver.notify(0);
    CHECK_EQ(s.driver.status() & GuestDriver::needs_reset, GuestDriver::needs_reset);
  }
}

TEST_CASE("a chain that changes under way, or data outside RAM, breaks the device at completion") {
  for (int variant = 0; variant < 3; ++variant) {
    CAPTURE(variant);
    DiskStand s;
    s.driver.start();
    const Gpa head = s.header(in, 0), status = s.driver.allocate(1);
    const Gpa data = variant == 0 ? 0x80'0000 - 256 : s.driver.allocate(512);
    const auto first = s.driver.add(0, {{head, 16}, {data, 512, true}, {status, 1, true}});
    s.driver.notify(0);
    CHECK_EQ(s.driver.status(), GuestDriver::ok_status);
    const Gpa table = s.driver.queue(0).descriptors;
    if (variant == 1) s.driver.put(table + 16 * (first + 1) + 8, 4, 1024);
    if (variant == 2) s.driver.put(table + 16 * (first + 1) + 14, 2, first + 1);
    s.rig.bench.advance(1'000'000);
    CHECK_EQ(s.driver.status() & GuestDriver::needs_reset, GuestDriver::needs_reset);
    CHECK(s.driver.used(0).empty());
    CHECK_FALSE(s.rig.completion.armed());
  }
}

TEST_CASE("a reset forgets the requests under way") {
  DiskStand s;
  s.driver.start();
  const auto write = s.submit(out, 0, 512);
  s.driver.notify(0);
  CHECK(s.rig.completion.armed());
  s.driver.write(0x14, 1, 0);
  CHECK_FALSE(s.rig.completion.armed());
  s.rig.bench.advance(1'000'000);
  CHECK_EQ(s.status(write), 0xee);
  CHECK(s.rig.disk.calls.empty());
}

TEST_CASE("a head offered again and again is bounded, and all of it is served") {
  DiskStand s;
  s.driver.start(s.driver.offered(), 256);
  const auto request = s.submit(flush, 0, 0);
  for (unsigned i = 1; i < 256; ++i) s.driver.offer(0, request.head);
  s.driver.notify(0);
  for (unsigned i = 0; i < 100; ++i) s.driver.offer(0, request.head);
  s.driver.notify(0);
  CHECK_EQ(s.rig.disk.flushes, 0);
  s.rig.bench.advance(1'000'000);
  CHECK_EQ(s.rig.disk.flushes, 356);
}

TEST_CASE("requests wait while bus mastering is off and complete when it is back") {
  DiskStand s;
  s.driver.start();
  const auto read = s.submit(in, 0, 512);
  s.driver.notify(0);
  s.rig.pci->write_config(0x04, 2, 0x0002);
  s.rig.bench.advance(1'000'000);
  CHECK_EQ(s.status(read), 0xee);
  s.rig.pci->write_config(0x04, 2, 0x0006);
  CHECK_EQ(s.status(read), ok);
}

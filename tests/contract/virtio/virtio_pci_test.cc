// The transport: capabilities, negotiation, status, queues, INTx with ISR, MSI-X, bus mastering, configuration access.
#include "tests/contract/support/state_image.h"
#include "tests/contract/virtio/guest_driver.h"
#include "tests/contract/virtio/virtio_rigs.h"

using namespace lockstitch;
using namespace lockstitch::test;

namespace {
/// A device that the test plays.
class Echo final : public VirtioDevice {
 public:
  std::vector<unsigned> notifications;
  unsigned resets = 0, power_ons = 0;
  std::vector<std::uint16_t> taken;
  DescriptorChain chain;

  unsigned type() const override { return 5; }
  std::uint64_t features() const override { return 1 << 3; }
  unsigned queues() const override { return 2; }
  std::uint8_t config(unsigned offset) const override {
    return static_cast<std::uint8_t>(offset < 8 ? 0x10 + offset : 0);
  }
  void notified(unsigned queue) override {
    notifications.push_back(queue);
    while (transport().take(queue, chain)) {
      taken.push_back(chain.head());
      transport().complete(queue, chain.head(), 0);
      transport().interrupt(queue);
    }
  }
  void reset() override { ++resets; }
  void power_on() override { ++power_ons; }
  void visit(StateVisitor&) override {}
  using VirtioDevice::transport;
};

struct Stand {
  Bench bench;
  TestMemory& memory = bench.memory(0x10000);
  TestLine& line = bench.line();
  Echo echo;
  VirtioPci pci{"echo", memory, bench.msi, line, echo};
  TestMap &msix_map = bench.map(), &register_map = bench.map();
  GuestDriver driver{pci, memory};
  Stand() { pci.attach(msix_map, register_map); }
};
}  // namespace

TEST_CASE("the function is a modern virtio device with its windows behind BAR 1 and BAR 4") {
  Stand s;
  CHECK_EQ(s.pci.read_config(0x00, 4), 0x1045'1af4);
  CHECK_EQ(s.pci.read_config(0x08, 1), 1);
  CHECK_EQ(s.pci.read_config(0x06, 2), 0x0010);
  CHECK_EQ(s.pci.read_config(0x3d, 1), 1);
  s.pci.write_config(0x14, 4, 0xfebd'0000);
  s.pci.write_config(0x20, 4, 0xfe00'4000);
  s.pci.write_config(0x04, 2, 2);
  CHECK_EQ(s.msix_map.base, 0xfebd'0000);
  CHECK_EQ(s.register_map.base, 0xfe00'4000);
  s.pci.write_config(0x24, 4, 1);
  CHECK_EQ(s.register_map.base, 0x1'fe00'4000);
}

TEST_CASE("vendor capabilities describe the regions") {
  Stand s;
  for (auto [type, offset] : {std::pair{1, 0x0000}, {3, 0x1000}, {4, 0x2000}, {2, 0x3000}}) {
    CAPTURE(type);
    const unsigned at = s.driver.find_capability(0x09, static_cast<std::uint8_t>(type));
    CHECK_EQ(s.pci.read_config(at + 4, 1), 4);
    CHECK_EQ(s.pci.read_config(at + 8, 4), offset);
    CHECK_EQ(s.pci.read_config(at + 12, 4), 0x1000);
    CHECK_EQ(s.pci.read_config(at + 2, 1), type == 2 ? 20 : 16);
    if (type == 2) CHECK_EQ(s.pci.read_config(at + 16, 4), 4);
  }
  const unsigned msix = s.driver.find_capability(0x11);
  CHECK_EQ(s.pci.read_config(msix + 2, 2), 2);  // three vectors
  CHECK_EQ(s.pci.read_config(msix + 4, 4), 1);
  CHECK_EQ(s.pci.read_config(msix + 8, 4), 0x801);
}

TEST_CASE("FEATURES_OK needs VERSION_1 and nothing that was not offered") {
  Stand s;
  CHECK_EQ(s.driver.offered(), (1ull << 32 | 1ull << 28 | 1ull << 3));
  CHECK_EQ(s.driver.negotiate(0), 0x03);
  CHECK_EQ(s.driver.negotiate(1 << 3), 0x03);
  CHECK_EQ(s.driver.negotiate(1ull << 32 | 1 << 4), 0x03);
  CHECK_EQ(s.driver.negotiate(1ull << 32 | 1 << 3), 0x0b);
  s.driver.write(0x08, 4, 0);
  s.driver.write(0x0c, 4, 0);  // too late
  CHECK_EQ(s.driver.read(0x0c, 4), 1 << 3);
  for (std::uint32_t select : {2u, 0xffff'ffffu}) {
    s.driver.write(0x00, 4, select);
    CHECK_EQ(s.driver.read(0x04, 4), 0);
  }
}

TEST_CASE("DRIVER_OK is not accepted before FEATURES_OK, and status bits do not go away") {
  Stand s;
  s.driver.write(0x14, 1, 0x07);
  CHECK_EQ(s.driver.status(), 0x03);
  s.driver.write(0x14, 1, 0x80);
  CHECK_EQ(s.driver.status(), 0x83);
  s.driver.write(0x14, 1, 0x40);
  CHECK_EQ(s.driver.status(), 0x83);
  s.driver.write(0x14, 1, 0);
  CHECK_EQ(s.driver.status(), 0);
  CHECK_EQ(s.echo.resets, 1);
}

TEST_CASE("a queue has the size the driver chose, a power of two up to the limit") {
  Stand s;
  s.driver.write(0x16, 2, 1);
  CHECK_EQ(s.driver.read(0x18, 2), 256);
  for (unsigned bad : {0u, 3u, 512u, 65535u}) {
    s.driver.write(0x18, 2, bad);
    CHECK_EQ(s.driver.read(0x18, 2), 256);
  }
  s.driver.write(0x18, 2, 64);
  CHECK_EQ(s.driver.read(0x18, 2), 64);
  s.driver.write(0x20, 8, 0x1'2345'6780);
  CHECK_EQ(s.driver.read(0x20, 8), 0x1'2345'6780);
  CHECK_EQ(s.driver.read(0x24, 4), 1);
  s.driver.write(0x28, 4, 0x1000);
  s.driver.write(0x30, 4, 0x2000);
  s.driver.write(0x1c, 2, 1);
  CHECK_EQ(s.driver.read(0x1c, 2), 1);
  s.driver.write(0x18, 2, 32);  // enabled: too late
  s.driver.write(0x28, 4, 0);
  CHECK_EQ(s.driver.read(0x18, 2), 64);
  CHECK_EQ(s.driver.read(0x28, 4), 0x1000);
  s.driver.write(0x16, 2, 2);
  CHECK_EQ(s.driver.read(0x18, 2), 0);
  CHECK_EQ(s.driver.read(0x1c, 2), 0);
}

TEST_CASE("a queue at an impossible address is not enabled and the device wants a reset") {
  for (auto [desc, avail, used] : {std::tuple{0x1008ull, 0x2000ull, 0x3000ull}, {0x1000ull, 0x2001ull, 0x3000ull},
                                   {0x1000ull, 0x2000ull, 0x3002ull}, {~0xfull, 0x2000ull, 0x3000ull}}) {
    Stand s;
    s.driver.write(0x20, 8, desc);
    s.driver.write(0x28, 8, avail);
    s.driver.write(0x30, 8, used);
    s.driver.write(0x1c, 2, 1);
    CHECK_EQ(s.driver.read(0x1c, 2), 0);
    CHECK_EQ(s.driver.status(), GuestDriver::needs_reset);
    CHECK_EQ(s.pci.broken_count(), 1);
    s.driver.write(0x14, 1, 0);
    CHECK_EQ(s.driver.status(), 0);
  }
}

TEST_CASE("notifications reach the device only while it runs, at their queue, and what waited is seen at DRIVER_OK") {
  Stand s;
  s.driver.notify(0);
  CHECK(s.echo.notifications.empty());
  s.driver.start();
  CHECK_EQ(s.echo.notifications, std::vector<unsigned>{0, 1});
  s.driver.notify(1);
  s.driver.notify(2);
  s.driver.write(0x3002, 2, 0);
  CHECK_EQ(s.echo.notifications, std::vector<unsigned>{0, 1, 1});
}

TEST_CASE("without bus mastering the device touches nothing, and goes on when it is back") {
  Stand s;
  s.driver.start();
  s.pci.write_config(0x04, 2, 0x0002);
  s.driver.add(0, {{0x8000, 16}});
  s.driver.notify(0);
  CHECK(s.driver.used(0).empty());
  s.pci.write_config(0x04, 2, 0x0006);
  CHECK_EQ(s.driver.used(0).size(), 1);
}

TEST_CASE("without MSI-X the wire is up until the ISR is read") {
  Stand s;
  s.driver.start();
  s.driver.add(0, {{0x8000, 16}});
  s.driver.notify(0);
  CHECK(s.line.level);
  CHECK_EQ(s.pci.read_config(0x06, 2) & 8, 8);
  CHECK_EQ(s.driver.isr(), 1);
  CHECK_FALSE(s.line.level);
  CHECK_EQ(s.driver.isr(), 0);
  CHECK_EQ(s.pci.read_config(0x04, 4) >> 16 & 8, 0);
}

TEST_CASE("the interrupt disable bit holds the wire down but not the ISR") {
  Stand s;
  s.driver.start();
  s.pci.write_config(0x04, 2, 0x0406);
  s.driver.add(0, {{0x8000, 16}});
  s.driver.notify(0);
  CHECK_FALSE(s.line.level);
  CHECK_EQ(s.pci.read_config(0x06, 1) & 8, 8);
  s.pci.write_config(0x04, 2, 0x0006);
  CHECK(s.line.level);
  CHECK_EQ(s.driver.isr(), 1);
  CHECK_FALSE(s.line.level);
}

TEST_CASE("the driver's no-interrupt flag is honoured") {
  Stand s;
  s.driver.start();
  s.driver.put(s.driver.queue(0).available, 2, 1);
  s.driver.add(0, {{0x8000, 16}});
  s.driver.notify(0);
  CHECK_EQ(s.driver.used(0).size(), 1);
  CHECK_FALSE(s.line.level);
  CHECK_EQ(s.driver.isr(), 0);
}

TEST_CASE("with MSI-X each queue sends its own message and the wire stays down") {
  Stand s;
  s.driver.use_msix = true;
  s.driver.start();
  for (unsigned q : {1u, 0u}) {
    s.driver.add(q, {{0x8000, 16}});
    s.driver.notify(q);
  }
  REQUIRE_EQ(s.bench.msi.messages.size(), 2);
  CHECK_EQ(s.bench.msi.messages[0].second, 0x52);
  CHECK_EQ(s.bench.msi.messages[1].second, 0x51);
  CHECK_EQ(s.driver.isr(), 0);
  CHECK_EQ(s.line.rises, 0);
}

TEST_CASE("a masked vector or function leaves its message pending until unmasked") {
  Stand s;
  s.driver.use_msix = true;
  s.driver.start();
  s.pci.msix_window().write(16 + 12, 4, 1);
  s.driver.add(0, {{0x8000, 16}});
  s.driver.notify(0);
  CHECK(s.bench.msi.messages.empty());
  CHECK_EQ(s.pci.msix_window().read(0x800, 8), 2);
  s.pci.msix_window().write(16 + 12, 4, 0);
  CHECK_EQ(s.bench.msi.messages.size(), 1);
  s.pci.write_config(s.driver.msix_control(), 2, 0xc000);
  s.driver.add(0, {{0x8000, 16}});
  s.driver.notify(0);
  CHECK_EQ(s.bench.msi.messages.size(), 1);
  s.pci.write_config(s.driver.msix_control(), 2, 0x8000);
  CHECK_EQ(s.bench.msi.messages.size(), 2);
  CHECK_EQ(s.pci.msix_window().read(0x800, 8), 0);
}

TEST_CASE("a pending message survives save and load, and a device reset drops it") {
  Stand s;
  s.driver.use_msix = true;
  s.driver.start();
  s.pci.msix_window().write(16 + 12, 4, 1);
  s.driver.add(0, {{0x8000, 16}});
  s.driver.notify(0);
  Stand other;
  REQUIRE_EQ(load(other.pci, save(s.pci)), "");
  other.pci.loaded();
  CHECK(other.bench.msi.messages.empty());
  other.pci.msix_window().write(16 + 12, 4, 0);
  CHECK_EQ(other.bench.msi.messages.size(), 1);
  s.driver.write(0x14, 1, 0);
  s.pci.msix_window().write(16 + 12, 4, 0);
  CHECK(s.bench.msi.messages.empty());
}

TEST_CASE("a vector that does not exist reads back as none") {
  Stand s;
  s.driver.write(0x1a, 2, 2);
  CHECK_EQ(s.driver.read(0x1a, 2), 2);
  s.driver.write(0x1a, 2, 3);
  CHECK_EQ(s.driver.read(0x1a, 2), 0xffff);
  s.driver.write(0x10, 2, 7);
  CHECK_EQ(s.driver.read(0x10, 2), 0xffff);
}

TEST_CASE("a changed configuration has a new generation and interrupts the driver") {
  Stand s;
  s.driver.use_msix = true;
  s.driver.start();
  const auto before = s.driver.read(0x15, 1);
  s.echo.transport().config_changed();
  CHECK_EQ(s.driver.read(0x15, 1), before + 1);
  REQUIRE_EQ(s.bench.msi.messages.size(), 1);
  CHECK_EQ(s.bench.msi.messages[0].second, 0x50);
  s.pci.write_config(s.driver.msix_control(), 2, 0);
  s.echo.transport().config_changed();
  CHECK(s.line.level);
  CHECK_EQ(s.driver.isr(), 2);
}

TEST_CASE("a broken ring sets DEVICE_NEEDS_RESET, tells the driver once, and stops the device until it is reset") {
  Stand s;
  s.driver.start();
  s.driver.offer(0, 999);
  s.driver.notify(0);
  CHECK_EQ(s.driver.status(), GuestDriver::ok_status | GuestDriver::needs_reset);
  CHECK_EQ(s.pci.broken_count(), 1);
  CHECK_EQ(s.driver.isr(), 2);
  s.echo.transport().broken();  // again
  CHECK_EQ(s.pci.broken_count(), 1);
  CHECK_EQ(s.driver.isr(), 0);
  s.echo.notifications.clear();
  s.driver.notify(1);
  CHECK(s.echo.notifications.empty());
  s.driver.write(0x14, 1, 0);
  s.driver.start();
  s.driver.add(0, {{0x8000, 16}});
  s.driver.notify(0);
  CHECK_EQ(s.driver.used(0).size(), 1);
  CHECK_EQ(s.pci.broken_count(), 1);
}

TEST_CASE("the device configuration is read with any width and cannot be written") {
  Stand s;
  s.driver.write(0x2000, 4, 0);
  CHECK_EQ(s.driver.read(0x2000, 4), 0x1312'1110);
  CHECK_EQ(s.driver.read(0x2003, 2), 0x1413);
  CHECK_EQ(s.driver.read(0x2000, 8), 0x1716'1514'1312'1110);
  CHECK_EQ(s.driver.read(0x2ff8, 8), 0);
}

TEST_CASE("registers are reached through the configuration access capability") {
  Stand s;
  const unsigned at = s.driver.find_capability(0x09, 5);
  const auto point = [&](std::uint32_t bar, std::uint32_t offset, std::uint32_t length) {
    s.pci.write_config(at + 4, 1, bar);
    s.pci.write_config(at + 8, 4, offset);
    s.pci.write_config(at + 12, 4, length);
  };
  point(4, 0x2000, 4);
  CHECK_EQ(s.pci.read_config(at + 16, 4), 0x1312'1110);
  point(4, 0x14, 1);
  s.pci.write_config(at + 16, 1, 3);
  CHECK_EQ(s.driver.status(), 3);
  CHECK_EQ(s.pci.read_config(at + 16, 1), 3);
  for (auto [bar, offset, length] : {std::tuple{0u, 0x14u, 1u}, {4u, 0x14u, 3u}, {4u, 0x4000u, 1u}, {4u, 0x15u, 2u},
                                     {4u, 0xffff'fffcu, 4u}, {4u, 0x14u, 0x100u}}) {
    point(bar, offset, length);
    s.pci.write_config(at + 16, 4, 0);
    CHECK_EQ(s.driver.status(), 3);
  }
}

TEST_CASE("a machine reset reaches the device, lowers the wire and takes the windows off the bus") {
  Stand s;
  s.driver.start();
  s.pci.write_config(0x14, 4, 0xfebd'0000);
  s.driver.add(0, {{0x8000, 16}});
  s.driver.notify(0);
  CHECK((s.line.level && s.msix_map.placed));
  s.pci.reset();
  CHECK_FALSE((s.line.level || s.msix_map.placed));
  CHECK_EQ(s.echo.power_ons, 1);
  CHECK_EQ(s.driver.status(), 0);
}

// The card as a driver first meets it: identity, EEPROM, PHY and link, registers, interrupts, resets.
#include "tests/contract/net/e1000_driver.h"
#include "tests/contract/net/packets.h"

using namespace lockstitch;
using namespace lockstitch::test;

namespace {
using D = E1000Driver;
constexpr std::uint32_t link_up = 2;
}  // namespace

TEST_CASE("configuration space says 82540EM with two windows and a pin") {
  E1000Rig rig;
  CHECK_EQ(rig.card.read_config(0x00, 4), 0x100e'8086);
  CHECK_EQ(rig.card.read_config(0x08, 4), 0x0200'0003);
  CHECK_EQ(rig.card.read_config(0x06, 2), 0);
  CHECK_EQ(rig.card.read_config(0x3d, 1), 1);
  rig.card.write_config(0x10, 4, ~0u);
  rig.card.write_config(0x14, 4, ~0u);
  CHECK_EQ(rig.card.read_config(0x10, 4), 0xfffe'0000);
  CHECK_EQ(rig.card.read_config(0x14, 4), 0xffff'ffc1);
}

TEST_CASE("after power-on there is a link at 1000 Mb/s and the card knows its address") {
  E1000Rig rig;
  CHECK_EQ(rig.read(e1000::status), 0x8008'0783);
  CHECK_EQ(rig.read(e1000::ra), 0x1200'5452);
  CHECK_EQ(rig.read(e1000::ra + 4), 0x8000'5634);
  CHECK_EQ(rig.read(e1000::pba), 0x0010'0030);
}

TEST_CASE("the EEPROM reads the same bit by bit and word by word, and its sum is BABAh") {
  D d;
  const auto words = d.eeprom(0, 64);
  std::uint16_t sum = 0;
  for (unsigned i = 0; i < 64; ++i) {
    sum = static_cast<std::uint16_t>(sum + words[i]);
    CHECK_EQ(d.eeprom(i, 1)[0], words[i]);
    d.write(e1000::eerd, i << 8 | 1);
    CHECK_EQ(d.read(e1000::eerd), (std::uint32_t{words[i]} << 16 | i << 8 | 0x10));
  }
  CHECK_EQ(sum, 0xbaba);
  CHECK_EQ(words[0], 0x5452);
  CHECK_EQ(words[2], 0x5634);
  CHECK_EQ(words[13], 0x100e);
  CHECK_EQ(d.eeprom(63, 2)[1], words[0]);  // and around
  CHECK_EQ(d.read(e1000::eecd) & 0x340, 0x100);
}

TEST_CASE("the transceiver negotiates for half a second, loses its link meanwhile and says so") {
  D d;
  d.start();
  CHECK_EQ(d.phy_read(2), 0x0141);
  CHECK_EQ(d.phy_read(3), 0x0c20);
  d.phy_read(1);
  CHECK_EQ(d.phy_read(1), 0x796d);
  CHECK_EQ(d.phy_read(17), 0xac00);
  CHECK_EQ(d.phy_read(10) & 0x0800, 0x0800);
  d.phy_write(0, 0x9140);  // reset
  CHECK_EQ(d.phy_read(0), 0x1140);
  CHECK_EQ(d.phy_read(1), 0x7949);
  CHECK_EQ(d.read(e1000::status) & link_up, 0);
  CHECK_EQ(d.read(e1000::icr), e1000::cause_lsc);
  d.rig.bench.advance(E1000Phy::negotiation_ns - 1);
  CHECK_EQ(d.read(e1000::status) & link_up, 0);
  d.rig.bench.advance(1);
  CHECK_EQ(d.read(e1000::status) & link_up, link_up);
  CHECK(d.rig.line.level);
  CHECK_EQ(d.read(e1000::icr), e1000::cause_lsc);
  CHECK_EQ(d.phy_read(1) & 4, 0);  // it was down since the last look
  CHECK_EQ(d.phy_read(1) & 4, 4);
}

TEST_CASE("the link has the best speed that is advertised, or the one that is forced") {
  D d;
  d.start();
  d.phy_write(9, 0);
  d.phy_write(0, 0x1200);
  d.rig.bench.advance(E1000Phy::negotiation_ns);
  CHECK_EQ(d.read(e1000::status) & 0xc3, 0x43);  // 100 full
  d.phy_write(4, 0x0021);
  d.phy_write(0, 0x1200);
  d.rig.bench.advance(E1000Phy::negotiation_ns);
  CHECK_EQ(d.read(e1000::status) & 0xc3, 0x02);  // 10 half
  d.phy_write(0, 0x2100);
  CHECK_EQ(d.read(e1000::status) & 0xc3, 0x43);
  d.phy_write(0, 0x0800);  // power down
  CHECK_EQ(d.read(e1000::status) & link_up, 0);
}

TEST_CASE("another transceiver address and another operation are errors; a finished access may interrupt") {
  D d;
  d.start();
  d.write(e1000::mdic, 2u << 26 | 2u << 21 | 2u << 16);
  CHECK_EQ(d.read(e1000::mdic) >> 28, 5);
  d.write(e1000::mdic, 1u << 21 | 2u << 16);
  CHECK_EQ(d.read(e1000::mdic) >> 28, 5);
  d.write(e1000::mdic, 1u << 29 | 2u << 26 | 1u << 21 | 2u << 16);
  CHECK_EQ(d.read(e1000::mdic), 0x3822'0141);
  CHECK_EQ(d.read(e1000::icr), e1000::cause_mdac);
}

TEST_CASE("registers read back with the bits they have") {
  E1000Rig rig;
  struct Case {
    std::uint32_t at, mask;
  };
  for (const Case& c : {Case{e1000::fcal, ~0u},
                        Case{e1000::fcah, 0xffff},
                        Case{e1000::fct, 0xffff},
                        Case{e1000::vet, 0xffff},
                        Case{e1000::rdtr, 0xffff},
                        Case{e1000::rdbah, ~0u},
                        Case{e1000::rdbal, 0xffff'fff0},
                        Case{e1000::rdlen, 0xf'ff80},
                        Case{e1000::rdh, 0xffff},
                        Case{e1000::rdt, 0xffff},
                        Case{e1000::fcrth, 0xfff8},
                        Case{e1000::fcttv, 0xffff},
                        Case{e1000::tipg, 0x3fff'ffff},
                        Case{e1000::tdbah, ~0u},
                        Case{e1000::tdbal, 0xffff'fff0},
                        Case{e1000::tdlen, 0xf'ff80},
                        Case{e1000::txcw, 0xc000'ffff},
                        Case{e1000::ra + 8, ~0u},
                        Case{e1000::ra + 12, 0x8003'ffff},
                        Case{e1000::mta + 508, ~0u},
                        Case{e1000::vfta, ~0u},
                        Case{e1000::ledctl, ~0u},
                        Case{0x5800, ~0u},
                        Case{0x5808, ~0u},
                        Case{0x5820, ~0u}}) {
    CAPTURE(c.at);
    for (std::uint32_t pattern : {0x5a5a'5a5au, 0xa5a5'a5a5u, 0u, ~0u}) {
      rig.write(c.at, pattern);
      CHECK_EQ(rig.read(c.at), (pattern & c.mask));
    }
  }
  rig.write(e1000::status, ~0u);
  CHECK_EQ(rig.read(e1000::status), 0x8008'0783);
  rig.write(0x10000, 1);
  CHECK_EQ(rig.read(0x10000), 0);
  rig.card.registers().write(e1000::vfta, 2, 0);  // too narrow
  CHECK_EQ(rig.read(e1000::vfta), ~0u);
  rig.card.registers().write(e1000::mta, 8, 0x0123'4567'89ab'cdef);
  CHECK_EQ(rig.read(e1000::mta + 4), 0x0123'4567);
  CHECK_EQ(rig.card.registers().read(e1000::mta, 8), 0x0123'4567'89ab'cdef);
  CHECK_EQ(rig.card.registers().read(e1000::mta + 1, 1) & 0xff, 0xcd);
  // The older places of the same registers.
  rig.write(0x0438, 7);
  CHECK_EQ(rig.read(e1000::tdt), 7);
  rig.write(0x0200, 9);
  CHECK_EQ(rig.read(e1000::mta), 9);
}

TEST_CASE("the I/O window reaches every register") {
  E1000Rig rig;
  rig.card.io().write(0, 4, e1000::rdbah);
  CHECK_EQ(rig.card.io().read(0, 4), e1000::rdbah);
  rig.card.io().write(4, 4, 0x1234'5678);
  CHECK_EQ(rig.read(e1000::rdbah), 0x1234'5678);
  CHECK_EQ(rig.card.io().read(4, 4), 0x1234'5678);
  rig.card.io().write(0, 4, 0x000f'0000);  // flash: none
  rig.card.io().write(4, 4, 1);
  CHECK_EQ(rig.card.io().read(4, 4), 0);
}

TEST_CASE("causes stay until they are read or written back, and the mask decides about the pin") {
  D d;
  d.start();
  d.write(e1000::imc, ~0u);
  d.write(e1000::ics, 0x14);
  CHECK_FALSE(d.rig.line.level);
  d.write(e1000::ims, 0x04);
  CHECK(d.rig.line.level);
  CHECK_EQ(d.read(e1000::ims), 0x04);
  d.write(e1000::icr, 0x04);
  CHECK_FALSE(d.rig.line.level);
  CHECK_EQ(d.read(e1000::icr), 0x10);
  CHECK_EQ(d.read(e1000::icr), 0);
}

TEST_CASE("the pin is silent while configuration space says so") {
  D d;
  d.start();
  d.write(e1000::ics, 4);
  CHECK(d.rig.line.level);
  d.rig.card.write_config(4, 2, 0x0407);
  CHECK_FALSE(d.rig.line.level);
  d.rig.card.write_config(4, 2, 0x0007);
  CHECK(d.rig.line.level);
}

TEST_CASE("interrupts keep their distance: 128 us, or what the throttle says") {
  D d;
  d.start();
  auto gap = [&] {
    d.rig.bench.advance(50'000'000);
    d.write(e1000::ics, 4);
    CHECK(d.rig.line.level);
    d.read(e1000::icr);
    CHECK_FALSE(d.rig.line.level);
    d.write(e1000::ics, 4);
    CHECK_FALSE(d.rig.line.level);
    const VirtualNs start = d.rig.bench.clock.time;
    const VirtualNs next = d.rig.alarm.deadline;
    d.rig.bench.advance(next - start - 1);
    CHECK_FALSE(d.rig.line.level);
    d.rig.bench.advance(1);
    CHECK(d.rig.line.level);
    d.read(e1000::icr);
    return next - start;
  };
  CHECK_EQ(gap(), 128'000);
  d.write(e1000::itr, 100);
  CHECK_EQ(gap(), 128'000);
  d.write(e1000::itr, 2000);
  CHECK_EQ(gap(), 512'000);
  // What is read before its interrupt came needs none.
  d.rig.bench.advance(50'000'000);
  d.write(e1000::ics, 4);
  d.read(e1000::icr);
  d.write(e1000::ics, 4);
  CHECK_EQ(d.read(e1000::icr), 4);
  const auto rises = d.rig.line.rises;
  d.rig.bench.advance(50'000'000);
  CHECK_EQ(d.rig.line.rises, rises);
}

TEST_CASE("a reset by the driver keeps PCI, transceiver and address, and forgets the rest") {
  D d;
  d.start();
  d.send(plain_frame(100));
  d.rig.card.arrive(plain_frame(100));
  d.write(e1000::ra, 0);
  CHECK(d.rig.line.level);
  d.write(e1000::ctrl, d.read(e1000::ctrl) | e1000::ctrl_rst);
  CHECK_FALSE(d.rig.line.level);
  CHECK_EQ(d.read(e1000::ctrl) & e1000::ctrl_rst, 0);
  CHECK_EQ(d.read(e1000::status) & link_up, link_up);
  CHECK_EQ(d.read(e1000::ra), 0x1200'5452);
  CHECK_EQ(d.read(e1000::tdlen), 0);
  CHECK_EQ(d.read(e1000::gprc), 0);
  CHECK_EQ(d.rig.card.read_config(0x04, 2), 7);
  d.rig.bench.advance(50'000'000);
  CHECK(d.wire().empty());
  CHECK_FALSE(d.rig.alarm.armed());
  // The transceiver's own reset wire.
  d.write(e1000::ctrl, d.read(e1000::ctrl) | e1000::ctrl_phy_rst);
  CHECK_EQ(d.read(e1000::status) & link_up, 0);
  d.write(e1000::ctrl, d.read(e1000::ctrl) & ~e1000::ctrl_phy_rst);
  d.rig.bench.advance(E1000Phy::negotiation_ns);
  CHECK_EQ(d.read(e1000::status) & link_up, link_up);
}

TEST_CASE("octet counters take two registers and are cleared by reading the upper one") {
  D d;
  d.start();
  d.rig.card.arrive(plain_frame(1000));
  CHECK_EQ(d.read(e1000::gorc), 1004);
  CHECK_EQ(d.read(e1000::gorc), 1004);
  CHECK_EQ(d.read(e1000::gorc + 4), 0);
  CHECK_EQ(d.read(e1000::gorc), 0);
  CHECK_EQ(d.read(e1000::prc64 + 16), 1);  // 512 to 1023 bytes
  d.write(e1000::gprc, 77);
  CHECK_EQ(d.read(e1000::gprc), 1);
}

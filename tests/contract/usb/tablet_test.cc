// The tablet as a host finds it: enumeration, requests, reports.
#include "tests/contract/usb/uhci_driver.h"

using namespace lockstitch;
using namespace lockstitch::test;
using D = UhciDriver;
using Reports = std::vector<D::Data>;

namespace {
D::Data bytes(unsigned buttons, unsigned x, unsigned y, int wheel = 0) {
  return {static_cast<std::uint8_t>(buttons), static_cast<std::uint8_t>(x),      static_cast<std::uint8_t>(x >> 8),
          static_cast<std::uint8_t>(y),       static_cast<std::uint8_t>(y >> 8), static_cast<std::uint8_t>(wheel)};
}

/// Bits of one report, by a walk over the items of a report descriptor.
struct ReportShape {
  unsigned bits = 0, buttons = 0, absolute = 0, relative = 0;
  bool ends = false;
};
ReportShape shape_of(const D::Data& items) {
  ReportShape shape;
  unsigned size = 0, count = 0, page = 0, depth = 0;
  std::size_t at = 0;
  while (at < items.size()) {
    const unsigned head = items[at++];
    const unsigned length = (head & 3) == 3 ? 4 : head & 3;
    unsigned value = 0;
    for (unsigned i = 0; i < length && at < items.size(); ++i) value |= unsigned{items[at++]} << (8 * i);
    switch (head & 0xfc) {
      case 0x04:
        page = value;
        break;
      case 0x74:
        size = value;
        break;
      case 0x94:
        count = value;
        break;
      case 0xa0:
        ++depth;
        break;
      case 0xc0:
        --depth;
        break;
      case 0x80:
        shape.bits += size * count;
        if (!(value & 1) && page == 9) shape.buttons += count;
        if (!(value & 1) && page == 1) (value & 4 ? shape.relative : shape.absolute) += count;
        break;
      default:
        break;
    }
  }
  shape.ends = depth == 0 && at == items.size();
  return shape;
}
}  // namespace

TEST_CASE("a host finds the tablet, reads its descriptors and configures it") {
  D d;
  d.start();
  CHECK_EQ(d.read(uhci::first_port) & 3, 3);
  d.reset_port();
  CHECK_EQ(d.read(uhci::first_port), 0x0095);
  CHECK_EQ(d.get(0x80, 6, 0x0100, 0, 8), D::Data{18, 1, 0x10, 1, 0, 0, 0, 8});
  CHECK_EQ(d.set(0x00, 5, 42), D::End::good);
  d.address = 42;
  const auto device = d.get(0x80, 6, 0x0100, 0, 18);
  REQUIRE_EQ(device.size(), 18);
  CHECK_EQ(device[17], 1);
  CHECK_EQ(d.get(0x80, 8, 0, 0, 1), D::Data{0});
  const auto configuration = d.get(0x80, 6, 0x0200, 0, 255);
  REQUIRE_EQ(configuration.size(), 34);
  CHECK_EQ(configuration[2], 34);
  CHECK_EQ(configuration[14], 3);  // HID
  CHECK_EQ(configuration[15], 0);  // no boot protocol
  CHECK_EQ(configuration[29], 0x81);
  CHECK_EQ(configuration[30], 3);
  CHECK_EQ(d.set(0x00, 9, configuration[5]), D::End::good);
  CHECK(d.rig.tablet.configured());
  CHECK_EQ(d.get(0x80, 8, 0, 0, 1), D::Data{1});
  CHECK_EQ(d.set(0x21, 10, 0), D::End::good);
  const auto report = d.get(0x81, 6, 0x2200, 0, 255);
  CHECK_EQ(report.size(), configuration[25] | unsigned{configuration[26]} << 8);
  const ReportShape shape = shape_of(report);
  CHECK(shape.ends);
  CHECK_EQ(shape.bits, 8 * UsbTablet::report_bytes);
  CHECK_EQ(shape.buttons, 3);
  CHECK_EQ(shape.absolute, 2);
  CHECK_EQ(shape.relative, 1);
  const auto hid = d.get(0x81, 6, 0x2100, 0, 9);
  CHECK_EQ(hid, D::Data(configuration.begin() + 18, configuration.begin() + 27));
}

TEST_CASE("strings are in English; there are three") {
  D d;
  d.enumerate();
  CHECK_EQ(d.get(0x80, 6, 0x0300, 0, 255), D::Data{4, 3, 9, 4});
  for (unsigned index = 1; index <= 3; ++index) {
    const auto text = d.get(0x80, 6, 0x0300 + index, 0x0409, 255);
    REQUIRE_GE(text.size(), 4);
    CHECK_EQ(text[0], text.size());
    CHECK_EQ(text[1], 3);
    // A host that knows only the beginning asks for that.
    CHECK_EQ(d.get(0x80, 6, 0x0300 + index, 0x0409, 2), D::Data(text.begin(), text.begin() + 2));
  }
}

TEST_CASE("what the tablet does not know it stalls, and takes the next request") {
  D d;
  d.enumerate();
  for (const auto& [type, code, value, index] :
       std::initializer_list<std::array<unsigned, 4>>{{0x80, 6, 0x0600, 0},       // device qualifier: no high speed
                                                      {0x80, 6, 0x0304, 0x0409},  // a fourth string
                                                      {0x80, 6, 0x03ee, 0},       // Microsoft's string
                                                      {0x80, 6, 0x0301, 0x0407},  // German
                                                      {0x80, 6, 0x0201, 0},       // a second configuration
                                                      {0xc0, 1, 0, 4},            // a maker's request
                                                      {0xa1, 1, 0x0200, 0},       // an output report
                                                      {0xa1, 3, 0, 0},            // protocol
                                                      {0x81, 6, 0x2200, 1},       // a second interface
                                                      {0x81, 10, 0, 1},
                                                      {0x82, 0, 0, 0x82}}) {
    CAPTURE(type);
    CAPTURE(value);
    const auto byte = [](unsigned v) { return static_cast<std::uint8_t>(v); };
    CHECK_EQ(
        d.control({byte(type), byte(code), byte(value), byte(value >> 8), byte(index), byte(index >> 8), 8, 0}).end,
        D::End::stalled);
    CHECK_EQ(d.get(0x80, 0, 0, 0, 2), D::Data{0, 0});
  }
  for (const auto& [type, code, value, index] :
       std::initializer_list<std::array<unsigned, 4>>{{0x00, 9, 2, 0},     // a second configuration
                                                      {0x00, 5, 200, 0},   // an impossible address
                                                      {0x00, 3, 2, 0},     // test mode
                                                      {0x01, 11, 1, 0},    // an alternate setting
                                                      {0x02, 3, 0, 0x82},  // another endpoint
                                                      {0x21, 10, 1, 0},    // the rate of a second report
                                                      {0x21, 11, 0, 0}}) {
    CAPTURE(code);
    CHECK_EQ(d.set(static_cast<std::uint8_t>(type), static_cast<std::uint8_t>(code), value, index), D::End::stalled);
  }
  // Data for the tablet.
  CHECK_EQ(d.control({0x21, 9, 0, 2, 0, 0, 1, 0}).end, D::End::stalled);
  CHECK_EQ(d.rig.tablet.address(), 5);
  CHECK(d.rig.tablet.configured());
}

TEST_CASE("idle rate, interface and features are kept") {
  D d;
  d.enumerate();
  CHECK_EQ(d.set(0x21, 10, 0x7d00), D::End::good);
  CHECK_EQ(d.get(0xa1, 2, 0, 0, 1), D::Data{0x7d});
  CHECK_EQ(d.set(0x01, 11, 0), D::End::good);
  CHECK_EQ(d.get(0x81, 10, 0, 0, 1), D::Data{0});
  CHECK_EQ(d.get(0x81, 0, 0, 0, 2), D::Data{0, 0});
  CHECK_EQ(d.set(0x00, 3, 1), D::End::good);
  CHECK_EQ(d.get(0x80, 0, 0, 0, 2), D::Data{2, 0});
  CHECK_EQ(d.set(0x00, 1, 1), D::End::good);
  CHECK_EQ(d.get(0x80, 0, 0, 0, 2), D::Data{0, 0});
}

TEST_CASE("a place, buttons and a wheel arrive as the bytes of a report, once") {
  D d;
  d.enumerate();
  CHECK_FALSE(d.report());
  const std::uint8_t event[] = {0x34, 0x12, 0xff, 0x7f, 0x05, 0xfe};  // two notches up
  d.rig.tablet.arrive(event);
  CHECK_EQ(d.get(0xa1, 1, 0x0100, 0, 6), bytes(5, 0x1234, 0x7fff));
  CHECK_EQ(d.report(), bytes(5, 0x1234, 0x7fff, 2));
  CHECK_FALSE(d.report());
  d.rig.tablet.arrive(event);
  CHECK_EQ(d.report(), bytes(5, 0x1234, 0x7fff, 2));
  d.rig.tablet.turn(0);
  d.rig.tablet.move(0x1234, 0x7fff);
  CHECK_FALSE(d.report());
  const std::uint8_t far[] = {0xff, 0xff, 0x00, 0x80, 0xf8, 0};
  d.rig.tablet.arrive(far);
  CHECK_EQ(d.report(), bytes(0, 0x7fff, 0x7fff));
}

TEST_CASE("events come many at a time; a part of one is counted and has no effect") {
  D d;
  d.enumerate();
  const std::uint8_t events[] = {1, 0, 1, 0, 1, 0, 2, 0, 2, 0, 0, 0, 9, 9, 9};
  d.rig.tablet.arrive(events);
  CHECK_EQ(d.rig.tablet.ignored_bytes(), 3);
  CHECK_EQ(d.reports(), Reports{bytes(1, 1, 1), bytes(0, 2, 2)});
}

TEST_CASE("movement joins what waits, clicks stay where they happened") {
  D d;
  d.enumerate();
  UsbTablet& t = d.rig.tablet;
  t.move(1, 1);
  t.move(2, 2);
  t.press(1);
  t.move(3, 3);
  t.move(4, 4);
  t.press(0);
  t.turn(3);
  t.turn(-1);
  t.move(5, 5);
  t.turn(300);
  CHECK_EQ(d.reports(), Reports{bytes(0, 2, 2), bytes(1, 2, 2), bytes(1, 4, 4), bytes(0, 4, 4), bytes(0, 4, 4, -2),
                                bytes(0, 5, 5, -127), bytes(0, 5, 5, -127), bytes(0, 5, 5, -46)});
}

TEST_CASE("the queue has an end: past it states of the buttons are dropped and counted, the last one stays") {
  D d;
  d.enumerate();
  UsbTablet& t = d.rig.tablet;
  for (unsigned i = 0; i < UsbTablet::sample_limit; ++i) t.press(i % 2 ? 0 : 1);
  CHECK_EQ(t.waiting(), UsbTablet::sample_limit);
  CHECK_EQ(t.dropped_samples(), 0);
  t.move(7, 7);
  CHECK_EQ(t.dropped_samples(), 0);
  t.press(2);
  t.press(4);
  CHECK_EQ(t.waiting(), UsbTablet::sample_limit);
  CHECK_EQ(t.dropped_samples(), 2);
  const auto all = d.reports();
  REQUIRE_EQ(all.size(), UsbTablet::sample_limit);
  for (unsigned i = 0; i + 1 < all.size(); ++i) CHECK_EQ(all[i], bytes(i % 2 ? 0 : 1, 0, 0));
  CHECK_EQ(all.back(), bytes(4, 7, 7));
}

TEST_CASE("a host that stopped asking gets the latest state, not the clicks of an hour") {
  D d;
  d.enumerate();
  CHECK_FALSE(d.report());
  UsbTablet& t = d.rig.tablet;
  for (unsigned i = 0; i < 10; ++i) {
    d.rig.bench.advance(300'000'000);
    t.move(i, i);
    t.press(1);
    t.press(0);
  }
  t.turn(5);
  CHECK_EQ(d.reports(), Reports{bytes(0, 9, 9)});
  t.press(1);
  t.press(0);
  CHECK_EQ(d.reports().size(), 2);
}

TEST_CASE("before it is configured and after a reset nothing waits, but the place is known") {
  D d;
  d.rig.tablet.move(3, 4);
  d.rig.tablet.press(1);
  CHECK_EQ(d.rig.tablet.waiting(), 0);
  d.enumerate();
  CHECK_FALSE(d.report());
  CHECK_EQ(d.get(0xa1, 1, 0x0100, 0, 6), bytes(1, 3, 4));
  d.rig.tablet.press(0);
  d.reset_port();
  CHECK_EQ(d.rig.tablet.waiting(), 0);
  CHECK_EQ(d.rig.tablet.address(), 0);
  d.enumerate();
  CHECK_FALSE(d.report());
  d.rig.tablet.move(5, 6);
  CHECK_EQ(d.report(), bytes(0, 5, 6));
}

TEST_CASE("an unconfigured tablet has no endpoint for reports") {
  D d;
  d.start();
  d.reset_port();
  CHECK_EQ(d.set(0x00, 5, 5), D::End::good);
  d.address = 5;
  CHECK_FALSE(d.report());
  CHECK((d.report_status() & uhci::td_timeout));
  CHECK_EQ(d.set(0x21, 10, 0), D::End::stalled);
}

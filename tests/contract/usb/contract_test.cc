// What every device owes the machine, for the USB controller with its tablet.
#include "tests/contract/support/device_contract.h"
#include "tests/contract/usb/uhci_driver.h"

using namespace lockstitch;
using namespace lockstitch::test;

TEST_CASE("the USB controller with a tablet keeps the contract of devices") {
  check_device_contract([] { return std::make_unique<UsbRig>(); }, 60);
}

TEST_CASE("the careless guest gets work done: without that the contract would say little") {
  std::uint64_t configured = 0, waited = 0, interrupts = 0, frames = 0, dropped = 0;
  for (unsigned round = 0; round < 40; ++round) {
    Random random(run_seed() + round);
    UsbRig rig;
    for (unsigned i = 0; i < 400; ++i) {
      random_event(rig, random);
      configured += rig.tablet.configured();
      waited += rig.tablet.waiting() != 0;
    }
    interrupts += rig.line.rises;
    frames += rig.alarm.rung;
    dropped += rig.tablet.dropped_samples();
  }
  CHECK_GT(configured, 100);
  CHECK_GT(waited, 50);
  CHECK_GT(interrupts, 20);
  CHECK_GT(frames, 300);
  CHECK_GT(dropped, 10);
}

TEST_CASE("moved to another machine after any step, enumeration and reports go on the same") {
  UhciDriver whole;
  whole.enumerate();
  whole.rig.tablet.move(100, 200);
  whole.rig.tablet.press(1);
  const auto expected = whole.reports();
  REQUIRE_EQ(expected.size(), 2);

  // The same work once more, and at every frame everything moves to a new bench that has to end like the first.
  UhciDriver work;
  work.start();
  work.reset_port();
  std::vector<StateImage> images;
  const auto keep = [&] { images.push_back(save(work.rig)); };
  keep();
  CHECK_EQ(work.set(0x00, 5, 5), UhciDriver::End::good);
  work.address = 5;
  keep();
  CHECK_EQ(work.set(0x00, 9, 1), UhciDriver::End::good);
  keep();
  work.rig.tablet.move(100, 200);
  work.rig.tablet.press(1);
  keep();
  work.ask();
  keep();
  work.frame();
  keep();
  for (std::size_t i = 0; i < images.size(); ++i) {
    CAPTURE(i);
    UhciDriver copy;
    REQUIRE_EQ(load(copy.rig, images[i]), "");
    copy.rig.controller.loaded();
    REQUIRE_EQ(difference(images[i], save(copy.rig)), "");
    if (i == 0) CHECK_EQ(copy.set(0x00, 5, 5), UhciDriver::End::good);
    copy.address = 5;
    if (i <= 1) CHECK_EQ(copy.set(0x00, 9, 1), UhciDriver::End::good);
    if (i <= 2) {
      copy.rig.tablet.move(100, 200);
      copy.rig.tablet.press(1);
    }
    std::vector<UhciDriver::Data> got;
    if (i >= 4) {
      if (i == 4) copy.frame();
      got.push_back(*copy.answer());
      copy.rig.put(UhciDriver::report_queue + 4, uhci::link_end);
    }
    for (const auto& one : copy.reports()) got.push_back(one);
    CHECK_EQ(got, expected);
  }
}

TEST_CASE("a control transfer that is moved between two of its packets goes on") {
  UhciDriver d;
  d.ring = false;
  d.enumerate();
  const auto expected = d.get(0x81, 6, 0x2200, 0, 255);
  // One packet for each frame: stop after some of them.
  const std::array<std::uint8_t, 8> setup = {0x81, 6, 0, 0x22, 0, 0, 255, 0};
  for (unsigned packets = 1; packets < 9; ++packets) {
    CAPTURE(packets);
    CHECK_EQ(d.control(setup, packets).end, UhciDriver::End::pending);
    UhciDriver copy;
    REQUIRE_EQ(load(copy.rig, save(d.rig)), "");
    copy.rig.controller.loaded();
    for (UhciDriver* one : {&d, &copy}) {
      one->rig.put(UhciDriver::control_queue + 4, static_cast<std::uint32_t>(UhciDriver::control_td + 16 * packets));
      one->frame(20);
    }
    REQUIRE_EQ(difference(save(d.rig), save(copy.rig)), "");
    const UhciDriver::Data got(d.rig.memory.ram.begin() + UhciDriver::data_buffer,
                               d.rig.memory.ram.begin() + UhciDriver::data_buffer + expected.size());
    CHECK_EQ(got, expected);
  }
}

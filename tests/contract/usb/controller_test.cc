// The host controller's registers, ports and frames in time, as drivers use them.
#include "tests/contract/support/state_image.h"
#include "tests/contract/usb/uhci_driver.h"

using namespace lockstitch;
using namespace lockstitch::test;
using namespace lockstitch::uhci;
using D = UhciDriver;

TEST_CASE("configuration space shows the third function of a PIIX3") {
  UsbRig rig;
  CHECK_EQ(rig.controller.read_config(0x00, 4), 0x7020'8086);
  CHECK_EQ(rig.controller.read_config(0x08, 4) >> 8, 0x0c'03'00);
  CHECK_EQ(rig.controller.read_config(0x3d, 1), 4);
  CHECK_EQ(rig.controller.read_config(0x60, 1), 0x10);
  CHECK_EQ(rig.controller.read_config(0xc0, 2), 0x2000);
  for (unsigned bar = 0; bar < 6; ++bar) {
    rig.controller.write_config(0x10 + 4 * bar, 4, ~0u);
    CHECK_EQ(rig.controller.read_config(0x10 + 4 * bar, 4), bar == 4 ? 0xffff'ffe1u : 0);
  }
}

TEST_CASE("the legacy support register keeps its enables, not its causes, and gates the interrupt") {
  D d;
  d.rig.controller.write_config(0xc0, 2, 0xffff);
  CHECK_EQ(d.rig.controller.read_config(0xc0, 2), 0x20bf);
  d.start();
  d.rig.put(D::frame_list, 0xf000'0000);  // no memory
  d.frame(2);
  CHECK(d.rig.line.level);
  CHECK_EQ(d.rig.controller.read_config(0xc0, 2), 0x3000);
  d.rig.controller.write_config(0xc0, 2, 0);
  CHECK_FALSE(d.rig.line.level);
  d.rig.controller.write_config(0xc0, 2, 0x2000);
  CHECK(d.rig.line.level);
  d.rig.controller.write_config(0x04, 2, 0x0405);
  CHECK_FALSE(d.rig.line.level);
}

TEST_CASE("registers after power-on") {
  UsbRig rig;
  CHECK_EQ(rig.read(command), 0);
  CHECK_EQ(rig.read(status), status_halted);
  CHECK_EQ(rig.read(interrupt_enable), 0);
  CHECK_EQ(rig.read(frame_number), 0);
  CHECK_EQ(rig.controller.registers().read(frame_list, 4), 0);
  CHECK_EQ(rig.controller.registers().read(start_of_frame, 1), 64);
  CHECK_EQ(rig.read(first_port), 0x0093);          // connected, changed, J
  CHECK_EQ(rig.read(first_port + 2), 0x0080);      // nobody
  CHECK_EQ(rig.read(first_port + 4) & 0x0080, 0);  // drivers count ports by this bit
}

TEST_CASE("registers can be reached by bytes, words and double words") {
  UsbRig rig;
  RegisterWindow& r = rig.controller.registers();
  r.write(frame_list, 1, 0xff);
  CHECK_EQ(r.read(frame_list, 4), 0);
  r.write(frame_list + 1, 1, 0xff);
  r.write(frame_list + 2, 2, 0x1234);
  CHECK_EQ(r.read(frame_list, 4), 0x1234'f000);
  r.write(interrupt_enable, 4, 0x0123'000f);  // with the frame number
  CHECK_EQ(r.read(interrupt_enable, 1), 0x0f);
  CHECK_EQ(r.read(frame_number, 2), 0x0123);
  r.write(frame_number + 1, 1, 0xff);
  CHECK_EQ(r.read(frame_number, 2), 0x0723);
  r.write(first_port, 1, port_connect_change);
  CHECK_EQ(rig.read(first_port), 0x0091);
}

TEST_CASE("a port is reset, enabled by the driver, and its changes are acknowledged") {
  UsbRig rig;
  rig.write(first_port, port_enabled);
  CHECK_EQ(rig.read(first_port), 0x0097);
  rig.write(first_port, port_reset | port_enabled);
  CHECK_EQ(rig.read(first_port), 0x0283);
  rig.write(first_port, port_connect_change);
  CHECK_EQ(rig.read(first_port), 0x0091);
  rig.write(first_port, port_enabled);
  CHECK_EQ(rig.read(first_port), 0x0095);
  rig.write(first_port, 0);
  CHECK_EQ(rig.read(first_port), 0x0091);
  rig.write(first_port + 2, port_enabled);
  CHECK_EQ(rig.read(first_port + 2), 0x0080);
}

TEST_CASE("frames are a millisecond apart, counted from the start, and only while the controller runs") {
  D d;
  CHECK_FALSE(d.rig.alarm.armed());
  d.rig.bench.advance(123'456);
  d.start();
  CHECK_EQ(d.rig.alarm.deadline.value, 1'123'456);
  d.rig.bench.advance(999'999);
  CHECK_EQ(d.read(frame_number), 0);
  d.rig.bench.advance(1);
  CHECK_EQ(d.read(frame_number), 1);
  d.rig.bench.jump(2'500'000);
  CHECK_EQ(d.read(frame_number), 3);
  CHECK_EQ(d.rig.alarm.deadline.value, 123'456 + 4'000'000);
  d.rig.bench.jump(3'000'000'000);
  CHECK_EQ(d.read(frame_number), 3003 & 0x7ff);
  CHECK_EQ(d.rig.alarm.deadline.value, 123'456 + 3'004'000'000);
  d.write(frame_number, 7);
  CHECK_EQ(d.read(frame_number), 3003 & 0x7ff);
  d.write(command, 0x00c0);
  CHECK_FALSE(d.rig.alarm.armed());
  CHECK_EQ(d.read(status), status_halted);
  d.frame(5);
  CHECK_EQ(d.read(frame_number), 3003 & 0x7ff);
  d.write(command, command_run | command_global_suspend);
  CHECK_FALSE(d.rig.alarm.armed());
}

TEST_CASE("a reset of the controller stops it and leaves the device alone; a global one resets the device") {
  D d;
  d.enumerate();
  d.write(command, command_host_reset);
  CHECK_EQ(d.read(command), 0);
  CHECK_EQ(d.read(status), status_halted);
  CHECK_EQ(d.read(first_port), 0x0093);
  CHECK_FALSE(d.rig.alarm.armed());
  CHECK_EQ(d.rig.tablet.address(), 5);
  d.write(command, command_global_reset);
  CHECK_EQ(d.read(command), command_global_reset);
  CHECK_EQ(d.rig.tablet.address(), 0);
  CHECK_FALSE(d.rig.tablet.configured());
  d.write(command, 0);
  CHECK_EQ(d.read(command), 0);
  d.enumerate();
}

TEST_CASE("a tablet on a suspended port wakes it if it was told so") {
  D d;
  d.enumerate();
  CHECK_EQ(d.set(0x00, 3, 1), D::End::good);
  CHECK_EQ(d.get(0x80, 0, 0, 0, 2), D::Data{2, 0});
  d.write(first_port, port_enabled | port_suspended);
  d.frame(5);
  CHECK_EQ(d.read(first_port), 0x1095);
  d.rig.tablet.move(1, 2);
  CHECK_EQ(d.read(first_port), 0x10e5);  // K on the bus
  CHECK_EQ(d.read(status) & status_resume, 0);
  d.frame(20);
  CHECK_FALSE(d.report());
  CHECK((d.report_status() & td_timeout));
  d.write(first_port, port_enabled);
  CHECK_EQ(d.read(first_port), 0x0095);
  CHECK(d.report());
}

TEST_CASE("the driver resumes a suspended port itself; without leave the tablet stays quiet") {
  D d;
  d.enumerate();
  d.write(first_port, port_enabled | port_suspended);
  d.rig.tablet.move(1, 2);
  CHECK_EQ(d.read(first_port), 0x1095);
  d.write(first_port, port_enabled | port_suspended | port_resume);
  CHECK_EQ(d.read(first_port) & port_resume, port_resume);
  d.frame(20);
  d.write(first_port, port_enabled | port_suspended);
  CHECK_EQ(d.read(first_port), 0x0095);
  CHECK(d.report());
}

TEST_CASE("movement during a global suspension is a resume interrupt") {
  D d;
  d.enumerate();
  CHECK_EQ(d.set(0x00, 3, 1), D::End::good);
  d.write(first_port, port_enabled | port_suspended);
  d.write(command, 0x00c0);
  d.write(command, 0x00c0 | command_global_suspend);
  d.write(interrupt_enable, enable_resume);
  CHECK_FALSE(d.rig.line.level);
  d.rig.tablet.press(1);
  CHECK(d.rig.line.level);
  CHECK_EQ(d.read(status), status_resume | status_halted);
  CHECK_EQ(d.read(command), 0x00c0 | command_global_suspend | command_global_resume);
  CHECK_EQ(d.read(first_port) & port_resume, port_resume);
  d.write(status, status_resume);
  CHECK_FALSE(d.rig.line.level);
  d.write(command, 0x00c0);
  d.write(command, 0x00c1);
  d.write(first_port, port_enabled);
  REQUIRE(d.report());
}

TEST_CASE("what the tablet had to say before it was put to sleep wakes it at once") {
  D d;
  d.enumerate();
  CHECK_EQ(d.set(0x00, 3, 1), D::End::good);
  d.rig.tablet.press(1);
  d.write(first_port, port_enabled | port_suspended);
  CHECK_EQ(d.read(first_port) & port_resume, port_resume);
}

TEST_CASE("without bus mastering frames pass and nothing is read or written") {
  D d;
  d.enumerate();
  d.rig.tablet.press(1);
  d.ask();
  d.rig.controller.write_config(0x04, 2, 0x0001);
  const unsigned before = d.read(frame_number);
  d.frame(3);
  CHECK_EQ(d.read(frame_number), before + 3);
  CHECK_FALSE(d.answer());
  d.rig.controller.write_config(0x04, 2, 0x0005);
  d.frame();
  CHECK(d.answer());
}

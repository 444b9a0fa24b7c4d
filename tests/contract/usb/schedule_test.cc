// What one frame does with the lists in memory: completion, errors, interrupts, bounds.
#include "devices/usb/uhci_schedule.h"
#include "tests/contract/usb/uhci_driver.h"

using namespace lockstitch;
using namespace lockstitch::test;
using namespace lockstitch::uhci;
using D = UhciDriver;

namespace {
constexpr std::uint32_t polling = td_active | td_errors | td_interrupt | td_short;
constexpr std::uint32_t status_mask = ~td_length_mask;
}  // namespace

TEST_CASE("an endpoint with nothing to say leaves the descriptor active and marks the NAK") {
  D d;
  d.enumerate();
  d.ask();
  d.frame(3);
  CHECK_EQ(d.report_status() & status_mask, polling | td_nak);
  CHECK_EQ(d.read(status), 0);
  CHECK_EQ(d.rig.word(D::report_queue + 4), D::report_td);
  d.rig.tablet.press(1);
  d.frame();
  // What an earlier frame noted is gone.
  CHECK_EQ(d.report_status(), (polling & ~td_active) | 5);
  CHECK_EQ(d.rig.word(D::report_queue + 4), link_end);
}

TEST_CASE("completion interrupts at the end of the frame if it is enabled and asked for") {
  D d;
  d.enumerate();
  d.write(interrupt_enable, 0);
  d.rig.tablet.press(1);
  d.ask();
  d.frame();
  CHECK_EQ(d.read(status), status_interrupt);
  CHECK_FALSE(d.rig.line.level);
  d.write(interrupt_enable, enable_short | enable_error | enable_resume);
  CHECK_FALSE(d.rig.line.level);
  d.write(interrupt_enable, enable_complete);
  CHECK(d.rig.line.level);
  d.write(status, status_interrupt);
  CHECK_FALSE(d.rig.line.level);
  CHECK_EQ(d.read(status), 0);
  d.rig.tablet.press(0);
  d.ask();
  d.rig.put(D::report_td + 4, polling & ~td_interrupt);
  d.frame();
  CHECK_EQ(d.read(status), 0);
}

TEST_CASE("a short packet in a queue that cares stops the queue and interrupts") {
  D d;
  d.enumerate();
  d.write(interrupt_enable, enable_short);
  d.rig.tablet.press(1);
  d.ask(8);
  d.rig.put(D::report_td + 4, polling & ~td_interrupt);
  d.frame();
  CHECK_EQ(d.report_status(), td_errors | td_short | 5);
  CHECK_EQ(d.rig.word(D::report_queue + 4), D::report_td);
  CHECK_EQ(d.read(status), status_interrupt);
  CHECK(d.rig.line.level);
  d.write(status, status_interrupt);
  d.rig.tablet.press(0);
  d.ask(8);
  d.rig.put(D::report_td + 4, td_active | td_errors);
  d.frame();
  CHECK_EQ(d.rig.word(D::report_queue + 4), link_end);
  CHECK_EQ(d.read(status), 0);
}

TEST_CASE("an inactive descriptor can ask for an interrupt, in a queue or outside") {
  D d;
  d.enumerate();
  d.ask();
  d.rig.put(D::report_td + 4, td_interrupt);
  d.frame();
  CHECK_EQ(d.read(status), status_interrupt);
  CHECK(d.rig.line.level);
  CHECK_EQ(d.report_status(), td_interrupt);
  d.rig.put(D::report_queue + 4, link_end);
  d.write(status, status_interrupt);
  d.frame();
  CHECK_EQ(d.read(status), 0);
  // One frame of the list begins with it, as drivers do that count frames.
  d.rig.put(D::report_td, D::report_queue | link_queue);
  d.rig.put(D::frame_list + 4 * ((d.read(frame_number) + 3) & 1023), D::report_td);
  d.frame(3);
  CHECK_EQ(d.read(status), 0);
  d.frame();
  CHECK_EQ(d.read(status), status_interrupt);
}

TEST_CASE("nobody at the address: three tries, then the descriptor is stalled with an error interrupt") {
  D d;
  d.enumerate();
  d.address = 9;
  d.ask();
  d.frame();
  CHECK_EQ(d.report_status() & status_mask, td_active | td_timeout | 2 * td_errors_one | td_interrupt | td_short);
  d.frame();
  CHECK_EQ(d.read(status), 0);
  d.frame();
  CHECK_EQ(d.report_status(), td_stalled | td_timeout | td_interrupt | td_short | td_nothing);
  CHECK_EQ(d.read(status), status_error | status_interrupt);
  d.write(interrupt_enable, enable_error);
  CHECK(d.rig.line.level);
  CHECK_EQ(d.rig.word(D::report_queue + 4), D::report_td);
  // Without a count it is tried for ever.
  d.write(status, 0x1f);
  d.rig.put(D::report_td + 4, td_active);
  d.frame(10);
  CHECK_EQ(d.report_status() & status_mask, td_active | td_timeout);
}

TEST_CASE("a device is not reached at the wrong speed, at another endpoint, on a port that is not enabled") {
  D d;
  d.enumerate();
  d.rig.tablet.press(1);
  d.ask();
  d.rig.put(D::report_td + 4, td_active | td_low_speed);
  d.frame();
  CHECK_EQ(d.report_status() & status_mask, td_active | td_low_speed | td_timeout);
  d.ask();
  d.rig.put(D::report_td + 8, d.rig.word(D::report_td + 8) | 2u << 15);
  d.frame();
  CHECK((d.report_status() & td_timeout));
  d.ask();
  d.write(first_port, 0);
  d.frame();
  CHECK((d.report_status() & td_timeout));
  d.write(first_port, port_enabled);
  d.frame();
  CHECK(d.answer());
}

TEST_CASE("more than there is room for is babble") {
  D d;
  d.enumerate();
  d.rig.tablet.press(1);
  d.ask(5);
  d.rig.memory.ram[D::report_buffer] = 0xee;
  d.frame();
  CHECK_EQ(d.report_status(), (polling & ~td_active) | td_stalled | td_babble | td_nothing);
  CHECK_EQ(d.read(status), status_error | status_interrupt);
  CHECK_EQ(d.rig.memory.ram[D::report_buffer], 0xee);
}

TEST_CASE("a halted endpoint stalls until the driver clears it") {
  D d;
  d.enumerate();
  CHECK_EQ(d.set(0x02, 3, 0, 0x81), D::End::good);
  CHECK_EQ(d.get(0x82, 0, 0, 0x81, 2), D::Data{1, 0});
  d.ask();
  d.frame();
  CHECK_EQ(d.report_status(), (polling & ~td_active) | td_stalled | td_nothing);
  CHECK_EQ(d.read(status), status_error | status_interrupt);
  d.rig.put(D::report_queue + 4, link_end);
  CHECK_EQ(d.set(0x02, 1, 0, 0x81), D::End::good);
  d.rig.tablet.press(1);
  CHECK(d.report());
}

TEST_CASE("memory that is not there and impossible descriptors halt the controller, whatever is enabled") {
  const auto halts = [](auto&& spoil, std::uint16_t cause) {
    D d;
    d.enumerate();
    d.rig.tablet.press(1);
    d.ask();
    d.write(interrupt_enable, 0);
    spoil(d);
    d.frame();
    CHECK_EQ(d.read(status), cause | status_halted);
    CHECK_EQ(d.read(command), 0x00c0);
    CHECK(d.rig.line.level);
    CHECK_FALSE(d.rig.alarm.armed());
    d.write(status, cause);
    CHECK_FALSE(d.rig.line.level);
  };
  halts([](D& d) { d.rig.controller.registers().write(frame_list, 4, 0x8000'0000); }, status_system_error);
  halts([](D& d) { d.rig.put(D::control_queue + 4, 0x8000'0000); }, status_system_error | status_interrupt);
  halts([](D& d) { d.rig.put(D::report_queue + 4, 0xffff'fff0); }, status_system_error);
  halts([](D& d) { d.rig.put(D::report_td + 12, 0xffff'ffff); }, status_system_error);
  halts([](D& d) { d.rig.put(D::report_td + 8, 0); }, status_process_error);
  halts([](D& d) { d.rig.put(D::report_td + 8, token_in | 0x500u << 21); }, status_process_error);
}

TEST_CASE("an isochronous descriptor is done after its one try") {
  D d;
  d.enumerate();
  d.rig.put(D::report_td, D::report_queue | link_queue);
  d.rig.put(D::report_td + 4, td_active | td_isochronous | td_interrupt);
  d.rig.put(D::report_td + 8, token_in | 5u << 8 | 3u << 15 | 7u << 21);
  d.rig.put(D::frame_list + 4 * (d.read(frame_number) & 1023), D::report_td);
  d.frame();
  CHECK_EQ(d.report_status(), td_isochronous | td_interrupt | td_timeout | td_nothing);
  CHECK_EQ(d.read(status), status_interrupt);
}

TEST_CASE("a ring of queues is walked while it moves on: one frame holds many packets, but not any number") {
  D slow, quick;
  slow.ring = false;
  for (D* d : {&slow, &quick}) d->enumerate();
  const std::array<std::uint8_t, 8> setup = {0x81, 6, 0, 0x22, 0, 0, 72, 0};
  const auto slowly = slow.control(setup), quickly = quick.control(setup);
  CHECK_EQ(slowly.data.size(), 72);
  CHECK_EQ(slowly.data, quickly.data);
  CHECK_EQ(slowly.frames, 11);
  CHECK_EQ(quickly.frames, 1);

  // Packets without data cost 13 bytes each; the second frame comes back to the first packet.
  for (unsigned i = 0; i < 180; ++i) {
    const Gpa at = 0x3400 + 16 * i;
    quick.rig.put(at, static_cast<std::uint32_t>(0x3400 + 16 * ((i + 1) % 180)) | link_depth);
    quick.rig.put(at + 4, td_active);
    quick.rig.put(at + 8, token_out | 5u << 8 | 0x7ffu << 21);
  }
  quick.rig.put(D::control_queue + 4, 0x3400);
  const auto done = [&] {
    unsigned count = 0;
    for (unsigned i = 0; i < 180; ++i) count += !(quick.rig.word(0x3400 + 16 * i + 4) & td_active);
    return count;
  };
  quick.frame();
  CHECK_EQ(done(), 116);  // 1500 bytes
  quick.frame();
  CHECK_EQ(done(), 180);
}

TEST_CASE("lists that never end are left") {
  class Nobody final : public UsbUpstream {
    void wake() override {}
  } nobody;
  TestMemory memory(0x4000);
  std::array<UhciPort, 2> ports = {UhciPort(nobody), UhciPort(nobody)};
  UhciSchedule schedule(memory, ports);
  const auto put = [&](Gpa at, std::uint32_t value) {
    for (unsigned i = 0; i < 4; ++i) memory.ram[at + i] = static_cast<std::uint8_t>(value >> (8 * i));
  };
  SUBCASE("a descriptor that leads to itself") {
    put(0, 0x1000);
    put(0x1000, 0x1000);
  }
  SUBCASE("a queue that leads to itself") {
    put(0, 0x1000 | link_queue);
    put(0x1000, 0x1000 | link_queue);
    put(0x1004, link_end);
  }
  SUBCASE("a queue that contains itself") {
    put(0, 0x1000 | link_queue);
    put(0x1000, link_end);
    put(0x1004, 0x1000 | link_queue);
  }
  SUBCASE("nobody answers, for ever") {
    put(0, 0x1000);
    put(0x1000, 0x1000);
    put(0x1004, td_active);
    put(0x1008, token_in | 0x7ffu << 21);
  }
  SUBCASE("a queue whose descriptors follow each other round") {
    put(0, 0x1000 | link_queue);
    put(0x1000, 0x1000 | link_queue);
    put(0x1004, 0x2000);
    put(0x2000, 0x2000 | link_depth);
    put(0x2004, td_active | td_isochronous);
    put(0x2008, token_in | 0x7ffu << 21);
  }
  SUBCASE("five hundred queues") {
    put(0, 0x1000 | link_queue);
    for (unsigned i = 0; i < 500; ++i) {
      put(0x1000 + 16 * i, static_cast<std::uint32_t>(0x1010 + 16 * i) | link_queue);
      put(0x1004 + 16 * i, link_end);
    }
  }
  const auto outcome = schedule.run(0);
  CHECK_FALSE(outcome.fault());
  CHECK_LE(outcome.visited, UhciSchedule::visit_limit + 1);
  CHECK_LE(outcome.transactions, UhciSchedule::frame_bytes / UhciSchedule::packet_cost_bytes + 1);
}

TEST_CASE("frames that a jump of the clock passed over are made good, as many as count") {
  D d;
  d.enumerate();
  // The tablet is asked in one frame of 32.
  for (unsigned i = 0; i < 1024; ++i)
    d.rig.put(D::frame_list + 4 * i, i % 32 == 7 ? D::report_queue | link_queue : link_end);
  for (unsigned ms : {40u, 1000u, 32u, 96u, 3200u}) {
    d.rig.tablet.press(ms & 32 ? 1 : 2);
    d.rig.tablet.press(0);
    d.ask();
    d.rig.bench.jump(ms * UhciController::frame_ns);
    CHECK(d.answer());
    while (d.report()) d.frame(31);
    d.frame(40);
    d.ask();
    d.frame(32);
    d.rig.put(D::report_queue + 4, link_end);
  }
}

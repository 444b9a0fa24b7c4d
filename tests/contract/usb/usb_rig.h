// The USB controller with a tablet on a bench, and a careless guest: besides random register accesses it starts the
// controller, offers lists that are mostly sensible, brings the tablet to an address, and scribbles over it all.
#pragma once
#include "devices/usb/uhci_controller.h"
#include "devices/usb/usb_tablet.h"
#include "tests/contract/pci/config_window.h"
#include "tests/contract/support/random.h"
#include "tests/contract/support/rig.h"

namespace lockstitch::test {

class UsbRig final : public Rig {
 public:
  static constexpr std::size_t small_memory = 0x4000;
  static constexpr Gpa frame_list = 0x1000, heap = 0x2000;
  TestMemory& memory;
  TestLine& line = bench.line();
  UsbTablet tablet{bench.clock};
  UhciController controller;
  TestAlarm& alarm = bench.alarm(controller);

  explicit UsbRig(std::size_t memory_size = small_memory)
      : memory(bench.memory(memory_size)), controller("usb0", memory, bench.clock, line) {
    controller.plug(0, tablet);
    controller.attach(alarm, bench.map());
    windows = {{&config_, 256, 4}, {&controller.registers(), 32, 4}, {&controller.registers(), 32, 4}};
    arrivals = {&tablet};
    actions = {[this](std::uint64_t r) { return start(r); },
               [this](std::uint64_t r) { return offer(r); },
               [this](std::uint64_t r) { return offer(r); },
               [this](std::uint64_t r) { return offer(r); },
               [this](std::uint64_t r) { return request(r); },
               [this](std::uint64_t r) { return request(r); },
               [this](std::uint64_t r) { return request(r); },
               [this](std::uint64_t r) { return touch(r); },
               [this](std::uint64_t r) { return touch(r); },
               [this](std::uint64_t r) { return scribble(r); },
               [this](std::uint64_t r) {
                 if (r % 64 == 0) controller.reset();
                 return read(uhci::status);
               }};
  }

  Device& device() override { return controller; }

  std::uint16_t read(unsigned at) { return static_cast<std::uint16_t>(controller.registers().read(at, 2)); }
  void write(unsigned at, std::uint16_t value) { controller.registers().write(at, 2, value); }
  std::uint32_t word(Gpa at) const {
    std::uint32_t value = 0;
    for (unsigned i = 0; i < 4; ++i) value |= std::uint32_t{memory.ram[at + i]} << (8 * i);
    return value;
  }
  void put(Gpa at, std::uint32_t value) {
    for (unsigned i = 0; i < 4; ++i)
      memory.ram[(at + i) % memory.ram.size()] = static_cast<std::uint8_t>(value >> (8 * i));
  }

 private:
  static constexpr unsigned places = 64;

  std::uint32_t place(Random& random) { return static_cast<std::uint32_t>(heap + 32 * random.below(places)); }
  std::uint32_t link(Random& random) {
    return random.one_in(64) ? static_cast<std::uint32_t>(random.next())
                             : place(random) | static_cast<std::uint32_t>(random.below(8));
  }
  std::uint32_t token(Random& random) {
    static constexpr std::array<std::uint32_t, 4> pids = {uhci::token_in, uhci::token_in, uhci::token_out,
                                                          uhci::token_setup};
    const std::uint32_t pid = random.one_in(64) ? static_cast<std::uint32_t>(random.below(256)) : pids[random.below(4)];
    const std::uint32_t address = random.one_in(16) ? static_cast<std::uint32_t>(random.below(128)) : tablet.address();
    return pid | address << 8 | static_cast<std::uint32_t>(random.below(random.one_in(8) ? 16 : 2)) << 15 |
           static_cast<std::uint32_t>(random.one_in(8) ? random.below(0x800) : random.below(9) + 0x7ff) << 21;
  }
  std::uint32_t status(Random& random) {
    return (random.one_in(4) ? 0 : uhci::td_active) | (random.one_in(4) ? uhci::td_interrupt : 0) |
           (random.one_in(16) ? uhci::td_isochronous : 0) | (random.one_in(16) ? uhci::td_low_speed : 0) |
           (random.one_in(2) ? uhci::td_short : 0) | static_cast<std::uint32_t>(random.below(4)) << 27;
  }

  std::uint64_t start(std::uint64_t r) {
    Random random(r);
    controller.write_config(0x04, 2, random.one_in(16) ? 0x0001 : 0x0005);
    controller.registers().write(uhci::frame_list, 4, frame_list);
    for (Gpa at = frame_list; at < frame_list + 0x1000; at += 4) put(at, link(random));
    write(uhci::interrupt_enable, static_cast<std::uint16_t>(random.below(16)));
    write(uhci::first_port, uhci::port_reset);
    write(uhci::first_port, random.one_in(8) ? 0 : uhci::port_enabled);
    write(uhci::command, random.one_in(8) ? static_cast<std::uint16_t>(random.next()) : 0x00c1);
    return read(uhci::first_port);
  }

  std::uint64_t offer(std::uint64_t r) {
    Random random(r);
    if (!(read(uhci::command) & 1)) start(r);
    for (unsigned i = 0; i < 8; ++i) {
      const Gpa at = place(random);
      put(at, link(random));
      put(at + 4, random.one_in(2) ? link(random) : status(random));
      put(at + 8, token(random));
      put(at + 12, random.one_in(64) ? static_cast<std::uint32_t>(random.next()) : place(random) + 16);
    }
    return read(uhci::frame_number);
  }

  /// A whole control transfer in every frame.
  std::uint64_t request(std::uint64_t r) {
    static constexpr std::array<std::array<std::uint8_t, 8>, 12> requests = {{{0x80, 6, 0, 1, 0, 0, 18, 0},
                                                                              {0x80, 6, 0, 2, 0, 0, 34, 0},
                                                                              {0x80, 6, 2, 3, 9, 4, 255, 0},
                                                                              {0x81, 6, 0, 0x22, 0, 0, 72, 0},
                                                                              {0x00, 5, 7, 0, 0, 0, 0, 0},
                                                                              {0x00, 9, 1, 0, 0, 0, 0, 0},
                                                                              {0x00, 9, 1, 0, 0, 0, 0, 0},
                                                                              {0x21, 10, 0, 3, 0, 0, 0, 0},
                                                                              {0xa1, 1, 0, 1, 0, 0, 6, 0},
                                                                              {0x00, 3, 1, 0, 0, 0, 0, 0},
                                                                              {0x02, 3, 0, 0, 0x81, 0, 0, 0},
                                                                              {0x02, 1, 0, 0, 0x81, 0, 0, 0}}};
    Random random(r);
    if (!(read(uhci::command) & 1)) start(r);
    auto setup = requests[random.below(requests.size())];
    if (random.one_in(4)) setup[random.below(8)] = static_cast<std::uint8_t>(random.next());
    const bool reads = setup[0] & 0x80;
    std::copy(setup.begin(), setup.end(), memory.ram.begin() + heap + 16);
    const std::uint32_t address = std::uint32_t{tablet.address()} << 8;
    const auto td = [&](unsigned at, std::uint32_t next, std::uint32_t rest) {
      put(heap + at, next);
      put(heap + at + 4, uhci::td_active | uhci::td_errors | uhci::td_interrupt);
      put(heap + at + 8, rest | address);
      put(heap + at + 12, static_cast<std::uint32_t>(heap + 16));
    };
    const unsigned packets = reads ? 1 + static_cast<unsigned>(random.below(10)) : 0;
    td(32, (heap + 64) | uhci::link_depth, uhci::token_setup | 7u << 21);
    unsigned at = 64;
    for (unsigned i = 0; i < packets; ++i, at += 32) {
      td(at, static_cast<std::uint32_t>(heap + at + 32) | uhci::link_depth, uhci::token_in | 7u << 21);
      put(heap + at + 12, 0x3000);
    }
    td(at, uhci::link_end, (reads ? uhci::token_out : uhci::token_in) | 0x7ffu << 21);
    put(heap, uhci::link_end);
    put(heap + 4, heap + 32);
    for (Gpa entry = frame_list; entry < frame_list + 0x1000; entry += 4)
      put(entry, static_cast<std::uint32_t>(heap) | uhci::link_queue);
    bench.advance(UhciController::frame_ns);
    return tablet.address() + 256u * tablet.waiting() + 65536u * tablet.configured();
  }

  std::uint64_t touch(std::uint64_t r) {
    Random random(r);
    for (std::uint64_t i = random.below(random.one_in(8) ? 100 : 4); i > 0; --i) {
      const auto place = [&] { return static_cast<unsigned>(random.below(UsbTablet::place_max + 1)); };
      const unsigned x = place();
      tablet.move(x, place());
      if (random.one_in(2)) tablet.press(static_cast<unsigned>(random.below(8)));
      if (random.one_in(2)) tablet.turn(static_cast<int>(random.below(400)) - 200);
    }
    return tablet.waiting();
  }

  std::uint64_t scribble(std::uint64_t r) {
    memory.ram[(r >> 8) % memory.ram.size()] = static_cast<std::uint8_t>(r);
    return 0;
  }

  ConfigWindow config_{controller};
};

}  // namespace lockstitch::test

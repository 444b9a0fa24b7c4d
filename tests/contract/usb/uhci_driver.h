// A small driver on the guest's side of the USB controller, in the manner of operating systems: a frame list whose
// entries lead to a queue for the tablet's reports and on to one for control transfers. For tests that make claims.
#pragma once
#include <doctest/doctest.h>

#include <initializer_list>
#include <optional>
#include <vector>

#include "tests/contract/usb/usb_rig.h"

namespace lockstitch::test {

class UhciDriver {
 public:
  using Data = std::vector<std::uint8_t>;
  enum class End : std::uint8_t { good, stalled, error, pending };
  struct Result {
    End end = End::pending;
    Data data;
    unsigned frames = 0;
  };
  static constexpr Gpa frame_list = 0x1000, report_queue = 0x2000, control_queue = 0x2020, ring_queue = 0x2040,
                       report_td = 0x2100, control_td = 0x2200, setup_buffer = 0x3000, report_buffer = 0x3010,
                       data_buffer = 0x3100;

  UsbRig rig;
  std::uint8_t address = 0;
  bool ring = true;  ///< what is left of a frame is used for control transfers
  std::uint32_t report_toggle = 0;

  std::uint16_t read(unsigned at) { return rig.read(at); }
  void write(unsigned at, std::uint16_t value) { rig.write(at, value); }
  void frame(unsigned count = 1) { rig.bench.advance(count * UhciController::frame_ns); }

  void start() {
    rig.controller.write_config(0xc0, 2, 0x8f00);
    write(uhci::command, uhci::command_host_reset);
    CHECK_EQ(read(uhci::command), 0);
    CHECK_EQ(read(uhci::status), uhci::status_halted);
    rig.controller.write_config(0xc0, 2, 0x2000);
    rig.controller.write_config(0x04, 2, 0x0005);
    rig.put(report_queue, control_queue | uhci::link_queue);
    rig.put(report_queue + 4, uhci::link_end);
    rig.put(control_queue, ring ? ring_queue | uhci::link_queue : uhci::link_end);
    rig.put(control_queue + 4, uhci::link_end);
    rig.put(ring_queue, control_queue | uhci::link_queue);
    rig.put(ring_queue + 4, uhci::link_end);
    for (Gpa at = frame_list; at < frame_list + 0x1000; at += 4) rig.put(at, report_queue | uhci::link_queue);
    rig.controller.registers().write(uhci::frame_list, 4, frame_list);
    write(uhci::frame_number, 0);
    rig.controller.registers().write(uhci::start_of_frame, 1, 64);
    write(uhci::interrupt_enable, 0xf);
    write(uhci::command, 0x00c1);
    CHECK_EQ(read(uhci::status), 0);
  }

  void reset_port(unsigned port = 0) {
    const unsigned at = uhci::first_port + 2 * port;
    write(at, (read(at) & ~0x000a) | uhci::port_reset);
    CHECK((read(at) & uhci::port_reset));
    frame(50);
    write(at, read(at) & ~(uhci::port_reset | 0x000a));
    CHECK_FALSE((read(at) & uhci::port_reset));
    write(at, (read(at) & ~0x000a) | uhci::port_enabled);
    write(at, read(at) | uhci::port_connect_change | uhci::port_enable_change);
    address = 0;
  }

  /// A control transfer; `most` frames are given to it.
  Result control(std::array<std::uint8_t, 8> setup, unsigned most = 100) {
    const bool reads = setup[0] & 0x80;
    const unsigned length = setup[6] | unsigned{setup[7]} << 8;
    std::copy(setup.begin(), setup.end(), rig.memory.ram.begin() + setup_buffer);
    std::vector<Gpa> tds;
    const auto add = [&](std::uint32_t pid, unsigned bytes, std::uint32_t buffer, std::uint32_t more) {
      const Gpa at = control_td + 16 * tds.size();
      const bool toggle = tds.size() % 2;
      if (!tds.empty()) rig.put(tds.back(), static_cast<std::uint32_t>(at));
      tds.push_back(at);
      rig.put(at, uhci::link_end);
      rig.put(at + 4, uhci::td_active | uhci::td_errors | more);
      rig.put(at + 8, pid | std::uint32_t{address} << 8 | toggle << 19 | (bytes - 1) << 21);
      rig.put(at + 12, buffer);
    };
    add(uhci::token_setup, 8, setup_buffer, 0);
    for (unsigned at = 0; at < length; at += 8)
      add(reads ? uhci::token_in : uhci::token_out, std::min(8u, length - at), data_buffer + at,
          reads ? uhci::td_short : 0);
    add(reads ? uhci::token_out : uhci::token_in, 0, 0, uhci::td_interrupt);
    rig.put(control_queue + 4, static_cast<std::uint32_t>(tds.front()));

    Result result;
    for (; result.frames < most && result.end == End::pending; ++result.frames) {
      frame();
      std::size_t i = 0;
      result.data.clear();
      for (; i < tds.size(); ++i) {
        const std::uint32_t status = rig.word(tds[i] + 4);
        if (status & uhci::td_active) break;
        if (status & uhci::td_stalled) {
          result.end = status & (uhci::td_timeout | uhci::td_babble) ? End::error : End::stalled;
          break;
        }
        if (i == 0 || i + 1 == tds.size() || !reads) continue;
        const unsigned got = (status + 1) & 0x7ff, room = ((rig.word(tds[i] + 8) >> 21) + 1) & 0x7ff;
        const auto from = rig.memory.ram.begin() + rig.word(tds[i] + 12);
        result.data.insert(result.data.end(), from, from + got);
        if (got == room || i + 2 == tds.size()) continue;
        // A short packet: on with the last stage.
        i = tds.size() - 2;
        if (rig.word(control_queue + 4) < tds.back())
          rig.put(control_queue + 4, static_cast<std::uint32_t>(tds.back()));
      }
      if (i == tds.size()) result.end = End::good;
    }
    rig.put(control_queue + 4, uhci::link_end);
    write(uhci::status, 0x1f);
    return result;
  }

  Data get(std::uint8_t type, std::uint8_t code, unsigned value, unsigned index, unsigned length) {
    const Result r = control({type, code, static_cast<std::uint8_t>(value), static_cast<std::uint8_t>(value >> 8),
                              static_cast<std::uint8_t>(index), static_cast<std::uint8_t>(index >> 8),
                              static_cast<std::uint8_t>(length), static_cast<std::uint8_t>(length >> 8)});
    CHECK_EQ(r.end, End::good);
    return r.data;
  }
  End set(std::uint8_t type, std::uint8_t code, unsigned value, unsigned index = 0) {
    return control({type, code, static_cast<std::uint8_t>(value), static_cast<std::uint8_t>(value >> 8),
                    static_cast<std::uint8_t>(index), static_cast<std::uint8_t>(index >> 8), 0, 0})
        .end;
  }

  void enumerate() {
    start();
    reset_port();
    CHECK_EQ(get(0x80, 6, 0x0100, 0, 64).size(), 18);
    reset_port();
    CHECK_EQ(set(0x00, 5, 5), End::good);
    address = 5;
    CHECK_EQ(get(0x80, 6, 0x0100, 0, 18).size(), 18);
    CHECK_EQ(get(0x80, 6, 0x0200, 0, 9).size(), 9);
    CHECK_EQ(get(0x80, 6, 0x0200, 0, 34).size(), 34);
    CHECK_EQ(set(0x00, 9, 1), End::good);
    CHECK_EQ(set(0x21, 10, 0), End::good);
    CHECK_FALSE(get(0x81, 6, 0x2200, 0, 255).empty());
    report_toggle = 0;
  }

  /// Asks for a report, and goes on asking.
  void ask(unsigned room = 6) {
    rig.put(report_td, uhci::link_end);
    rig.put(report_td + 4, uhci::td_active | uhci::td_errors | uhci::td_interrupt | uhci::td_short);
    rig.put(report_td + 8,
            uhci::token_in | std::uint32_t{address} << 8 | 1u << 15 | report_toggle << 19 | ((room - 1) & 0x7ff) << 21);
    rig.put(report_td + 12, report_buffer);
    rig.put(report_queue + 4, report_td);
  }
  std::uint32_t report_status() const { return rig.word(report_td + 4); }
  /// What ask() got so far.
  std::optional<Data> answer() {
    const std::uint32_t status = report_status();
    if (status & (uhci::td_active | uhci::td_stalled)) return std::nullopt;
    report_toggle ^= 1;
    const auto from = rig.memory.ram.begin() + report_buffer;
    return Data(from, from + ((status + 1) & 0x7ff));
  }
  std::optional<Data> report() {
    ask();
    frame();
    auto data = answer();
    rig.put(report_queue + 4, uhci::link_end);
    write(uhci::status, 0x1f);
    return data;
  }
  /// Everything that waits.
  std::vector<Data> reports() {
    std::vector<Data> all;
    while (auto one = report()) all.push_back(*one);
    return all;
  }
};

}  // namespace lockstitch::test

// The HPET with the gates of PIT and RTC, and pvpanic, on their benches.
#pragma once
#include "devices/debug/pvpanic.h"
#include "devices/timer/hpet.h"
#include "tests/contract/support/rig.h"

namespace lockstitch::test {

/// The HPET and what drives the wires that it cuts; the contract is asked of both as one.
struct HpetRig : Rig {
  struct Both final : Device {
    IrqGate pit_gate, rtc_gate;
    Hpet hpet;
    Both(HpetRig& rig)
        : pit_gate(rig.pit_line),
          rtc_gate(rig.rtc_line),
          hpet("hpet", rig.bench.clock, rig.timer0, rig.timer1, rig.routes()) {
      hpet.attach_gates(pit_gate, rtc_gate);
    }
    std::string_view name() const override { return hpet.name(); }
    void reset() override {
      pit_gate.set(false);
      rtc_gate.set(false);
      hpet.reset();
    }
    void visit(StateVisitor& v) override { hpet.visit(v); }
    void loaded() override { hpet.loaded(); }
  };
  static constexpr unsigned first_route = 16, second_route = 20;

  TestLine& pit_line = bench.line();
  TestLine& rtc_line = bench.line();
  TestLine& timer0 = bench.line();
  TestLine& timer1 = bench.line();
  TestLine& route_a = bench.line();
  TestLine& route_b = bench.line();
  Both both{*this};
  Hpet& it = both.hpet;
  TestAlarm& alarm = bench.alarm(it);

  HpetRig() {
    it.attach(alarm);
    windows = {{&it, 1024}, {&it, 0x160}};
    actions = {[this](std::uint64_t r) {  // the whole block switched on or off
                 it.write(0x10, 8, r & 3);
                 return it.read(0xf0, 8);
               },
               [this](std::uint64_t r) {
                 it.write(0x10, 8, 1 | (r & 2));
                 return std::uint64_t{it.legacy_replacement()};
               },
               [this](std::uint64_t r) {  // a timer programmed as a guest would, from the counter
                 const std::uint64_t n = r % Hpet::timer_count, at = 0x100 + 0x20 * n;
                 const std::uint64_t route = r & 0x100 ? first_route : second_route;
                 it.write(at, 4, (r >> 9 & 0x14e) | (r & 0x200 ? 4 : 0) | route << 9);
                 const unsigned width = r & 0x400 ? 8 : 4;
                 it.write(at + 8, width, it.read(0xf0, width) + (r >> 11 & 0xfff));
                 if (r & 0x80'0000) it.write(at + 8, width, r >> 24 & 0xff);
                 return it.read(at + 8, 8);
               },
               [this](std::uint64_t r) {
                 it.write(0x20, 4, r & 7);
                 return it.read(0x20, 8);
               },
               [this](std::uint64_t r) {
                 (r & 1 ? both.pit_gate : both.rtc_gate).set(r & 2);
                 return std::uint64_t{pit_line.level} << 1 | std::uint64_t{rtc_line.level};
               }};
  }
  Device& device() override { return both; }
  std::array<IrqLine*, Hpet::route_count> routes() {
    std::array<IrqLine*, Hpet::route_count> all{};
    all[first_route] = &route_a;
    all[second_route] = &route_b;
    return all;
  }
};

struct PvpanicRig : Rig {
  Pvpanic it{"pvpanic", bench.effects};
  PvpanicRig() {
    keeps_contents = true;
    windows = {{&it, 1}};
  }
  Device& device() override { return it; }
};

}  // namespace lockstitch::test

// The legacy devices on their benches, one rig each, for the contract suite and the fuzz targets.
#pragma once
#include <array>
#include <memory>
#include <string_view>
#include <vector>

#include "devices/acpi/power_management.h"
#include "devices/acpi/reset_control.h"
#include "devices/debug/debug_console.h"
#include "devices/debug/debug_exit.h"
#include "devices/debug/dma_stub.h"
#include "devices/debug/port_92.h"
#include "devices/debug/scratch_port.h"
#include "devices/irq/ioapic.h"
#include "devices/irq/local_apic.h"
#include "devices/irq/pic_8259.h"
#include "devices/serial/uart_16550.h"
#include "devices/timer/pit_8254.h"
#include "devices/timer/port_61.h"
#include "devices/timer/rtc_cmos.h"
#include "tests/contract/support/rig.h"

namespace lockstitch::test {

/// 2024-02-28 23:59:50 UTC: a leap day is near.
inline constexpr std::uint64_t rtc_start = 1'709'164'790;

struct UartRig : Rig {
  TestLine& irq = bench.line();
  Uart16550 it{"serial0", irq, bench.effects, bench.clock};
  TestAlarm& alarm = bench.alarm(it);
  UartRig() {
    it.attach(alarm);
    windows = {{&it, 8}};
    arrivals = {&it};
    actions = {[this](std::uint64_t r) {  // an open port with some interrupts on
                 it.write(3, 1, 3);
                 it.write(4, 1, 8);
                 it.write(2, 1, r & 0xc9);
                 it.write(1, 1, r >> 8 & 15);
                 return std::uint64_t{irq.level};
               },
               [this](std::uint64_t) { return it.read(2, 1) << 32 | it.dropped_bytes(); }};
  }
  Device& device() override { return it; }
};

struct PicRig : Rig {
  TestLine& output = bench.line();
  Pic8259 it{"pic", output};
  PicRig() {
    windows = {{&it.master(), 2}, {&it.slave(), 2}, {&it.elcr(), 2}};
    actions = {[this](std::uint64_t r) {
                 it.input(r & 15).set(r & 16);
                 return std::uint64_t{output.level};
               },
               [this](std::uint64_t) { return std::uint64_t{it.acknowledge()}; },
               [this](std::uint64_t r) {  // a whole initialisation with any ICW4, perhaps special mask and rotation
                 RegisterWindow& chip = r & 0x100 ? it.master() : it.slave();
                 for (std::uint64_t word : {std::uint64_t{0x11}, r & 0xf8, std::uint64_t{4}, r & 0x12, r >> 16 & 0x55})
                   chip.write(word == 0x11 ? 0 : 1, 1, word);
                 if (r & 0x200) chip.write(0, 1, 0x68);
                 if (r & 0x400) chip.write(0, 1, 0x80);
                 return std::uint64_t{output.level};
               },
               [this](std::uint64_t r) {  // a command that is not an initialisation
                 (r & 0x100 ? it.master() : it.slave()).write(0, 1, r & 0xef);
                 return it.master().read(0, 1) << 32 | it.slave().read(0, 1);
               }};
  }
  Device& device() override { return it; }
};

struct IoApicRig : Rig {
  IoApic it{"ioapic", bench.msi};
  IoApicRig() {
    windows = {{&it, 0x20}, {&it, 4096}};
    actions = {[this](std::uint64_t r) {
                 it.input(r % IoApic::pin_count).set(r & 0x100);
                 return std::uint64_t{0};
               },
               [this](std::uint64_t r) {
                 it.end_of_interrupt(static_cast<std::uint8_t>(r));
                 return std::uint64_t{0};
               }};
  }
  Device& device() override { return it; }
};

/// The PIC's answer, and the record of ended interrupts.
struct TestPic final : ExternalInterrupt {
  std::uint8_t vector = 0x30;
  std::uint64_t acknowledges = 0;
  std::uint8_t acknowledge() override {
    ++acknowledges;
    return vector;
  }
};
struct TestEnds final : EoiListener {
  std::vector<std::uint8_t> vectors;
  void end_of_interrupt(std::uint8_t vector) override { vectors.push_back(vector); }
};
struct TestTsc final : TscPort {
  std::uint64_t value = 0;
  std::uint64_t offset() const override { return value; }
};

struct ApicRig : Rig {
  TestTsc tsc;
  TestPic pic;
  TestEnds ends;
  LocalApic it{"lapic", 0, bench.signals, bench.clock, &tsc};
  TestAlarm& alarm = bench.alarm(it);
  ApicRig() {
    it.attach_timer(alarm);
    it.attach_pic(pic);
    it.attach_ioapic(ends);
    windows = {{&it, 4096}};
    actions = {
        [this](std::uint64_t r) {
          // Mostly registers that exist, written with plausible values.
          static constexpr std::array<std::uint32_t, 16> known = {
              0x80, 0xb0, 0xd0, 0xe0, 0xf0, 0x280, 0x300, 0x310, 0x320, 0x350, 0x370, 0x380, 0x390, 0x3e0, 0xf0, 0x320};
          const std::uint32_t offset = known[r & 15];
          if (r & 0x10) return it.read(offset, 4);
          it.write(offset, 4, offset == 0xf0 ? 0x1ff : offset >= 0xd0 && offset <= 0xe0 ? r : r >> 8 & 0x7'ffff);
          return std::uint64_t{0};
        },
        [this](std::uint64_t r) {
          std::uint64_t value = 0;
          const bool fine = it.read_msr(0x800 + (r & 0x3f), value);
          return value << 1 | fine;
        },
        [this](std::uint64_t r) { return std::uint64_t{it.write_msr(0x800 + (r & 0x3f), r >> 8 & 0xf'ffff)}; },
        [this](std::uint64_t r) { return std::uint64_t{r & 0x700 || it.write_msr(0x1b, 0xfee0'0000 | (r & 3) << 10)}; },
        [this](std::uint64_t r) {  // back to work
          std::uint64_t base = 0;
          it.read_msr(0x1b, base);
          if ((r & 3) == 0 && (base & 0x400)) it.write_msr(0x1b, 0xfee0'0000);
          it.write_msr(0x1b, base & 0x400 ? base : 0xfee0'0800);
          it.write(0xf0, 4, 0x1ff);
          it.write_msr(0x80f, 0x1ff);
          it.write(0x320, 4, (r >> 8 & 3) << 17 | 0x40 | (r >> 16 & 0x3f));
          it.write_msr(0x832, (r >> 8 & 3) << 17 | 0x40 | (r >> 16 & 0x3f));
          it.write(0x380, 4, r >> 20 & 0xfff);
          it.write_msr(0x838, r >> 20 & 0xfff);
          it.set_task_priority(0);
          return std::uint64_t{0};
        },
        [this](std::uint64_t r) {
          it.message(0xfee0'0000, static_cast<std::uint32_t>(r & 0x80f0));
          return std::uint64_t{it.interrupt_pending()};
        },
        [this](std::uint64_t) { return registers(); },
        [this](std::uint64_t r) {
          return std::uint64_t{it.write_msr(0x6e0, bench.clock.time.value + tsc.value + (r & 0xf'ffff) - 1000)};
        },
        [this](std::uint64_t r) {
          it.message(0xfee0'0000 | (r & 0xff) << 12 | (r >> 8 & 4), static_cast<std::uint32_t>(r >> 8));
          return std::uint64_t{0};
        },
        [this](std::uint64_t r) {
          it.lint0().set(r & 1);
          return std::uint64_t{0};
        },
        [this](std::uint64_t r) {
          it.set_task_priority(r & 15);
          return std::uint64_t{it.task_priority()};
        },
        [this](std::uint64_t) {
          return it.interrupt_pending() ? std::uint64_t{it.acknowledge()} : std::uint64_t{0x100};
        },
        [this](std::uint64_t) { return std::uint64_t{it.acknowledge()}; },
    };
  }
  /// Everything that can be read, as one number.
  std::uint64_t registers() {
    std::uint64_t all = it.interrupt_pending();
    for (std::uint32_t index = 0; index < 0x40; ++index) {
      std::uint64_t value = it.read(index * 16, 4);
      all = all * 0x100'0000'01b3 + value;
      if (it.read_msr(0x800 + index, value)) all = all * 0x100'0000'01b3 + value;
    }
    std::uint64_t deadline = 0;
    it.read_msr(0x6e0, deadline);
    return all * 0x100'0000'01b3 + deadline;
  }
  Device& device() override { return it; }
};

struct PitRig : Rig {
  TestLine& irq = bench.line();
  Pit8254 it{"pit", irq, bench.clock};
  TestAlarm& alarm = bench.alarm(it);
  PitRig() {
    it.attach(alarm);
    windows = {{&it, 4}};
    actions = {[this](std::uint64_t r) {
                 it.set_gate2(r & 1);
                 return std::uint64_t{it.output2()};
               },
               [this](std::uint64_t r) {  // a counter programmed as a guest would
                 const std::uint64_t channel = r & 2;
                 it.write(3, 1, channel << 6 | 0x30 | (r >> 8 & 0xf));
                 it.write(channel, 1, r >> 16 & 0xff);
                 it.write(channel, 1, r >> 24 & 0xff);
                 return std::uint64_t{irq.level};
               }};
  }
  Device& device() override { return it; }
};

/// Port 61h with its PIT; the contract is asked of both as one.
struct Port61Rig : Rig {
  struct Both final : Device {
    Pit8254 pit;
    Port61 port;
    Both(IrqLine& irq, ClockPort& clock) : pit("pit", irq, clock), port("port61", pit, clock) {}
    std::string_view name() const override { return "both"; }
    void reset() override {
      pit.reset();
      port.reset();
    }
    void visit(StateVisitor& v) override {
      pit.visit(v);
      port.visit(v);
    }
  };
  TestLine& line = bench.line();
  Both it{line, bench.clock};
  TestAlarm& alarm = bench.alarm(it.pit);
  Port61Rig() {
    it.pit.attach(alarm);
    windows = {{&it.pit, 4}, {&it.port, 1}};
  }
  Device& device() override { return it; }
};

struct RtcRig : Rig {
  TestLine& irq = bench.line();
  RtcCmos it{"rtc", irq, bench.clock, rtc_start};
  TestAlarm& alarm = bench.alarm(it);
  RtcRig() {
    it.attach(alarm);
    keeps_contents = true;
    windows = {{&it, 8}};
    actions = {[this](std::uint64_t r) {
      // A register that exists, by its index.
      it.write(0, 1, r & 15);
      if (r & 0x10) return it.read(1, 1);
      it.write(1, 1, r >> 8 & 0xff);
      return std::uint64_t{0};
    }};
  }
  Device& device() override { return it; }
};

struct PowerManagementRig : Rig {
  TestLine& sci = bench.line();
  PowerManagement it{"pm", sci, bench.power, bench.clock};
  TestAlarm& alarm = bench.alarm(it);
  PowerManagementRig() {
    it.attach(alarm);
    windows = {{&it.pm_block(), 6}, {&it.pm_block(), 64}, {&it.apm(), 2}, {&it.gpe(), 4}};
    actions = {[this](std::uint64_t) {
      it.press_power_button();
      return std::uint64_t{sci.level};
    }};
  }
  Device& device() override { return it; }
};

struct ResetControlRig : Rig {
  ResetControl it{"reset", bench.power};
  ResetControlRig() { windows = {{&it, 1}}; }
  Device& device() override { return it; }
};
struct Port92Rig : Rig {
  Port92 it{"port92", bench.power};
  Port92Rig() { windows = {{&it, 1}}; }
  Device& device() override { return it; }
};
struct DebugExitRig : Rig {
  DebugExit it{"exit", bench.power};
  DebugExitRig() { windows = {{&it, 4, 4}}; }
  Device& device() override { return it; }
};
struct DebugConsoleRig : Rig {
  DebugConsole it{"console", bench.effects};
  DebugConsoleRig() { windows = {{&it, 1}}; }
  Device& device() override { return it; }
};
struct ScratchPortRig : Rig {
  ScratchPort it{"scratch"};
  ScratchPortRig() { windows = {{&it, 16}}; }
  Device& device() override { return it; }
};
struct DmaStubRig : Rig {
  DmaStub it{"dma"};
  DmaStubRig() { windows = {{&it.controller(), 32}, {&it.pages(), 15}}; }
  Device& device() override { return it; }
};

template <class R>
std::unique_ptr<Rig> make_rig() {
  return std::make_unique<R>();
}
struct NamedRig {
  std::string_view name;
  std::unique_ptr<Rig> (*make)();
};
inline constexpr NamedRig legacy_rigs[] = {
    {"uart", make_rig<UartRig>},
    {"pic", make_rig<PicRig>},
    {"ioapic", make_rig<IoApicRig>},
    {"local apic", make_rig<ApicRig>},
    {"pit", make_rig<PitRig>},
    {"port 61h", make_rig<Port61Rig>},
    {"rtc", make_rig<RtcRig>},
    {"power management", make_rig<PowerManagementRig>},
    {"reset control", make_rig<ResetControlRig>},
    {"port 92h", make_rig<Port92Rig>},
    {"debug exit", make_rig<DebugExitRig>},
    {"debug console", make_rig<DebugConsoleRig>},
    {"scratch port", make_rig<ScratchPortRig>},
    {"dma stub", make_rig<DmaStubRig>},
};

}  // namespace lockstitch::test

// Claims about the power management block and the reset and power registers. Source: ACPI 6.4 4.8, PIIX4 datasheet.
#include <doctest/doctest.h>

#include "devices/timer/frequency.h"
#include "tests/contract/legacy/rigs.h"

using namespace lockstitch;
using namespace lockstitch::test;

namespace {
struct Pm : PowerManagementRig {
  std::uint64_t get(std::uint64_t offset, unsigned width = 2) { return it.pm_block().read(offset, width); }
  void put(std::uint64_t offset, std::uint64_t value, unsigned width = 2) { it.pm_block().write(offset, width, value); }
};
constexpr std::uint64_t second = 1'000'000'000;
}  // namespace

TEST_CASE("the ACPI timer runs at 3 579 545 Hz, has 24 bits and wraps") {
  Pm p;
  p.bench.jump(second);
  CHECK(p.get(8, 4) == 3'579'545);
  p.bench.jump(4 * second);
  CHECK(p.get(8, 4) == (5 * 3'579'545 & 0xff'ffff));
  p.put(8, 0, 4);
  CHECK(p.get(8, 4) == (5 * 3'579'545 & 0xff'ffff));
}

TEST_CASE("each toggle of the ACPI timer's bit 23 raises the SCI, if it is enabled") {
  Pm p;
  const std::uint64_t half = time_of_cycle(1 << 23, pm_timer_hz).value;
  p.put(2, 1);
  p.bench.advance(half - 1);
  CHECK(!p.sci.level);
  CHECK((p.get(8, 4) & 0x80'0000) == 0);
  p.bench.advance(1);
  CHECK(p.sci.level);
  CHECK(p.get(8, 4) == 0x80'0000);
  CHECK(p.get(0) == 1);
  p.put(0, 1);
  CHECK(!p.sci.level);
  p.bench.advance(half);
  CHECK(p.sci.level);
  CHECK(p.get(8, 4) < 10);
  p.put(2, 0);
  CHECK(!p.sci.level);
  CHECK(p.get(0) == 1);
}

TEST_CASE("the timer status rises without its interrupt and without an alarm") {
  Pm p;
  p.bench.advance(3 * second);
  CHECK(p.alarm.rung == 0);
  CHECK(p.get(0) == 1);
  p.put(2, 1);
  CHECK(p.sci.level);
}

TEST_CASE("the power button raises the SCI until its status is cleared") {
  Pm p;
  p.it.press_power_button();
  CHECK(p.get(0) == 0x100);
  CHECK(!p.sci.level);
  p.put(2, 0x100);
  CHECK(p.sci.level);
  p.put(0, 0x20);  // another bit
  CHECK(p.sci.level);
  p.put(0, 0x100);
  CHECK(!p.sci.level);
}

TEST_CASE("SLP_EN with type 0 turns the machine off, by word and by byte; another type wakes at once") {
  Pm p;
  p.put(4, 0x2001);
  CHECK(p.bench.power.offs == 1);
  CHECK(p.get(4) == 1);  // SLP_EN reads 0
  p.put(5, 0x20, 1);
  CHECK(p.bench.power.offs == 2);
  p.put(4, 0x0001);
  p.put(4, 0x2401);
  CHECK(p.bench.power.offs == 2);
  CHECK(p.get(0) == 0x8000);
}

TEST_CASE("the SMI command port turns ACPI on and off") {
  Pm p;
  p.it.apm().write(0, 1, 0xf1);
  CHECK(p.get(4) == 1);
  CHECK(p.it.apm().read(0, 1) == 0xf1);
  p.it.apm().write(0, 1, 0xf0);
  CHECK(p.get(4) == 0);
  p.it.apm().write(1, 1, 0x77);
  CHECK(p.it.apm().read(1, 1) == 0x77);
}

TEST_CASE("the GPE block has enables and no events") {
  Pm p;
  p.it.gpe().write(0, 4, 0xffff'ffff);
  CHECK(p.it.gpe().read(0, 4) == 0xffff'0000);
  CHECK(!p.sci.level);
}

TEST_CASE("CF9 resets on bit 2 and keeps bit 1; port 92h resets on bit 0 and has A20 on") {
  ResetControlRig r;
  r.it.write(0, 1, 2);
  CHECK(r.it.read(0, 1) == 2);
  CHECK(r.bench.power.resets == 0);
  r.it.write(0, 1, 6);
  CHECK(r.bench.power.resets == 1);

  Port92Rig p;
  CHECK(p.it.read(0, 1) == 2);
  p.it.write(0, 1, 0x10);
  CHECK(p.it.read(0, 1) == 0x12);
  CHECK(p.bench.power.resets == 0);
  p.it.write(0, 1, 3);
  CHECK(p.bench.power.resets == 1);
}

TEST_CASE("the debug ports pass on what is written to them") {
  DebugExitRig e;
  e.it.write(0, 4, 0x1'0203);
  e.it.write(1, 1, 9);
  CHECK(e.bench.power.exits == std::vector<std::uint8_t>{3});

  DebugConsoleRig c;
  CHECK((c.it.read(0, 1) & 0xff) == 0xe9);
  c.it.write(0, 1, 'o');
  c.it.write(0, 1, 'k');
  CHECK(c.bench.effects.text() == "ok");
}

TEST_CASE("latches and DMA pages keep what is written, the DMA controllers are idle") {
  ScratchPortRig s;
  s.it.write(0, 1, 0x42);
  CHECK(s.it.read(0, 1) == 0x42);
  DmaStubRig d;
  d.it.pages().write(6, 1, 0x9a);
  CHECK(d.it.pages().read(6, 1) == 0x9a);
  d.it.controller().write(8, 1, 0xff);
  CHECK(d.it.controller().read(8, 1) == 0);
}

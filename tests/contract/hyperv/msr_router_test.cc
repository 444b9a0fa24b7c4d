// Claims about the way of MSR accesses and interrupts, with a real local APIC.
#include "devices/hyperv/msr_router.h"

#include <doctest/doctest.h>

#include "tests/contract/hyperv/hyperv_rig.h"

using namespace lockstitch;
using namespace lockstitch::test;

namespace {
struct Routed {
  Bench bench;
  TestMemory& memory = bench.memory(HypervRig::memory_bytes);
  LocalApic apic{"lapic", 0, bench.signals, bench.clock};
  TestAlarm& apic_alarm = bench.alarm(apic);
  HypervInterface hyperv{"hyperv", memory, bench.clock, apic, bench.effects};
  TestAlarm& alarm = bench.alarm(hyperv);
  MsrRouter it{apic, hyperv};
  Routed() {
    apic.attach_timer(apic_alarm);
    hyperv.attach(alarm);
    apic.write(0xf0, 4, 0x1ff);
  }
  std::uint64_t get(std::uint32_t index) {
    std::uint64_t value = 0;
    REQUIRE(it.read_msr(index, value));
    return value;
  }
  bool in_service(unsigned vector) { return apic.read(0x100 + vector / 32 * 16, 4) >> (vector % 32) & 1; }
  void expire(unsigned source, std::uint64_t value) {
    it.write_msr(scontrol, 1);
    it.write_msr(simp, HypervRig::message_page | 1);
    it.write_msr(sint0 + source, value);
    it.write_msr(stimer_config, 1 | std::uint64_t{source} << 16);
    it.write_msr(stimer_count, bench.clock.time.value / 100 + 10);
    bench.advance(2000);
  }
};
constexpr std::uint64_t auto_eoi = 1 << 17;
}  // namespace

TEST_CASE("each MSR goes to whom it belongs") {
  Routed r;
  std::uint64_t value = 0;
  CHECK(r.get(0x1b) == 0xfee0'0900);
  CHECK(r.get(tsc_frequency) == 1'000'000'000);
  CHECK_FALSE(r.it.read_msr(0x3fff'ffff, value));
  CHECK_FALSE(r.it.read_msr(0x4000'0200, value));
  CHECK_FALSE(r.it.write_msr(0x4000'0020, 0));
  CHECK(r.it.write_msr(0x1b, 0xfee0'0d00));
  CHECK(r.get(0x803) == 0x5'0014);
  r.it.set_task_priority(5);
  CHECK(r.it.task_priority() == 5);
  CHECK(r.apic.task_priority() == 5);
}

TEST_CASE("what the engine tells of the TSC reaches the reference page") {
  Routed r;
  REQUIRE(r.it.write_msr(0x10, 5'000));
  REQUIRE(r.it.write_msr(reference_tsc, HypervRig::tsc_page | 1));
  CHECK(r.memory.ram[HypervRig::tsc_page + 16] == 256 - 50);
}

TEST_CASE("a timer's interrupt stays in service until its EOI") {
  Routed r;
  r.expire(2, 0x52);
  REQUIRE(r.it.interrupt_pending());
  CHECK(r.it.acknowledge() == 0x52);
  CHECK(r.in_service(0x52));
}

TEST_CASE("an interrupt of a source with AutoEOI is over as soon as it is taken, in both modes of the APIC") {
  for (const bool x2apic : {false, true}) {
    CAPTURE(x2apic);
    Routed r;
    r.apic.message(0xfee0'0000, 0x31);
    CHECK(r.it.acknowledge() == 0x31);
    if (x2apic) REQUIRE(r.it.write_msr(0x1b, 0xfee0'0d00));
    r.expire(2, 0x52 | auto_eoi);
    REQUIRE(r.it.interrupt_pending());
    CHECK(r.it.acknowledge() == 0x52);
    CHECK_FALSE(r.it.interrupt_pending());
    // The one below is still being served.
    r.apic.message(0xfee0'0000, 0x32);
    CHECK_FALSE(r.it.interrupt_pending());
    r.apic.message(0xfee0'0000, 0x42);
    CHECK(r.it.interrupt_pending());
  }
}

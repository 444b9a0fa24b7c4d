// Claims about the local APIC's interrupt logic, its two faces and its modes. The timer has its own file.
// Source: SDM 3A chapter 10.
#include <doctest/doctest.h>

#include "tests/contract/legacy/rigs.h"

using namespace lockstitch;
using namespace lockstitch::test;

namespace {
constexpr std::uint64_t disabled_mode = 0xfee0'0100, xapic_mode = 0xfee0'0900, x2apic_mode = 0xfee0'0d00;

struct Apic : ApicRig {
  Apic() { put(0xf0, 0x1ff); }
  std::uint32_t get(std::uint32_t offset) { return static_cast<std::uint32_t>(it.read(offset, 4)); }
  void put(std::uint32_t offset, std::uint32_t value) { it.write(offset, 4, value); }
  void fixed(std::uint8_t vector, bool level = false) { it.message(0xfee0'0000, vector | (level ? 0xc000u : 0u)); }
  void end() { put(0xb0, 0); }
  bool msr(std::uint32_t index, std::uint64_t value) { return it.write_msr(index, value); }
  std::uint64_t msr(std::uint32_t index) {
    std::uint64_t value = 0;
    REQUIRE(it.read_msr(index, value));
    return value;
  }
  bool readable(std::uint32_t index) {
    std::uint64_t value = 0;
    return it.read_msr(index, value);
  }
};
}  // namespace

TEST_CASE("after power-on the local APIC is on, software-disabled, and wires the PIC through") {
  ApicRig r;
  std::uint64_t base = 0;
  CHECK(r.it.read_msr(0x1b, base));
  CHECK(base == xapic_mode);
  CHECK(r.it.read(0xf0, 4) == 0xff);
  CHECK(r.it.read(0x30, 4) == 0x0005'0014);
  r.it.message(0xfee0'0000, 0x40);
  CHECK(!r.it.interrupt_pending());
  r.it.lint0().set(true);
  CHECK(r.it.interrupt_pending());
  CHECK(r.it.acknowledge() == 0x30);
  CHECK(r.pic.acknowledges == 1);
  r.it.lint0().set(false);
  CHECK(!r.it.interrupt_pending());
}

TEST_CASE("the highest requested vector comes first, and only a higher class interrupts a service") {
  Apic a;
  a.fixed(0x41);
  a.fixed(0x45);
  CHECK(a.it.acknowledge() == 0x45);
  CHECK(!a.it.interrupt_pending());  // 41h is of the same class
  a.fixed(0x4f);
  CHECK(!a.it.interrupt_pending());
  a.fixed(0x51);
  CHECK(a.it.acknowledge() == 0x51);
  CHECK(a.get(0xa0) == 0x50);
  CHECK(a.get(0x120) == (1u << 5 | 1u << 17));  // ISR 40h-5Fh: 45h and 51h
  a.end();
  CHECK(a.get(0xa0) == 0x40);
  CHECK(!a.it.interrupt_pending());
  a.end();
  CHECK(a.it.acknowledge() == 0x4f);
}

TEST_CASE("the task priority holds back its class and those below, through MMIO and CR8 alike") {
  Apic a;
  a.fixed(0x51);
  a.put(0x80, 0x50);
  CHECK(!a.it.interrupt_pending());
  CHECK(a.it.task_priority() == 5);
  a.it.set_task_priority(4);
  CHECK(a.it.interrupt_pending());
  CHECK(a.get(0x80) == 0x40);
  CHECK(a.get(0xa0) == 0x40);
}

TEST_CASE("an acknowledge without a request yields the spurious vector, which is not in service") {
  Apic a;
  a.put(0xf0, 0x1ef);
  CHECK(a.it.acknowledge() == 0xef);
  CHECK(a.get(0x170) == 0);
}

TEST_CASE("the end of a level-triggered interrupt is told to the I/O APIC, of an edge it is not") {
  Apic a;
  a.fixed(0x61, true);
  CHECK((a.get(0x1b0) & 2) != 0);
  a.it.acknowledge();
  a.end();
  CHECK(a.ends.vectors == std::vector<std::uint8_t>{0x61});
  a.fixed(0x61);
  a.it.acknowledge();
  a.end();
  CHECK(a.ends.vectors.size() == 1);
  a.end();  // with nothing in service
  CHECK(a.ends.vectors.size() == 1);
}

TEST_CASE("a level-triggered wire goes through both APICs until its device is quiet") {
  struct Board {
    Bench bench;
    LocalApic lapic{"lapic", 0, bench.signals, bench.clock};
    IoApic ioapic{"ioapic", lapic};
    TestAlarm& alarm = bench.alarm(lapic);
    Board() {
      lapic.attach_timer(alarm);
      lapic.attach_ioapic(ioapic);
      lapic.write(0xf0, 4, 0x1ff);
      ioapic.write(0, 4, 0x10 + 2 * 9);
      ioapic.write(0x10, 4, 0x8039);
    }
  } b;
  b.ioapic.input(9).set(true);
  for (int i = 0; i < 3; ++i) {
    REQUIRE(b.lapic.interrupt_pending());
    CHECK(b.lapic.acknowledge() == 0x39);
    CHECK(!b.lapic.interrupt_pending());
    if (i == 2) b.ioapic.input(9).set(false);
    b.lapic.write(0xb0, 4, 0);
  }
  CHECK(!b.lapic.interrupt_pending());
}

TEST_CASE("a PIC interrupt passes through LINT0 only while its entry says external and is open") {
  Apic a;
  a.it.lint0().set(true);
  CHECK(a.it.interrupt_pending());
  a.put(0x350, 0x1'0700);
  CHECK(!a.it.interrupt_pending());
  a.put(0x350, 0x700);
  CHECK(a.it.interrupt_pending());
  a.put(0xf0, 0xff);  // software disable masks every entry
  CHECK(a.get(0x350) == 0x1'0700);
  CHECK(!a.it.interrupt_pending());
  CHECK(a.msr(0x1b, disabled_mode));  // and without an APIC the PIC has the CPU for itself
  CHECK(a.it.interrupt_pending());
}

TEST_CASE("an external interrupt goes before the APIC's own and past the task priority") {
  Apic a;
  a.it.set_task_priority(15);
  a.fixed(0xf1);
  CHECK(!a.it.interrupt_pending());
  a.it.lint0().set(true);
  CHECK(a.it.interrupt_pending());
  CHECK(a.it.acknowledge() == a.pic.vector);
}

TEST_CASE("LINT0 in fixed or NMI mode delivers on the rise") {
  Apic a;
  a.put(0x350, 0x77);
  a.it.lint0().set(true);
  CHECK(a.it.acknowledge() == 0x77);
  a.it.lint0().set(false);
  a.put(0x350, 0x400);
  a.it.lint0().set(true);
  CHECK(a.bench.signals.nmis == 1);
}

TEST_CASE("a message reaches the CPU it names: physical, broadcast, logical flat and cluster") {
  Apic a;
  auto reaches = [&a](std::uint64_t address) {
    a.it.message(address, 0x71);
    const bool got = a.it.interrupt_pending();
    if (got) {
      a.it.acknowledge();
      a.end();
    }
    return got;
  };
  CHECK(reaches(0xfee0'0000));
  CHECK(!reaches(0xfee0'1000));
  CHECK(reaches(0xfeef'f000));
  CHECK(!reaches(0xfee0'1004));  // no logical id yet
  a.put(0xd0, 0x0200'0000);
  CHECK(reaches(0xfee0'3004));
  CHECK(!reaches(0xfee0'1004));
  a.put(0xe0, 0x0fff'ffff);  // cluster
  a.put(0xd0, 0x3200'0000);
  CHECK(reaches(0xfee3'2004));
  CHECK(!reaches(0xfee2'2004));
  CHECK(!reaches(0xfee3'1004));
}

TEST_CASE("NMI, INIT and start-up reach the CPU; INIT leaves a software-disabled APIC") {
  Apic a;
  a.it.message(0xfee0'0000, 0x400);
  CHECK(a.bench.signals.nmis == 1);
  a.put(0x310, 0);
  a.put(0x300, 0x0000'0612);  // start-up to id 0
  CHECK(a.bench.signals.startups == std::vector<std::uint8_t>{0x12});
  a.put(0x300, 0x0000'8500);  // INIT level de-assert: nothing
  CHECK(a.bench.signals.inits == 0);
  a.put(0x300, 0x0000'c500);
  CHECK(a.bench.signals.inits == 1);
  CHECK(a.get(0xf0) == 0xff);
}

TEST_CASE("an IPI goes to itself by name, shorthand and broadcast, and to others nowhere") {
  Apic a;
  auto arrives = [&a](std::uint32_t low, std::uint32_t high = 0) {
    a.put(0x310, high);
    a.put(0x300, low);
    const bool got = a.it.interrupt_pending();
    if (got) {
      CHECK(a.it.acknowledge() == (low & 0xff));
      a.end();
    }
    return got;
  };
  CHECK(arrives(0x0'0081));
  CHECK(arrives(0x4'0082));
  CHECK(arrives(0x8'0083));
  CHECK(!arrives(0xc'0084));
  CHECK(!arrives(0x0'0085, 0x0300'0000));
  CHECK(arrives(0x0'0086, 0xff00'0000));
  CHECK((a.get(0x300) & 0x1000) == 0);
}

TEST_CASE("illegal vectors and registers are errors, reported after ESR is written, by interrupt if asked") {
  Apic a;
  a.put(0x370, 0xe3);
  a.put(0x300, 0x4'0005);
  CHECK(a.it.acknowledge() == 0xe3);
  a.end();
  CHECK(a.get(0x280) == 0);
  a.put(0x280, 0);
  CHECK(a.get(0x280) == 0x20);
  a.fixed(0x0f);
  a.get(0x3d0);
  a.put(0x280, 0);
  CHECK(a.get(0x280) == 0xc0);
  a.put(0x280, 0);
  CHECK(a.get(0x280) == 0);
}

TEST_CASE("an error entry with an illegal vector does not run in circles") {
  Apic a;
  a.put(0x370, 0x01);
  a.fixed(0x02);
  a.put(0x280, 0);
  CHECK(a.get(0x280) == 0x40);
}

TEST_CASE("registers take only aligned 32-bit writes") {
  Apic a;
  a.it.write(0x80, 1, 0x30);
  a.it.write(0x84, 4, 0x30);
  CHECK(a.get(0x80) == 0);
  a.put(0x80, 0x1234'5630);
  CHECK(a.get(0x80) == 0x30);
  CHECK((a.it.read(0x31, 1) & 0xff) == 0);
  CHECK((a.it.read(0x32, 2) & 0xffff) == 5);
}

TEST_CASE("APIC_BASE allows off, xAPIC, x2APIC in that order and refuses all other steps") {
  Apic a;
  CHECK(!a.msr(0x1b, 0xfee0'0500));  // x2APIC without enable
  CHECK(!a.msr(0x1b, xapic_mode | 1));
  CHECK(!a.msr(0x1b, xapic_mode | 1ull << 52));
  CHECK(a.msr(0x1b, x2apic_mode));
  CHECK(a.msr(0x1b) == x2apic_mode);
  CHECK(!a.msr(0x1b, xapic_mode));  // not straight back
  CHECK(a.msr(0x1b, disabled_mode));
  CHECK(!a.msr(0x1b, x2apic_mode));  // not straight there
  CHECK(a.msr(0x1b, xapic_mode));
  CHECK(a.get(0xf0) == 0xff);  // a new start
}

TEST_CASE("the memory-mapped registers exist in xAPIC mode only, the MSRs in x2APIC mode only") {
  Apic a;
  CHECK(!a.readable(0x802));
  CHECK(!a.msr(0x808, 0));
  a.put(0x80, 0x20);
  CHECK(a.msr(0x1b, x2apic_mode));
  CHECK(a.get(0x80) == 0xffff'ffff);
  a.put(0x80, 0x50);
  CHECK(a.msr(0x808) == 0x20);
  CHECK(a.msr(0x1b, disabled_mode));
  CHECK(a.get(0x30) == 0xffff'ffff);
  CHECK(!a.readable(0x803));
}

TEST_CASE("x2APIC faults on absent registers, wrong direction and reserved bits") {
  Apic a;
  REQUIRE(a.msr(0x1b, x2apic_mode));
  for (std::uint32_t absent : {0x800u, 0x801u, 0x809u, 0x80eu, 0x82fu, 0x831u, 0x83du, 0x840u, 0x8ffu}) {
    CAPTURE(absent);
    CHECK(!a.readable(absent));
    CHECK(!a.msr(absent, 0));
  }
  for (std::uint32_t read_only : {0x802u, 0x803u, 0x80au, 0x80du, 0x810u, 0x827u, 0x839u}) {
    CAPTURE(read_only);
    CHECK(a.readable(read_only));
    CHECK(!a.msr(read_only, 0));
  }
  CHECK(!a.readable(0x80b));
  CHECK(!a.readable(0x83f));
  CHECK(!a.msr(0x80b, 1));
  CHECK(!a.msr(0x828, 1));
  CHECK(!a.msr(0x808, 0x100));
  CHECK(!a.msr(0x80f, 0x1000));
  CHECK(!a.msr(0x83e, 0x10));
  CHECK(!a.msr(0x832, 0x8'0000));
  CHECK(!a.msr(0x838, 1ull << 32));
  CHECK(!a.msr(0x830, 0x2000));
  CHECK(a.msr(0x828, 0));
  CHECK(a.msr(0x80b, 0));
}

TEST_CASE("x2APIC interrupts, ends and sends IPIs through MSRs") {
  Apic a;
  REQUIRE(a.msr(0x1b, x2apic_mode));
  CHECK(a.msr(0x802) == 0);
  CHECK(a.msr(0x80d) == 1);
  CHECK(a.msr(0x83f, 0x91));
  CHECK(a.it.acknowledge() == 0x91);
  CHECK(a.msr(0x814) == (1u << 17));
  CHECK(a.msr(0x80b, 0));
  CHECK(a.msr(0x814) == 0);
  CHECK(a.msr(0x830, 0x0000'0000'0000'0092));
  CHECK(a.it.acknowledge() == 0x92);
  a.msr(0x80b, 0);
  CHECK(a.msr(0x830, 0x0000'0001'0000'0893));  // logical: cluster 0, member 0
  CHECK(a.it.acknowledge() == 0x93);
  a.msr(0x80b, 0);
  CHECK(a.msr(0x830, 0x0000'0005'0000'0094));
  CHECK(!a.it.interrupt_pending());
  CHECK(a.msr(0x830) == 0x0000'0005'0000'0094);
}

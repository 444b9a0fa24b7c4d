// Claims about the registers that stand alone: identity, hypercall page, pages, frequencies, crash report.
#include <doctest/doctest.h>

#include "tests/contract/hyperv/hyperv_rig.h"

using namespace lockstitch;
using namespace lockstitch::test;

TEST_CASE("what is not offered is refused") {
  HypervRig r;
  for (const std::uint32_t index : {0x4000'0003u, 0x4000'0024u, 0x4000'0070u, 0x4000'0071u, 0x4000'0072u, 0x4000'0074u,
                                    0x4000'0085u, 0x4000'00a0u, 0x4000'00b8u, 0x4000'0106u, 0x4000'01ffu, 0x10u}) {
    CAPTURE(index);
    CHECK(r.refuses_read(index));
    CHECK_FALSE(r.put(index, 0));
  }
  for (const std::uint32_t index :
       {+vp_index, +vp_runtime, +time_ref_count, +tsc_frequency, +apic_frequency, +sversion}) {
    CAPTURE(index);
    CHECK_FALSE(r.refuses_read(index));
    CHECK_FALSE(r.put(index, 0));
  }
}

TEST_CASE("the fixed registers") {
  HypervRig r;
  CHECK(r.get(vp_index) == 0);
  CHECK(r.get(tsc_frequency) == 1'000'000'000);
  CHECK(r.get(apic_frequency) == 1'000'000'000);
  CHECK(r.get(sversion) == 1);
  CHECK(r.get(crash_control) == 1ull << 63);
  r.bench.clock.time = {12'345'699};
  CHECK(r.get(time_ref_count) == 123'456);
}

TEST_CASE("the hypercall page needs a guest identity and holds code that refuses every call") {
  HypervRig r;
  r.put(hypercall, page_bytes | 1);
  CHECK(r.get(hypercall) == page_bytes);
  CHECK(r.word(page_bytes) == 0);
  r.put(guest_os_id, 0x8100'0000'0000'0000);
  CHECK(r.put(hypercall, page_bytes | 1));
  CHECK(r.get(hypercall) == (page_bytes | 1));
  const std::vector<std::uint8_t> code(r.memory.ram.begin() + page_bytes, r.memory.ram.begin() + page_bytes + 8);
  CHECK(code == std::vector<std::uint8_t>{0xb8, 2, 0, 0, 0, 0x31, 0xd2, 0xc3});
  r.put(guest_os_id, 0);
  CHECK(r.get(hypercall) == page_bytes);
}

TEST_CASE("a locked hypercall page stays where it is until a reset") {
  HypervRig r;
  r.put(guest_os_id, 1);
  r.put(hypercall, page_bytes | 3);
  CHECK(r.put(hypercall, 0));
  CHECK(r.get(hypercall) == (page_bytes | 3));
  r.it.reset();
  CHECK(r.get(hypercall) == 0);
}

TEST_CASE("a page that is not RAM is refused") {
  HypervRig r;
  r.put(guest_os_id, 1);
  for (const std::uint32_t index : {+hypercall, +reference_tsc, +vp_assist_page, +siefp, +simp}) {
    CAPTURE(index);
    for (const std::uint64_t page : {HypervRig::memory_bytes, std::uint64_t{1} << 40, ~page_mask}) {
      CHECK_FALSE(r.put(index, page | 1));
      CHECK(r.get(index) == 0);
      CHECK(r.put(index, page));  // not enabled: only stored
      r.put(index, 0);
    }
  }
}

TEST_CASE("pages that the guest and the hypervisor share start empty") {
  HypervRig r;
  for (const std::uint32_t index : {+vp_assist_page, +siefp, +simp}) {
    CAPTURE(index);
    std::fill_n(r.memory.ram.begin() + page_bytes, page_bytes, std::uint8_t{0xff});
    r.put(index, page_bytes | 1);
    CHECK(r.word(page_bytes) == 0);
    CHECK(r.word(2 * page_bytes - 8) == 0);
    r.put_word(page_bytes, 5, 8);
    r.put(index, page_bytes | 1);  // as before: nothing new
    CHECK(r.word(page_bytes) == 5);
  }
}

TEST_CASE("a crash is reported with its five parameters when the guest says so") {
  HypervRig r;
  for (std::uint32_t i = 0; i < 5; ++i) r.put(crash_p0 + i, 0x1111'2222'3333'4440 + i);
  CHECK(r.get(crash_p0 + 3) == 0x1111'2222'3333'4443);
  r.put(crash_control, 0);
  CHECK(r.bench.effects.messages.empty());
  r.put(crash_control, 1ull << 63);
  REQUIRE(r.bench.effects.messages.size() == 1);
  const auto& report = r.bench.effects.messages[0];
  REQUIRE(report.size() == 48);
  for (unsigned i = 0; i < 5; ++i) {
    CHECK(report[8 * i] == 0x40 + i);
    CHECK(report[8 * i + 7] == 0x11);
  }
  CHECK(report[40] == 0);
  CHECK(report[47] == 0x80);
  CHECK(r.it.crashes() == 1);
}

TEST_CASE("the reference page gives what the counter gives, at any time in seven years") {
  HypervRig r;
  REQUIRE(r.put(reference_tsc, HypervRig::tsc_page | 1));
  CHECK(r.word(HypervRig::tsc_page, 4) == 1);
  CHECK(r.word(HypervRig::tsc_page + 4, 4) == 0);
  std::uint64_t state = 0x9e37'79b9'7f4a'7c15;
  for (unsigned i = 0; i < 200'000; ++i) {
    state = state * 6'364'136'223'846'793'005 + 1'442'695'040'888'963'407;
    // All magnitudes, and both sides of a step.
    std::uint64_t ns = (state >> 7) >> (i % 57);
    if (i % 3 == 0) ns = ns / 100 * 100;
    if (i % 3 == 1) ns = ns / 100 * 100 + 99;
    r.bench.clock.time = {ns};
    REQUIRE(r.page_time(ns) == r.get(time_ref_count));
  }
}

TEST_CASE("the page follows a TSC that the guest writes, with a new sequence number") {
  HypervRig r;
  r.bench.clock.time = {5'000'000'000};
  REQUIRE(r.put(reference_tsc, HypervRig::tsc_page | 1));
  std::uint32_t sequence = 1;
  // The new TSC.
  for (const std::uint64_t tsc :
       {std::uint64_t{0}, std::uint64_t{100}, std::uint64_t{1'000'000'000'000}, std::uint64_t{7'777'777'777'700}}) {
    CAPTURE(tsc);
    r.bench.clock.time = {(r.bench.clock.time.value / 100 + 10'000'000) * 100};
    const std::uint64_t offset = tsc - r.bench.clock.time.value;
    r.it.set_tsc_offset(offset);
    CHECK(r.word(HypervRig::tsc_page, 4) == ++sequence);
    for (const std::uint64_t later : {0u, 99u, 100u, 12'345u, 999'999'999u}) {
      r.bench.clock.time = r.bench.clock.time + later;
      REQUIRE(r.page_time(r.bench.clock.time.value + offset) == r.get(time_ref_count));
    }
  }
  r.it.set_tsc_offset(r.bench.clock.time.value);
  const std::uint32_t last = static_cast<std::uint32_t>(r.word(HypervRig::tsc_page, 4));
  r.it.set_tsc_offset(r.bench.clock.time.value);  // nothing new
  CHECK(r.word(HypervRig::tsc_page, 4) == last);
}

TEST_CASE("with an uneven TSC the page is never behind the counter and at most one unit ahead") {
  HypervRig r;
  r.bench.clock.time = {1'234'567'890'123};
  REQUIRE(r.put(reference_tsc, HypervRig::tsc_page | 1));
  for (const std::uint64_t offset : {std::uint64_t{37}, 0 - std::uint64_t{1'234'567'890'001}, std::uint64_t{1} << 40}) {
    CAPTURE(offset);
    r.it.set_tsc_offset(offset);
    for (unsigned i = 0; i < 1000; ++i) {
      r.bench.clock.time = r.bench.clock.time + i;
      const std::uint64_t page = r.page_time(r.bench.clock.time.value + offset), counter = r.get(time_ref_count);
      REQUIRE(page >= counter);
      REQUIRE(page <= counter + 1);
    }
  }
}

TEST_CASE("a reference page that is switched on late knows the TSC's offset") {
  HypervRig r;
  r.it.set_tsc_offset(700);
  r.put(reference_tsc, HypervRig::tsc_page);
  CHECK(r.word(HypervRig::tsc_page) == 0);
  r.put(reference_tsc, HypervRig::tsc_page | 1);
  r.bench.clock.time = {123'456'789};
  CHECK(r.page_time(123'456'789 + 700) == 1'234'567);
}

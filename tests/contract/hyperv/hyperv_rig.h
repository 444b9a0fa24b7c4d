// The hypervisor interface on its bench, and what a guest does with it.
#pragma once
#include "devices/hyperv/hyperv_interface.h"
#include "tests/contract/support/rig.h"

namespace lockstitch::test {

__extension__ typedef unsigned __int128 Wide128;

/// The MSRs by their names in the specification.
enum HypervMsr : std::uint32_t {
  guest_os_id = 0x4000'0000,
  hypercall = 0x4000'0001,
  vp_index = 0x4000'0002,
  vp_runtime = 0x4000'0010,
  time_ref_count = 0x4000'0020,
  reference_tsc = 0x4000'0021,
  tsc_frequency = 0x4000'0022,
  apic_frequency = 0x4000'0023,
  vp_assist_page = 0x4000'0073,
  scontrol = 0x4000'0080,
  sversion = 0x4000'0081,
  siefp = 0x4000'0082,
  simp = 0x4000'0083,
  eom = 0x4000'0084,
  sint0 = 0x4000'0090,
  stimer_config = 0x4000'00b0,  ///< + 2n
  stimer_count = 0x4000'00b1,   ///< + 2n
  crash_p0 = 0x4000'0100,
  crash_control = 0x4000'0105,
};

struct HypervRig : Rig {
  static constexpr std::uint64_t memory_bytes = 8 * page_bytes;
  static constexpr Gpa message_page = 3 * page_bytes, tsc_page = 2 * page_bytes;

  TestMemory& memory = bench.memory(memory_bytes);
  HypervInterface it{"hyperv", memory, bench.clock, bench.msi, bench.effects};
  TestAlarm& alarm = bench.alarm(it);

  HypervRig() {
    it.attach(alarm);
    actions = {
        [this](std::uint64_t r) {
          std::uint64_t value = 0;
          const bool fine = it.read_msr(any_msr(r), value);
          return value << 1 | fine;
        },
        [this](std::uint64_t r) { return std::uint64_t{it.write_msr(any_msr(r), r >> 10)}; },
        [this](std::uint64_t r) {  // a page somewhere, perhaps not in RAM
          static constexpr std::array<std::uint32_t, 5> pages = {hypercall, reference_tsc, vp_assist_page, siefp, simp};
          it.write_msr(guest_os_id, r >> 4 & 3);
          return std::uint64_t{it.write_msr(pages[r % pages.size()], (r >> 8) % 10 * page_bytes | (r >> 16 & 1))};
        },
        [this](std::uint64_t r) {  // everything ready for messages
          it.write_msr(scontrol, 1);
          it.write_msr(simp, message_page | 1);
          return std::uint64_t{it.write_msr(sint0 + 1 + (r & 1), 0x40 | (r >> 8 & 0x3'000f))};
        },
        [this](std::uint64_t r) {  // a timer as a guest would set it
          const auto n = static_cast<std::uint32_t>(r & 3) * 2;
          it.write_msr(stimer_config + n, (r >> 2 & 0x100f) | 0x500 | (1 + (r >> 16 & 1)) << 16);
          const std::uint64_t now = bench.clock.time.value / 100, span = r >> 17 & 0x3ff;
          it.write_msr(stimer_count + n, r & 8 ? span : now + span - 4);
          return now;
        },
        [this](std::uint64_t r) {  // the guest empties a slot
          const std::uint64_t slot = message_page + (1 + (r & 1)) * 256;
          const std::uint32_t type = memory.ram[slot] | std::uint32_t{memory.ram[slot + 3]} << 24;
          std::fill_n(memory.ram.begin() + static_cast<std::ptrdiff_t>(slot), 4, std::uint8_t{0});
          if (r & 6) it.write_msr(eom, 0);
          return std::uint64_t{type};
        },
        [this](std::uint64_t r) {
          it.set_tsc_offset(r & 1 ? r : 0 - r);
          return page_time(bench.clock.time.value + (r & 1 ? r : 0 - r));
        },
    };
  }
  Device& device() override { return it; }

  static std::uint32_t any_msr(std::uint64_t r) {
    static constexpr std::array<std::uint32_t, 12> bases = {0x4000'0000, 0x4000'0010, 0x4000'0020, 0x4000'0070,
                                                            0x4000'0080, 0x4000'0080, 0x4000'0090, 0x4000'00b0,
                                                            0x4000'00b0, 0x4000'00b0, 0x4000'0100, 0x4000'01f8};
    return bases[(r & 63) % bases.size()] + static_cast<std::uint32_t>(r >> 6 & 15);
  }

  std::uint64_t get(std::uint32_t index) {
    std::uint64_t value = 0;
    return it.read_msr(index, value) ? value : 0xbad0'bad0'bad0'bad0;
  }
  bool refuses_read(std::uint32_t index) {
    std::uint64_t value = 0;
    return !it.read_msr(index, value);
  }
  bool put(std::uint32_t index, std::uint64_t value) { return it.write_msr(index, value); }

  std::uint64_t word(Gpa at, unsigned bytes = 8) const {
    std::uint64_t value = 0;
    for (unsigned i = 0; i < bytes; ++i) value |= std::uint64_t{memory.ram[at + i]} << (8 * i);
    return value;
  }
  void put_word(Gpa at, std::uint64_t value, unsigned bytes) {
    for (unsigned i = 0; i < bytes; ++i) memory.ram[at + i] = static_cast<std::uint8_t>(value >> (8 * i));
  }
  /// What a guest computes from the reference page.
  std::uint64_t page_time(std::uint64_t tsc, Gpa page = tsc_page) const {
    return static_cast<std::uint64_t>(Wide128{tsc} * word(page + 8) >> 64) + word(page + 16);
  }

  /// SynIC on, source `sint` with `vector`.
  void ready_for_messages(unsigned sint = 2, std::uint64_t source = 0x52) {
    put(scontrol, 1);
    put(simp, message_page | 1);
    put(sint0 + sint, source);
  }
  Gpa slot(unsigned sint) const { return message_page + sint * 256; }
};

}  // namespace lockstitch::test

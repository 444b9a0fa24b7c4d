// The descriptor table and page tables of the entry states agree with the hidden parts in the CPU state.
#include "vmm/boot/entry_state.h"

#include <doctest/doctest.h>

#include "tests/unit/boot/flat_memory.h"
#include "vmm/boot/little_endian.h"
#include "vmm/boot/memory_layout.h"

using namespace lockstitch;
using namespace lockstitch::boot;

namespace {

void check_loaded(const FlatMemory& memory, const CpuState& cpu, SegmentName name) {
  const Segment& segment = cpu.segment[unsigned(name)];
  CAPTURE(unsigned(name));
  REQUIRE(segment.selector + 7u <= cpu.gdtr.limit);
  const auto raw = get<std::uint64_t>(memory.at(cpu.gdtr.base + segment.selector, 8), 0);
  CHECK((raw >> 40 & 0xf0ff) == (segment.attributes & 0xf0ff));
  CHECK(((raw >> 16 & 0xff'ffff) | (raw >> 56 << 24)) == segment.base);
  std::uint64_t limit = (raw & 0xffff) | (raw >> 32 & 0xf'0000);
  if (raw >> 55 & 1) limit = limit << 12 | 0xfff;
  CHECK(limit == segment.limit);
}

}  // namespace

TEST_CASE("protected mode is entered flat, with paging and interrupts off, from a table that says the same") {
  FlatMemory memory(2 << 20);
  const CpuState cpu = protected_mode_entry(memory, 0x12'3456).value();
  for (auto name : {SegmentName::cs, SegmentName::ds, SegmentName::es, SegmentName::ss, SegmentName::fs,
                    SegmentName::gs, SegmentName::tr})
    check_loaded(memory, cpu, name);
  CHECK(cpu.rip == 0x12'3456);
  CHECK((cpu.cr0 & 0x8000'0001) == 1);
  CHECK((cpu.rflags & 0x200) == 0);
  CHECK(cpu.efer == 0);
}

TEST_CASE("64-bit mode is entered with the first 4 GiB mapped onto themselves and nothing more") {
  FlatMemory memory(2 << 20);
  const CpuState cpu = long_mode_entry(memory, 0x100'0200).value();
  check_loaded(memory, cpu, SegmentName::cs);
  check_loaded(memory, cpu, SegmentName::ss);
  CHECK((cpu.segment[unsigned(SegmentName::cs)].attributes & 0x6000) == 0x2000);  // L, not D
  CHECK((cpu.cr0 & 0x8000'0001) == 0x8000'0001);
  CHECK((cpu.cr4 & 0x20) != 0);
  CHECK((cpu.efer & 0x500) == 0x500);
  auto entry = [&](Gpa table, unsigned index) { return get<std::uint64_t>(memory.at(table + 8 * index, 8), 0); };
  for (Gpa address = 0; address < four_gib; address += 0x20'0000) {
    const auto pml4e = entry(cpu.cr3, address >> 39 & 511);
    REQUIRE((pml4e & 1) == 1);
    const auto pdpte = entry(pml4e & ~0xfffull, address >> 30 & 511);
    REQUIRE((pdpte & 0x81) == 1);
    const auto pde = entry(pdpte & ~0xfffull, address >> 21 & 511);
    REQUIRE((pde & 0x83) == 0x83);
    REQUIRE((pde & ~0x1f'ffffull) == address);
  }
  CHECK(entry(cpu.cr3, 1) == 0);
  CHECK(entry(entry(cpu.cr3, 0) & ~0xfffull, 4) == 0);
  CHECK(memory.untouched(page_tables_gpa + 6 * page_bytes, page_bytes));
}

TEST_CASE("real mode is entered at segment:offset with the base to match") {
  const CpuState cpu = real_mode_entry(0x2000, 0x10);
  CHECK(cpu.segment[unsigned(SegmentName::cs)].base == 0x2'0000);
  CHECK(cpu.rip == 0x10);
  CHECK((cpu.cr0 & 1) == 0);
}

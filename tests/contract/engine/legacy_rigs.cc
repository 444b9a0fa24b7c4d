// See legacy_rigs.h. Source: SDM 3A 20.1 (real mode), 4.3 and 4.4 (paging), 6.11 (gates).
#include "tests/contract/engine/legacy_rigs.h"

#include <cstdio>

namespace lockstitch::test {
namespace {

void set_segment(CpuState& s, SegmentName name, const Segment& segment) { s.segment[unsigned(name)] = segment; }

Segment real_segment(std::uint16_t selector, std::uint32_t attributes) {
  return {selector, std::uint64_t{selector} << 4, 0xffff, attributes};
}

}  // namespace

RealModeRig::RealModeRig(const EngineUnderTest& under_test) : EngineRig(under_test) {
  memory.map(0, place::ram_end, RigMemory::Kind::ram);
  for (unsigned v = 0; v < 256; ++v) {
    memory.put_number(v * 4, (place::handlers >> 4) << 16 | v * place::handler_bytes, 4);
    memory.put(LongModeRig::handler(v), {0xf4});
  }
  engine->set_state(initial());
}

CpuState RealModeRig::initial() {
  CpuState s = cpu_at_reset();
  set_segment(s, SegmentName::cs, real_segment(place::code >> 4, 0x9b));
  set_segment(s, SegmentName::ds, real_segment(place::data >> 4, 0x93));
  set_segment(s, SegmentName::es, real_segment(0xf000, 0x93));
  s.rip = 0;
  s.gpr[unsigned(Gpr::rsp)] = 0xf000;
  s.gpr[unsigned(Gpr::rdx)] = 0;
  s.cr0 = 0x10;
  s.idtr.limit = 0x3ff;
  return s;
}

std::string_view name_of(Paging paging) {
  switch (paging) {
    case Paging::none:
      return "no paging";
    case Paging::two_levels:
      return "32-bit paging";
    case Paging::pae:
      return "PAE";
  }
  return "";
}

ProtectedModeRig::ProtectedModeRig(const EngineUnderTest& under_test, Paging paging) : EngineRig(under_test) {
  memory.map(0, place::ram_end, RigMemory::Kind::ram);
  const auto leaf = [](Gpa at) { return at == place::nowhere ? 0 : at | 0x67; };
  if (paging == Paging::two_levels) {
    for (unsigned i = 0; i < 2; ++i) memory.put_number(place::pd + 4 * i, (place::pt + i * page_bytes) | 0x27, 4);
    for (Gpa at = 0; at < RigMemory::size; at += page_bytes)
      memory.put_number(place::pt + at / page_bytes * 4, leaf(at), 4);
  }
  if (paging == Paging::pae) {
    memory.put_number(place::pdpt, place::pd | 1);
    for (unsigned i = 0; i < 4; ++i) memory.put_number(place::pd + 8 * i, (place::pt + i * page_bytes) | 0x27);
    for (Gpa at = 0; at < RigMemory::size; at += page_bytes)
      memory.put_number(place::pt + at / page_bytes * 8, leaf(at));
  }
  const std::uint64_t descriptors[] = {0, 0x00cf'9b00'0000'ffff, 0, 0x00cf'9300'0000'ffff};
  for (unsigned i = 0; i < std::size(descriptors); ++i) memory.put_number(place::gdt + 8 * i, descriptors[i]);
  for (unsigned v = 0; v < 256; ++v) {
    const std::uint64_t target = LongModeRig::handler(v);
    memory.put_number(place::idt + v * 8,
                      (target & 0xffff) | std::uint64_t{kernel_code32} << 16 | 0x8eull << 40 | (target >> 16) << 48);
    memory.put(target, {0xf4});
  }
  engine->set_state(initial(paging));
}

CpuState ProtectedModeRig::initial(Paging paging) {
  CpuState s;
  for (unsigned i = 0; i < 6; ++i) s.segment[i] = {kernel_data, 0, 0xffff'ffff, 0xc093};
  set_segment(s, SegmentName::cs, {kernel_code32, 0, 0xffff'ffff, 0xc09b});
  set_segment(s, SegmentName::ldtr, {0, 0, 0, 0x1'0000});
  set_segment(s, SegmentName::tr, {task, place::tss, 0x67, 0x8b});
  s.gdtr = {place::gdt, 0x1f};
  s.idtr = {place::idt, 0x7ff};
  s.cr0 = 0x1'0033;  // WP NE ET MP PE
  s.cr4 = 0x600;     // OSXMMEXCPT OSFXSR
  if (paging != Paging::none) s.cr0 |= 0x8000'0000;
  if (paging == Paging::two_levels) s.cr3 = place::pd;
  if (paging == Paging::pae) {
    s.cr3 = place::pdpt;
    s.cr4 |= 0x20;
  }
  s.dr[6] = 0xffff'0ff0;
  s.dr[7] = 0x400;
  s.rip = place::code;
  s.gpr[unsigned(Gpr::rsp)] = place::stack_top;
  return s;
}

bool can(const EngineUnderTest& kind, bool ability, const char* what) {
  if (!ability) std::printf("skipped: %s on this host has no %s\n", kind.name.c_str(), what);
  return ability;
}

}  // namespace lockstitch::test

// Segments with a null selector in 64-bit mode have no meaning but the bases of FS and GS and the privilege of SS, and
// processors keep different remains in them. Engines whose states are compared forget those.
#pragma once
#include "lockstitch/cpu_state.h"

namespace lockstitch::interp {

inline void forget_null_segments(CpuState& cpu) {
  constexpr std::uint32_t unusable = 0x1'0000, dpl = 0x60, default_size = 0x4000, code64 = 0x2000;
  constexpr std::uint64_t long_mode_active = 0x400;
  if (!(cpu.efer & long_mode_active) || !(cpu.segment[unsigned(SegmentName::cs)].attributes & code64)) return;
  for (const SegmentName name : {SegmentName::es, SegmentName::ss, SegmentName::ds, SegmentName::fs, SegmentName::gs}) {
    Segment& segment = cpu.segment[unsigned(name)];
    if ((segment.selector & 0xfffc) != 0) continue;
    segment.limit = 0;
    if (name != SegmentName::fs && name != SegmentName::gs) segment.base = 0;
    segment.attributes =
        unusable | (name == SegmentName::ss ? default_size | (segment.attributes & dpl) : std::uint32_t{0});
  }
}

}  // namespace lockstitch::interp

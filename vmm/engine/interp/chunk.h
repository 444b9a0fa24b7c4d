// What the REP forms of string and port instructions share: where a chunk ends, and direct pointers into guest pages.
#pragma once
#include <algorithm>
#include <cstdint>

#include "vmm/engine/interp/access.h"
#include "vmm/engine/interp/paging.h"

namespace lockstitch::interp {

/// Elements from `offset` in the direction of DF that lie wholly inside its linear page; at least 1.
inline std::uint64_t elements_to_page_end(const Cpu& cpu, unsigned segment, std::uint64_t offset, unsigned size) {
  const std::uint64_t inside = (cpu.seg_base[segment] + offset) & page_mask;
  if (cpu.other_flags & flag::df) return inside + size > page_bytes ? 1 : inside / size + 1;
  return std::max<std::uint64_t>(1, (page_bytes - inside) / size);
}

/// Single-stepping and data breakpoints look between two elements.
inline bool one_at_a_time(const Cpu& cpu) { return (cpu.other_flags & flag::tf) || (cpu.mode & mode_careful); }

/// Writes RCX, RSI or RDI as an instruction of this address size does: 32 bits clear the upper half, 16 keep the rest.
inline void write_address_register(Cpu& cpu, unsigned number, std::uint64_t value, unsigned address) {
  if (address == 8)
    cpu.gpr[number] = value;
  else if (address == 4)
    cpu.gpr[number] = value & 0xffff'ffff;
  else
    set_reg<std::uint16_t>(cpu, number * 8, static_cast<std::uint16_t>(value));
}

/// Pointer to the byte at `linear`, valid to the end of its page; null for MMIO. Raises #PF.
inline const std::uint8_t* readable(Cpu& cpu, std::uint64_t linear) {
  if (const std::uint8_t* host = fast_read<1>(cpu, linear)) return host;
  cpu.paging->translate_or_raise(linear, Access::read, cpu.cpl == 3);
  return fast_read<1>(cpu, linear);
}
/// The same for writing; null also where stores must be watched (code, page tables, ROM).
inline std::uint8_t* writable(Cpu& cpu, std::uint64_t linear) {
  if (std::uint8_t* host = fast_write<1>(cpu, linear)) return host;
  cpu.paging->translate_or_raise(linear, Access::write, cpu.cpl == 3);
  return fast_write<1>(cpu, linear);
}

}  // namespace lockstitch::interp

// Small shared shapes of the integer families: choice by operand size, status flags of a result.
#pragma once
#include <cstdint>
#include <type_traits>

#include "vmm/engine/interp/access.h"
#include "vmm/engine/interp/cpu.h"
#include "vmm/engine/interp/row.h"

namespace lockstitch::interp {

/// Calls `make.operator()<T>()` with the unsigned type of `size` bytes.
template <class Make>
Handler by_size(unsigned size, Make make) {
  switch (size) {
    case 1: return make.template operator()<std::uint8_t>();
    case 2: return make.template operator()<std::uint16_t>();
    case 4: return make.template operator()<std::uint32_t>();
    default: return make.template operator()<std::uint64_t>();
  }
}
/// The same without the byte forms.
template <class Make>
Handler by_wide_size(unsigned size, Make make) {
  switch (size) {
    case 2: return make.template operator()<std::uint16_t>();
    case 4: return make.template operator()<std::uint32_t>();
    default: return make.template operator()<std::uint64_t>();
  }
}

inline constexpr std::uint16_t flags_cf = 0x0100, flags_pf = 0x0400, flags_af = 0x1000, flags_zf = 0x4000, flags_sf = 0x8000, flags_of = 1;

/// SF, ZF and PF of a result in the shape of Cpu::flags; CF, AF and OF clear.
template <class T>
std::uint16_t result_flags(T result) {
  std::uint16_t flags;
  asm("test %1, %1\n\tlahf\n\txor %%al, %%al" : "=&a"(flags) : "r"(result) : "cc");
  return static_cast<std::uint16_t>(flags & ~flags_af);
}

}  // namespace lockstitch::interp

// The sixteen conditions of Jcc, SETcc and CMOVcc over Cpu::flags. Source: SDM 1 appendix B.
#pragma once
#include "vmm/engine/interp/cpu.h"

namespace lockstitch::interp {

template <unsigned cc>
inline bool condition(const Cpu& cpu) {
  const unsigned f = cpu.flags;
  constexpr unsigned of = 1, cf = 0x100, pf = 0x400, zf = 0x4000;
  bool result;
  switch (cc >> 1) {
    case 0: result = f & of; break;
    case 1: result = f & cf; break;
    case 2: result = f & zf; break;
    case 3: result = f & (cf | zf); break;
    case 4: result = f & 0x8000; break;
    case 5: result = f & pf; break;
    case 6: result = ((f >> 15) ^ f) & 1; break;
    default: result = (((f >> 15) ^ f) & 1) || (f & zf); break;
  }
  return result != static_cast<bool>(cc & 1);
}

/// Calls `make.operator()<cc>()` for the low four bits of an opcode.
template <class Make>
Handler by_condition(unsigned opcode, Make make) {
  switch (opcode & 15) {
    case 0: return make.template operator()<0>();
    case 1: return make.template operator()<1>();
    case 2: return make.template operator()<2>();
    case 3: return make.template operator()<3>();
    case 4: return make.template operator()<4>();
    case 5: return make.template operator()<5>();
    case 6: return make.template operator()<6>();
    case 7: return make.template operator()<7>();
    case 8: return make.template operator()<8>();
    case 9: return make.template operator()<9>();
    case 10: return make.template operator()<10>();
    case 11: return make.template operator()<11>();
    case 12: return make.template operator()<12>();
    case 13: return make.template operator()<13>();
    case 14: return make.template operator()<14>();
    default: return make.template operator()<15>();
  }
}

}  // namespace lockstitch::interp

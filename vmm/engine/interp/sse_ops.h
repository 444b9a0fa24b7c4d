// Packed integer instructions that exist for XMM and for MMX registers: one list, so that both families agree.
// Source: SDM 2B, 2C.
#pragma once
#include "vmm/engine/interp/sse.h"

namespace lockstitch::interp::sse {

// X(map, opcode, mnemonic): the low 64 bits of the XMM form are the MMX form.
#define LS_PACKED_SAME(X)                                                                                             \
  X(two, 0x64, pcmpgtb) X(two, 0x65, pcmpgtw) X(two, 0x66, pcmpgtd)                                                   \
  X(two, 0x74, pcmpeqb) X(two, 0x75, pcmpeqw) X(two, 0x76, pcmpeqd)                                                   \
  X(two, 0xd1, psrlw) X(two, 0xd2, psrld) X(two, 0xd3, psrlq) X(two, 0xd4, paddq) X(two, 0xd5, pmullw)                \
  X(two, 0xd8, psubusb) X(two, 0xd9, psubusw) X(two, 0xda, pminub) X(two, 0xdb, pand)                                 \
  X(two, 0xdc, paddusb) X(two, 0xdd, paddusw) X(two, 0xde, pmaxub) X(two, 0xdf, pandn)                                \
  X(two, 0xe0, pavgb) X(two, 0xe1, psraw) X(two, 0xe2, psrad) X(two, 0xe3, pavgw)                                     \
  X(two, 0xe4, pmulhuw) X(two, 0xe5, pmulhw)                                                                          \
  X(two, 0xe8, psubsb) X(two, 0xe9, psubsw) X(two, 0xea, pminsw) X(two, 0xeb, por)                                    \
  X(two, 0xec, paddsb) X(two, 0xed, paddsw) X(two, 0xee, pmaxsw) X(two, 0xef, pxor)                                   \
  X(two, 0xf1, psllw) X(two, 0xf2, pslld) X(two, 0xf3, psllq) X(two, 0xf4, pmuludq) X(two, 0xf5, pmaddwd)             \
  X(two, 0xf6, psadbw) X(two, 0xf8, psubb) X(two, 0xf9, psubw) X(two, 0xfa, psubd) X(two, 0xfb, psubq)                \
  X(two, 0xfc, paddb) X(two, 0xfd, paddw) X(two, 0xfe, paddd)                                                         \
  X(three38, 0x04, pmaddubsw) X(three38, 0x08, psignb) X(three38, 0x09, psignw) X(three38, 0x0a, psignd)              \
  X(three38, 0x0b, pmulhrsw) X(three38, 0x1c, pabsb) X(three38, 0x1d, pabsw) X(three38, 0x1e, pabsd)

// Interleaving of the low halves: the low 64 bits are the MMX form, which reads only 32 bits of memory.
#define LS_PACKED_LOW(X) X(two, 0x60, punpcklbw) X(two, 0x61, punpcklwd) X(two, 0x62, punpckldq)

// Interleaving of the high halves.
#define LS_PACKED_HIGH(X) X(two, 0x68, punpckhbw) X(two, 0x69, punpckhwd) X(two, 0x6a, punpckhdq)

// One result half from each operand: both operands side by side give the MMX form in the low half.
#define LS_PACKED_PAIR(X)                                                                                             \
  X(two, 0x63, packsswb) X(two, 0x67, packuswb) X(two, 0x6b, packssdw)                                                \
  X(three38, 0x01, phaddw) X(three38, 0x02, phaddd) X(three38, 0x03, phaddsw)                                         \
  X(three38, 0x05, phsubw) X(three38, 0x06, phsubd) X(three38, 0x07, phsubsw)

#define LS_DEFINE(map_, opcode_, id_) LS_INTEGER(id_)
LS_PACKED_SAME(LS_DEFINE)
LS_PACKED_LOW(LS_DEFINE)
LS_PACKED_HIGH(LS_DEFINE)
LS_PACKED_PAIR(LS_DEFINE)
LS_INTEGER(pshufb)
#undef LS_DEFINE

/// A shift whose count is an immediate byte, by the form that takes it from a register: the counts mean the same.
template <class Shift>
struct ShiftImmediate {
  static V run(V a, const Op* op) { return Shift::run(a, from_u64(op->imm & 255), op); }
};

// X(opcode, digit, mnemonic)
#define LS_PACKED_SHIFT(X)                                                        \
  X(0x71, 2, psrlw) X(0x71, 4, psraw) X(0x71, 6, psllw)                           \
  X(0x72, 2, psrld) X(0x72, 4, psrad) X(0x72, 6, pslld)                           \
  X(0x73, 2, psrlq) X(0x73, 6, psllq)

}  // namespace lockstitch::interp::sse

// From bytes to ops: prefixes, opcode maps, ModRM, immediates, and the choice of the row. Not here: what rows there are
// (row.h and the families), where bytes come from (translator.h).
#pragma once
#include <cstdint>
#include <span>

#include "vmm/engine/interp/op.h"
#include "vmm/engine/interp/row.h"

namespace lockstitch::interp {

enum class DecodeStatus : std::uint8_t {
  ok,
  need_more,  ///< the bytes end inside the instruction
  undefined,  ///< #UD
  too_long,   ///< over 15 bytes: #GP(0)
};

struct DecodeResult {
  DecodeStatus status = DecodeStatus::undefined;
  const Row* row = nullptr;
  bool wide_rip = false;  ///< the RIP-relative displacement does not fit beside `off`; decode with off = -length
};

/// Decodes one instruction into `op` (everything but links). `off` becomes Op::off. Pure: depends on its arguments only.
DecodeResult decode(std::span<const std::uint8_t> bytes, std::uint32_t mode, std::int16_t off, Op& op);

/// Length of the instruction in bytes; 0 if it is undefined, too long or incomplete.
unsigned decode_length(std::span<const std::uint8_t> bytes, std::uint32_t mode);

}  // namespace lockstitch::interp

// The guest's stack in any mode, with all checks, for handlers that push or pop as part of something larger.
#pragma once
#include <cstdint>

#include "vmm/engine/interp/cpu.h"

namespace lockstitch::interp {

/// Stores `size` bytes below the top and moves RSP. cpu.op must be set.
void push(Cpu& cpu, std::uint64_t value, unsigned size);
/// Reads `size` bytes at `offset` above the top; RSP stays.
std::uint64_t peek(Cpu& cpu, unsigned offset, unsigned size);
/// Moves RSP up.
void release(Cpu& cpu, std::uint64_t bytes);

}  // namespace lockstitch::interp

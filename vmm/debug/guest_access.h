// Memory and position of a guest that stands still, as debuggers ask for them. Changes nothing.
#pragma once
#include <cstdint>
#include <vector>

#include "lockstitch/cpu_state.h"
#include "lockstitch/guest_memory.h"
#include "lockstitch/result.h"

namespace lockstitch::debug {

/// Of the next instruction: RIP, or CS.base + IP outside of 64-bit code.
std::uint64_t linear_rip(const CpuState& cpu);

/// A part of a linear range that lies in one page.
struct PhysicalPiece {
  Gpa gpa = 0;
  std::size_t offset = 0;  ///< from the start of the range
  std::size_t bytes = 0;
};
/// Fails: a byte that is not mapped, or is not RAM.
Result<std::vector<PhysicalPiece>> physical_pieces(const CpuState& cpu, GuestMemory& memory, std::uint64_t address,
                                                   std::size_t bytes);
/// Fails: a byte that is not RAM.
Outcome check_ram(GuestMemory& memory, Gpa address, std::size_t bytes);
/// RAM and ROM. Returns how many bytes from the start could be read.
std::uint64_t read_physical(GuestMemory& memory, Gpa address, MutableBytes out);

}  // namespace lockstitch::debug

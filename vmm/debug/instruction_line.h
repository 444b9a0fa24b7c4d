// A line of an instruction trace: what was executed between two boundaries, and which registers it changed.
//
//   tick        +n  mode cpl  rip  [symbol]  bytes  text  | changed registers
// As JSON one object a line, numbers as strings "0x...": see the header line.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "lockstitch/cpu_state.h"
#include "lockstitch/engine.h"
#include "lockstitch/guest_memory.h"
#include "vmm/debug/symbol_table.h"

namespace lockstitch::debug {

enum class TraceFormat : std::uint8_t { text, json };

struct InstructionStep {
  Boundary begin, end;
  CpuState before, after;
  std::vector<std::uint8_t> code;                          ///< at RIP, before; empty if it cannot be read
  bool executed() const { return end.tick > begin.tick; }  ///< else something was delivered
};

/// Order: `memory` as it is behind the step; code that overwrites itself is shown as it became.
InstructionStep make_step(GuestMemory& memory, const CpuState& before, const CpuState& after, Boundary begin,
                          Boundary end);

/// With its line end; says the format and its version.
std::string trace_header(TraceFormat format);
/// Without a line end. `symbols` may be null.
std::string trace_line(const InstructionStep& step, TraceFormat format, const SymbolTable* symbols);

}  // namespace lockstitch::debug

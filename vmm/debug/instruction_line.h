// A line of an instruction trace: what happened between two boundaries, and which registers it changed.
//
//   tick+n  mode/cpl  rip  <symbol>  bytes  text  | changed registers
//
// n: which delivery of this tick, none for the first step. Modes: real, v86, 16, 32, c16, c32 (compatibility), 64.
// As JSON: one object a line with the same, numbers that are wide as strings "0x...". A header line says the version.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "lockstitch/cpu_state.h"
#include "lockstitch/engine.h"
#include "lockstitch/guest_memory.h"
#include "vmm/debug/symbol_table.h"

namespace lockstitch::debug {

enum class TraceFormat : std::uint8_t { text, json };

enum class StepKind : std::uint8_t {
  instruction,
  exception,  ///< delivered instead of an instruction
  interrupt,  ///< delivered in front of an instruction; also NMI
  delivery,   ///< one of the two: the handler does not tell which
  wait,       ///< the CPU stood still
};

struct InstructionStep {
  Boundary begin, end;
  CpuState before, after;
  StepKind kind = StepKind::instruction;
  std::optional<std::uint8_t> vector;  ///< of an exception or interrupt
  std::vector<std::uint8_t> code;      ///< up to 15 bytes at RIP, before; empty if they cannot be read
};

/// Order: `memory` as it is behind the step; code that overwrites itself is shown as it became.
InstructionStep make_step(GuestMemory& memory, const CpuState& before, const CpuState& after, Boundary begin,
                          Boundary end);

/// With its line end; says the format and its version.
std::string trace_header(TraceFormat format);
/// Without a line end. `symbols` may be null.
std::string trace_line(const InstructionStep& step, TraceFormat format, const SymbolTable* symbols);

}  // namespace lockstitch::debug

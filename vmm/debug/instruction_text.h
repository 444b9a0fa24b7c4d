// One instruction in Intel's syntax.
#pragma once
#include <string>

#include "lockstitch/cpu_state.h"
#include "lockstitch/types.h"
#include "vmm/debug/symbol_table.h"

namespace lockstitch::debug {

struct InstructionText {
  std::string text;  ///< "(bad)" when the bytes are none
  unsigned bytes = 0;
};

/// `code`: what lies at the CPU's RIP, up to 15 bytes. `symbols`: for the targets of branches; may be null.
InstructionText instruction_text(const CpuState& cpu, Bytes code, const SymbolTable* symbols);

}  // namespace lockstitch::debug

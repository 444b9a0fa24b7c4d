// One instruction in Intel's syntax. Source of the decoding: Zydis, which knows more instructions than our CPU does.
#pragma once
#include <string>

#include "lockstitch/cpu_state.h"
#include "lockstitch/types.h"
#include "vmm/debug/symbol_table.h"

namespace lockstitch::debug {

struct InstructionText {
  std::string text;    ///< "(bad)" when the bytes are none
  unsigned bytes = 0;  ///< 0 with "(bad)"
};

/// `code`: what lies at the CPU's RIP, up to 15 bytes. `symbols`: names behind the addresses of branches and data; may
/// be null.
InstructionText instruction_text(const CpuState& cpu, Bytes code, const SymbolTable* symbols);

}  // namespace lockstitch::debug

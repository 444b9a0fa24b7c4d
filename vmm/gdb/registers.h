// Which registers gdb is told of, in which order and how wide, and their values in a CpuState. The order of the first
// ones is gdb's own for the architecture; behind them come segment bases and what only a kernel sees. Source: gdb
// manual, Target Descriptions, i386 features.
//
// gdb knows no segments: outside of 64-bit code `rip` and `eip` are CS.base + IP, so that it shows and stops at the
// right bytes. Its $sp is not corrected; memory of a 16-bit stack is at $ss_base + $sp.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "lockstitch/cpu_state.h"

namespace lockstitch::gdb {

enum class CodeMode : std::uint8_t { code16, code32, code64 };

/// What the CPU executes now.
CodeMode code_mode(const CpuState& cpu);
/// 16, 32 or 64.
unsigned bits(CodeMode mode);

/// Linear.
std::uint64_t program_counter(const CpuState& cpu);
/// Nothing: done. Else why it cannot be: not canonical, or outside of the code segment.
std::optional<std::string> set_program_counter(CpuState& cpu, std::uint64_t linear);

struct Register {
  std::string name;
  std::string type;     ///< as gdb's XML names it
  std::string feature;  ///< org.gnu.gdb.i386.core and the like
  std::string group;    ///< empty: gdb decides
  unsigned bytes = 0;
};

/// In order of their numbers.
const std::vector<Register>& registers(CodeMode mode);
/// The target description. Shape: a whole XML document.
std::string target_description(CodeMode mode);

/// Little endian, registers()[number].bytes long. Range: an existing number.
std::string read_register(const CpuState& cpu, CodeMode mode, unsigned number);
/// Nothing: done. Else why it cannot be written.
std::optional<std::string> write_register(CpuState& cpu, CodeMode mode, unsigned number, std::string_view bytes);

}  // namespace lockstitch::gdb

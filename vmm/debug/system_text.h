// What only a kernel sees of a CPU, for people: its mode, system registers, segments. Not here: general registers,
// which debuggers show themselves.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "lockstitch/cpu_state.h"

namespace lockstitch::debug {

/// How the CPU understands the code at RIP. Source: SDM 3A 2.2.
enum class CpuMode : std::uint8_t { real, virtual_8086, protected16, protected32, compat16, compat32, long64 };

CpuMode cpu_mode(const CpuState& cpu);
/// As "32-bit protected mode".
std::string_view to_text(CpuMode mode);
/// Range: 0..3.
unsigned privilege_level(const CpuState& cpu);

/// As "[ZF IF] IOPL 3": the names of the flags that are set.
std::string flag_names(std::uint64_t rflags);

/// Several lines: mode, control registers, segments with their hidden parts, tables, debug registers, MSRs.
std::string system_text(const CpuState& cpu);

}  // namespace lockstitch::debug

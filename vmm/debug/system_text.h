// What only a kernel sees of a CPU, for people.
#pragma once
#include <string>

#include "lockstitch/cpu_state.h"

namespace lockstitch::debug {

/// Several lines: control registers, segments with their hidden parts, tables, debug registers, MSRs.
std::string system_text(const CpuState& cpu);

}  // namespace lockstitch::debug

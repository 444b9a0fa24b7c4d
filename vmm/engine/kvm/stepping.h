// Which instructions a single step of KVM executes exactly as the interpreter does. Pure.
#pragma once
#include "lockstitch/cpu_state.h"
#include "vmm/engine/interp/row.h"

namespace lockstitch::kvm {

/// False: whatever reads the host (RDTSC, CPUID, port I/O ...), whatever moves state that a step cannot be trusted with
/// (TF, shadows, descriptors, control registers), REP forms, and, unless `undefined_flags`, instructions some of whose
/// flags processors may choose. All of those are the interpreter's.
bool steps_on_processor(const interp::Row& row, const CpuState& cpu, bool undefined_flags);

}  // namespace lockstitch::kvm

// Model-specific registers that live in the CPU. Those of the local APIC go through the door (system.cc decides).
#pragma once
#include <cstdint>

#include "vmm/engine/interp/cpu.h"

namespace lockstitch::interp {

/// Does this MSR belong to the local APIC: 1Bh, 6E0h, 800h-8FFh.
bool is_apic_msr(std::uint32_t index);

/// False: the access raises #GP(0).
bool read_msr(Cpu& cpu, std::uint32_t index, std::uint64_t& value);
bool write_msr(Cpu& cpu, std::uint32_t index, std::uint64_t value);

/// The time-stamp counter as the running instruction sees it.
std::uint64_t time_stamp(const Cpu& cpu);

}  // namespace lockstitch::interp

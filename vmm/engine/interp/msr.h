// Model-specific registers that live in the CPU. Those of the local APIC and, if the model has them, those of the
// hypervisor interface go through the door (system.cc decides).
#pragma once
#include <cstdint>

#include "vmm/engine/interp/cpu.h"

namespace lockstitch::interp {

/// Does this MSR belong to the local APIC: 1Bh, 6E0h, 800h-8FFh.
bool is_apic_msr(std::uint32_t index);
/// Does this MSR leave through the door: the local APIC's, and 4000_0000h-4000_01FFh if the model has them.
bool is_outside_msr(const Cpu& cpu, std::uint32_t index);
/// The hypervisor interface computes with the distance between TSC and virtual time: it is told as a write of MSR 10h
/// through the door, behind a write of the TSC and in front of one of the reference TSC register.
bool concerns_tsc_offset(const Cpu& cpu, std::uint32_t index);

/// False: the access raises #GP(0).
bool read_msr(Cpu& cpu, std::uint32_t index, std::uint64_t& value);
bool write_msr(Cpu& cpu, std::uint32_t index, std::uint64_t value);

/// The time-stamp counter as the running instruction sees it.
std::uint64_t time_stamp(const Cpu& cpu);

}  // namespace lockstitch::interp

// CpuState in the shapes in which KVM takes and gives it. Pure conversions. Not here: when what is fetched or stored
// (register_file.h).
#pragma once
#include <array>
#include <cstdint>
#include <optional>

#include "lockstitch/cpu_state.h"
#include "vmm/engine/kvm/linux_kvm.h"

namespace lockstitch::kvm {

kvm_regs general_registers(const CpuState& cpu);
/// The APIC is ours, so its base is only a mark that it is on.
kvm_sregs special_registers(const CpuState& cpu);
kvm_vcpu_events events(const CpuState& cpu);
kvm_debugregs debug_registers(const CpuState& cpu);
void put_float(const CpuState& cpu, kvm_xsave& to);

void take_general(const kvm_regs& from, CpuState& cpu);
void take_special(const kvm_sregs& from, CpuState& cpu);
void take_events(const kvm_vcpu_events& from, CpuState& cpu);
void take_debug(const kvm_debugregs& from, CpuState& cpu);
void take_float(const kvm_xsave& from, CpuState& cpu);

/// MSRs that the processor has itself while the guest runs; all others are ours. EFER and the bases of FS and GS are
/// special registers.
struct NativeMsr {
  std::uint32_t index;
  std::uint64_t CpuState::*field;
};
inline constexpr std::array native_msrs{
    NativeMsr{0xc000'0081, &CpuState::star},
    NativeMsr{0xc000'0082, &CpuState::lstar},
    NativeMsr{0xc000'0083, &CpuState::cstar},
    NativeMsr{0xc000'0084, &CpuState::fmask},
    NativeMsr{0xc000'0102, &CpuState::kernel_gs_base},
    NativeMsr{0x174, &CpuState::sysenter_cs},
    NativeMsr{0x175, &CpuState::sysenter_esp},
    NativeMsr{0x176, &CpuState::sysenter_eip},
    NativeMsr{0x277, &CpuState::pat},
    NativeMsr{0xc000'0103, &CpuState::tsc_aux},  // last: some backends have none
};

}  // namespace lockstitch::kvm

// What of the processor the guest may see: CPUID from the guest's CPU model, and which MSRs it reaches without us.
// Nothing passes that the model does not grant.
#pragma once
#include <vector>

#include "lockstitch/engine.h"
#include "vmm/engine/interp/cpuid.h"
#include "vmm/engine/kvm/kvm_vm.h"

namespace lockstitch::kvm {

/// The model's table for KVM_SET_CPUID2. `tsc_khz`: what the guest's counter really runs at; 0: at the model's rate.
std::vector<kvm_cpuid_entry2> cpuid_table(const interp::CpuModel& model, std::uint32_t tsc_khz);

/// `ticks`: only a guest that is not deterministic reaches the counter's own register.
std::vector<KvmVm::MsrRange> passed_msrs(TickUnit ticks);

/// Unit: kHz. The model's counter.
inline constexpr std::uint32_t model_tsc_khz = 1'000'000;

}  // namespace lockstitch::kvm

// The frozen CPU model "v2" (Westmere class): what CPUID answers, equal on every host and engine. Options of the model
// are part of a machine's identity: they show in the CPUID table that recordings and pairs compare.
#pragma once
#include <cstdint>

namespace lockstitch::interp {

struct CpuidResult {
  std::uint32_t eax = 0, ebx = 0, ecx = 0, edx = 0;
};

/// What may differ from machine to machine.
struct CpuModel {
  /// Leaves 4000_0000h to 4000_0006h are the Microsoft hypervisor interface, and its MSRs (4000_0000h-4000_01FFh) leave
  /// through the door.
  bool hyperv = false;
  /// There is a time-stamp counter that guests may rely on. Without it RDTSC still executes.
  bool tsc = true;
};

/// Fails: never; unknown leaves are all zero. `osxsave` and the like do not exist in this model.
CpuidResult cpuid(std::uint32_t leaf, std::uint32_t subleaf, CpuModel model = {});

/// IA32_ARCH_CAPABILITIES: this CPU has none of the speculation bugs, so guests need no mitigations.
inline constexpr std::uint64_t arch_capabilities = 0x1 | 0x8 | 0x10 | 0x20 | 0x40 | 0x100;

}  // namespace lockstitch::interp

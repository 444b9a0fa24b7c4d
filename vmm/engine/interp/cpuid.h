// The frozen CPU model "v2" (Westmere class): what CPUID answers, equal on every host and engine.
#pragma once
#include <cstdint>

namespace lockstitch::interp {

struct CpuidResult {
  std::uint32_t eax = 0, ebx = 0, ecx = 0, edx = 0;
};

/// Fails: never; unknown leaves are all zero. `osxsave` and the like do not exist in this model.
CpuidResult cpuid(std::uint32_t leaf, std::uint32_t subleaf);

/// IA32_ARCH_CAPABILITIES: this CPU has none of the speculation bugs, so guests need no mitigations.
inline constexpr std::uint64_t arch_capabilities = 0x1 | 0x8 | 0x10 | 0x20 | 0x40 | 0x100;

}  // namespace lockstitch::interp

// See cpuid.h. Source: SDM 2A CPUID.
#include "vmm/engine/interp/cpuid.h"

#include <cstring>

namespace lockstitch::interp {
namespace {

constexpr std::uint32_t bit(unsigned n) { return 1u << n; }

constexpr std::uint32_t signature = 0x0002'06c2;  // family 6, model 2Ch, stepping 2

constexpr std::uint32_t leaf1_edx = bit(0) /*FPU*/ | bit(1) /*VME*/ | bit(2) /*DE*/ | bit(3) /*PSE*/ | bit(4) /*TSC*/ | bit(5) /*MSR*/ |
                                    bit(6) /*PAE*/ | bit(7) /*MCE*/ | bit(8) /*CX8*/ | bit(9) /*APIC*/ | bit(11) /*SEP*/ | bit(12) /*MTRR*/ |
                                    bit(13) /*PGE*/ | bit(14) /*MCA*/ | bit(15) /*CMOV*/ | bit(16) /*PAT*/ | bit(17) /*PSE36*/ |
                                    bit(19) /*CLFSH*/ | bit(23) /*MMX*/ | bit(24) /*FXSR*/ | bit(25) /*SSE*/ | bit(26) /*SSE2*/;
constexpr std::uint32_t leaf1_ecx = bit(0) /*SSE3*/ | bit(9) /*SSSE3*/ | bit(13) /*CX16*/ | bit(19) /*SSE4.1*/ | bit(20) /*SSE4.2*/ |
                                    bit(21) /*x2APIC*/ | bit(23) /*POPCNT*/ | bit(24) /*TSC deadline*/ | bit(31) /*hypervisor*/;
constexpr std::uint32_t ext1_edx = bit(11) /*SYSCALL*/ | bit(20) /*NX*/ | bit(26) /*1 GiB pages*/ | bit(27) /*RDTSCP*/ | bit(29) /*LM*/;
constexpr std::uint32_t ext1_ecx = bit(0) /*LAHF*/ | bit(8) /*PREFETCHW*/;

/// What a model without the counter lacks: TSC, its deadline timer, RDTSCP.
constexpr struct {
  std::uint32_t leaf1_edx = bit(4), leaf1_ecx = bit(24), ext1_edx = bit(27);
} tsc_features;

CpuidResult brand(unsigned part) {
  static const char text[49] = "Lockstitch deterministic CPU, model v2";
  CpuidResult r;
  std::memcpy(&r, text + 16 * part, 16);
  return r;
}

/// Source: TLFS 2.4 (CPUID leaves of the hypervisor).
CpuidResult hyperv_leaf(std::uint32_t leaf) {
  constexpr std::uint32_t privileges = bit(1) /*reference counter*/ | bit(2) /*SynIC*/ | bit(3) /*timers*/ | bit(5) /*hypercall MSRs*/ |
                                       bit(6) /*VP index*/ | bit(9) /*reference TSC*/ | bit(11) /*frequencies*/;
  constexpr std::uint32_t features = bit(8) /*frequencies*/ | bit(10) /*crash MSRs*/ | bit(19) /*direct timers*/;
  switch (leaf) {
    case 0x4000'0000: return {0x4000'0006, 0x7263'694d, 0x666f'736f, 0x7648'2074};  // Microsoft Hv
    case 0x4000'0001: return {0x3123'7648, 0, 0, 0};                                // Hv#1
    case 0x4000'0002: return {14'393, 10u << 16, 0, 0};                             // version 10.0.14393
    case 0x4000'0003: return {privileges, 0, 0, features};
    case 0x4000'0004: return {bit(5) /*relaxed timing*/ | bit(9) /*no AutoEOI*/, 0xffff'ffff /*never notify of spinning*/, 0, 0};
    case 0x4000'0005: return {1, 1, 0, 0};  // virtual and logical processors
    default: return {};
  }
}

}  // namespace

CpuidResult cpuid(std::uint32_t leaf, std::uint32_t subleaf, CpuModel model) {
  if (!model.tsc) {
    CpuModel with = model;
    with.tsc = true;
    CpuidResult r = cpuid(leaf, subleaf, with);
    if (leaf == 1) {
      r.edx &= ~tsc_features.leaf1_edx;
      r.ecx &= ~tsc_features.leaf1_ecx;
    }
    if (leaf == 0x8000'0001) r.edx &= ~tsc_features.ext1_edx;
    if (leaf == 0x15 || leaf == 0x8000'0007) r = {};
    return r;
  }
  if (model.hyperv && leaf >= 0x4000'0000 && leaf <= 0x4000'00ff) return hyperv_leaf(leaf);
  switch (leaf) {
    case 0: return {0x15, 0x756e'6547, 0x6c65'746e, 0x4965'6e69};  // GenuineIntel
    case 1: return {signature, 8u << 8 | 1u << 16, leaf1_ecx, leaf1_edx};
    case 2: return {0x0003'5a01, 0, 0, 0x2c};  // 32 KiB L1s, via leaf 4 in detail
    case 4:
      switch (subleaf) {
        case 0: return {0x0000'0121, 0x01c0'003f, 63, 0};   // L1 data, 32 KiB, 8 ways
        case 1: return {0x0000'0122, 0x01c0'003f, 63, 0};   // L1 code
        case 2: return {0x0000'0143, 0x01c0'003f, 511, 0};  // L2, 256 KiB
        default: return {};
      }
    case 7: return subleaf == 0 ? CpuidResult{0, 0, 0, bit(29)} : CpuidResult{};
    case 0xb:
      if (subleaf == 0) return {0, 1, 0x100, 0};
      if (subleaf == 1) return {0, 1, 0x201, 0};
      return {0, 0, subleaf, 0};
    case 0x15: return {1, 1, 1'000'000'000, 0};  // TSC = crystal = 1 GHz
    case 0x8000'0000: return {0x8000'0008, 0, 0, 0};
    case 0x8000'0001: return {0, 0, ext1_ecx, ext1_edx};
    case 0x8000'0002: return brand(0);
    case 0x8000'0003: return brand(1);
    case 0x8000'0004: return brand(2);
    case 0x8000'0006: return {0, 0, 0x0100'6040, 0};
    case 0x8000'0007: return {0, 0, 0, bit(8)};        // invariant TSC
    case 0x8000'0008: return {0x0000'3028, 0, 0, 0};   // 40 physical, 48 linear bits
    default: return {};
  }
}

}  // namespace lockstitch::interp

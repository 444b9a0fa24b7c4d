// See msr.h. Source: SDM 4 chapter 2; the list of those that guests touch is from running guests.
#include "vmm/engine/interp/msr.h"

#include "vmm/engine/interp/cpuid.h"
#include "vmm/engine/interp/interp.h"
#include "vmm/engine/interp/paging.h"
#include "vmm/engine/interp/segments.h"

namespace lockstitch::interp {
namespace {

constexpr std::uint32_t mtrr_fixed_index[] = {0x250, 0x258, 0x259, 0x268, 0x269, 0x26a, 0x26b, 0x26c, 0x26d, 0x26e, 0x26f};

int mtrr_fixed_slot(std::uint32_t index) {
  for (int i = 0; i < 11; ++i)
    if (mtrr_fixed_index[i] == index) return i;
  return -1;
}

bool memory_type(std::uint64_t type) { return type == 0 || type == 1 || type == 4 || type == 5 || type == 6; }

bool valid_pat(std::uint64_t value) {
  for (unsigned i = 0; i < 8; ++i) {
    const std::uint64_t type = value >> (8 * i) & 0xff;
    if (!memory_type(type) && type != 7) return false;
  }
  return true;
}

bool set_efer(Cpu& cpu, std::uint64_t value) {
  constexpr std::uint64_t known = efer::sce | efer::lme | efer::lma | efer::nxe;
  if (value & ~known) return false;
  if (((value ^ cpu.efer) & efer::lme) && (cpu.cr0 & cr0::pg)) return false;
  const std::uint64_t now = (value & ~efer::lma) | (cpu.efer & efer::lma);
  const bool nxe_changed = (now ^ cpu.efer) & efer::nxe;
  cpu.efer = now;
  if (nxe_changed) cpu.paging->flush();
  mode_changed(cpu);
  return true;
}

}  // namespace

bool is_apic_msr(std::uint32_t index) { return index == 0x1b || index == 0x6e0 || (index >= 0x800 && index <= 0x8ff); }

bool is_outside_msr(const Cpu& cpu, std::uint32_t index) {
  return is_apic_msr(index) || (cpu.model.hyperv && index >= 0x4000'0000 && index <= 0x4000'01ff);
}

bool concerns_tsc_offset(const Cpu& cpu, std::uint32_t index) { return cpu.model.hyperv && (index == 0x10 || index == 0x4000'0021); }

std::uint64_t time_stamp(const Cpu& cpu) { return cpu.clock.at(tick_now(cpu)).value + cpu.rest.tsc_offset; }

bool read_msr(Cpu& cpu, std::uint32_t index, std::uint64_t& value) {
  CpuState& r = cpu.rest;
  value = 0;
  switch (index) {
    case 0x10: value = time_stamp(cpu); return true;
    case 0x17: case 0x2c: case 0x2a: case 0xcd: return true;
    case 0x3a: value = 1; return true;              // FEATURE_CONTROL: locked, nothing on
    case 0x8b: value = r.microcode_revision; return true;
    case 0xce: value = 0x8000'0a00; return true;    // PLATFORM_INFO: ratio 10
    case 0xfe: value = 0x508; return true;          // MTRRCAP: 8 variable, fixed, WC
    case 0x10a: value = arch_capabilities; return true;
    case 0x11e: value = 0xbe70'2111; return true;
    case 0x174: value = r.sysenter_cs; return true;
    case 0x175: value = r.sysenter_esp; return true;
    case 0x176: value = r.sysenter_eip; return true;
    case 0x179: case 0x17a: case 0x17b: return true;  // MCG_CAP: no banks
    case 0x198: case 0x199: case 0x19a: case 0x19b: case 0x19c: case 0x1b1: return true;
    case 0x1a0: value = r.misc_enable; return true;
    case 0x1d9: value = r.debug_control; return true;
    case 0x1db: case 0x1dc: case 0x1dd: case 0x1de: return true;
    case 0x277: value = r.pat; return true;
    case 0x2ff: value = r.mtrr_default_type; return true;
    case 0xdb2: return true;
    case 0xc000'0080: value = cpu.efer; return true;
    case 0xc000'0081: value = r.star; return true;
    case 0xc000'0082: value = r.lstar; return true;
    case 0xc000'0083: value = r.cstar; return true;
    case 0xc000'0084: value = r.fmask; return true;
    case 0xc000'0100: value = cpu.segment[fs].base; return true;
    case 0xc000'0101: value = cpu.segment[gs].base; return true;
    case 0xc000'0102: value = r.kernel_gs_base; return true;
    case 0xc000'0103: value = r.tsc_aux; return true;
    default: break;
  }
  if (index >= 0x200 && index < 0x210) {
    value = r.mtrr_variable[index - 0x200];
    return true;
  }
  if (const int slot = mtrr_fixed_slot(index); slot >= 0) {
    value = r.mtrr_fixed[static_cast<unsigned>(slot)];
    return true;
  }
  return (index >= 0xc1 && index <= 0xc4) || (index >= 0x186 && index <= 0x189) || (index >= 0x400 && index < 0x428);
}

bool write_msr(Cpu& cpu, std::uint32_t index, std::uint64_t value) {
  CpuState& r = cpu.rest;
  switch (index) {
    case 0x10: r.tsc_offset = value - cpu.clock.at(tick_now(cpu)).value; return true;
    case 0x79: case 0x17: case 0x17a: case 0x17b: case 0x199: case 0x19a: case 0x19b: return true;
    case 0x8b: r.microcode_revision = value; return true;
    case 0x174: r.sysenter_cs = value & 0xffff; return true;
    case 0x175: if (!canonical(value)) return false; r.sysenter_esp = value; return true;
    case 0x176: if (!canonical(value)) return false; r.sysenter_eip = value; return true;
    case 0x1a0: r.misc_enable = value; return true;
    case 0x1d9: r.debug_control = value & 3; return (value & ~3ull) == 0;
    case 0x277: if (!valid_pat(value)) return false; r.pat = value; return true;
    case 0x2ff: if ((value & ~0xcffull) || !memory_type(value & 0xff)) return false; r.mtrr_default_type = value; return true;
    case 0xc000'0080: return set_efer(cpu, value);
    case 0xc000'0081: r.star = value; return true;
    case 0xc000'0082: if (!canonical(value)) return false; r.lstar = value; return true;
    case 0xc000'0083: if (!canonical(value)) return false; r.cstar = value; return true;
    case 0xc000'0084: r.fmask = value & 0xffff'ffff; return true;
    case 0xc000'0100: if (!canonical(value)) return false; cpu.segment[fs].base = value; mode_changed(cpu); return true;
    case 0xc000'0101: if (!canonical(value)) return false; cpu.segment[gs].base = value; mode_changed(cpu); return true;
    case 0xc000'0102: if (!canonical(value)) return false; r.kernel_gs_base = value; return true;
    case 0xc000'0103: if (value >> 32) return false; r.tsc_aux = value; return true;
    default: break;
  }
  if (index >= 0x200 && index < 0x210) {
    r.mtrr_variable[index - 0x200] = value;
    return true;
  }
  if (const int slot = mtrr_fixed_slot(index); slot >= 0) {
    r.mtrr_fixed[static_cast<unsigned>(slot)] = value;
    return true;
  }
  return (index >= 0xc1 && index <= 0xc4) || (index >= 0x186 && index <= 0x189) || (index >= 0x400 && index < 0x428);
}

}  // namespace lockstitch::interp

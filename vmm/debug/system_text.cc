// See system_text.h. Names: SDM 3A 2.5, 3.4.5, 3.5, 17.2, SDM 4.
#include "vmm/debug/system_text.h"

#include <fmt/format.h>

#include <span>

namespace lockstitch::debug {
namespace {

struct Bit {
  unsigned at;
  const char* name;
};
constexpr Bit cr0_bits[] = {{0, "PE"},  {1, "MP"},  {2, "EM"},  {3, "TS"},  {4, "ET"}, {5, "NE"},
                            {16, "WP"}, {18, "AM"}, {29, "NW"}, {30, "CD"}, {31, "PG"}};
constexpr Bit cr3_bits[] = {{3, "PWT"}, {4, "PCD"}};
constexpr Bit cr4_bits[] = {{0, "VME"}, {1, "PVI"}, {2, "TSD"}, {3, "DE"},     {4, "PSE"},        {5, "PAE"},
                            {6, "MCE"}, {7, "PGE"}, {8, "PCE"}, {9, "OSFXSR"}, {10, "OSXMMEXCPT"}};
constexpr Bit efer_bits[] = {{0, "SCE"}, {8, "LME"}, {10, "LMA"}, {11, "NXE"}};
constexpr Bit flag_bits[] = {{0, "CF"},  {2, "PF"},   {4, "AF"},   {6, "ZF"},  {7, "SF"},  {8, "TF"},
                             {9, "IF"},  {10, "DF"},  {11, "OF"},  {14, "NT"}, {16, "RF"}, {17, "VM"},
                             {18, "AC"}, {19, "VIF"}, {20, "VIP"}, {21, "ID"}};
constexpr Bit dr6_bits[] = {{0, "B0"}, {1, "B1"}, {2, "B2"}, {3, "B3"}, {13, "BD"}, {14, "BS"}, {15, "BT"}};

constexpr std::uint64_t cr0_pe = 1, cr0_pg = 0x8000'0000, cr4_pae = 0x20, efer_lma = 0x400, flag_vm = 0x2'0000;
constexpr std::uint32_t attribute_s = 0x10, attribute_p = 0x80, attribute_l = 0x2000, attribute_db = 0x4000,
                        attribute_unusable = 0x1'0000;

std::string names(std::uint64_t value, std::span<const Bit> bits) {
  std::string text = "[";
  for (const Bit& bit : bits) {
    if (value >> bit.at & 1) text += fmt::format("{}{}", text.size() > 1 ? " " : "", bit.name);
  }
  return text + "]";
}

std::string_view system_kind(unsigned type) {
  switch (type) {
    case 1:
      return "16-bit TSS";
    case 2:
      return "LDT";
    case 3:
      return "16-bit TSS, busy";
    case 9:
      return "TSS";
    case 11:
      return "TSS, busy";
    default:
      return "no segment";
  }
}

std::string kind_of(std::uint32_t attributes) {
  if (attributes & attribute_unusable) return "unusable";
  std::string text;
  if (!(attributes & attribute_s)) {
    text = system_kind(attributes & 15);
  } else if (attributes & 8) {
    text = attributes & attribute_l ? "64-bit code" : attributes & attribute_db ? "32-bit code" : "16-bit code";
    text += attributes & 2 ? ", readable" : ", execute-only";
    if (attributes & 4) text += ", conforming";
  } else {
    text = attributes & attribute_db ? "32-bit data" : "16-bit data";
    text += attributes & 2 ? ", writable" : ", read-only";
    if (attributes & 4) text += ", expands down";
  }
  return text + fmt::format(", DPL {}{}", attributes >> 5 & 3, attributes & attribute_p ? "" : ", not present");
}

std::string_view paging_of(const CpuState& cpu) {
  if (!(cpu.cr0 & cr0_pg)) return "paging off";
  if (cpu.efer & efer_lma) return "4-level paging";
  return cpu.cr4 & cr4_pae ? "PAE paging" : "32-bit paging";
}

/// The enabled breakpoints of DR7, as "0: write 4".
std::string breakpoints_of(std::uint64_t dr7) {
  static constexpr const char* kinds[] = {"execute", "write", "port", "access"};
  static constexpr unsigned lengths[] = {1, 2, 8, 4};
  std::string text;
  for (unsigned i = 0; i < 4; ++i) {
    if (!(dr7 >> (2 * i) & 3)) continue;
    const auto control = static_cast<unsigned>(dr7 >> (16 + 4 * i) & 15);
    text += fmt::format("{}{}: {} {}", text.empty() ? "" : ", ", i, kinds[control & 3], lengths[control >> 2]);
  }
  return "[" + text + "]";
}

std::string_view activity_of(Activity activity) {
  switch (activity) {
    case Activity::running:
      return "running";
    case Activity::halted:
      return "halted";
    case Activity::wait_for_startup:
      return "waiting for its start-up";
    case Activity::shutdown:
      return "shut down";
  }
  return "";
}

struct Register {
  const char* name;
  std::uint64_t CpuState::*value;
};
constexpr Register msrs[] = {{"star", &CpuState::star},
                             {"lstar", &CpuState::lstar},
                             {"cstar", &CpuState::cstar},
                             {"fmask", &CpuState::fmask},
                             {"kernel_gs_base", &CpuState::kernel_gs_base},
                             {"tsc_aux", &CpuState::tsc_aux},
                             {"tsc_offset", &CpuState::tsc_offset},
                             {"sysenter_cs", &CpuState::sysenter_cs},
                             {"sysenter_esp", &CpuState::sysenter_esp},
                             {"sysenter_eip", &CpuState::sysenter_eip},
                             {"pat", &CpuState::pat},
                             {"misc_enable", &CpuState::misc_enable},
                             {"debug_control", &CpuState::debug_control},
                             {"microcode", &CpuState::microcode_revision},
                             {"mtrr_default", &CpuState::mtrr_default_type}};

}  // namespace

CpuMode cpu_mode(const CpuState& cpu) {
  const std::uint32_t code = cpu.segment[unsigned(SegmentName::cs)].attributes;
  if (!(cpu.cr0 & cr0_pe)) return CpuMode::real;
  const bool wide = code & attribute_db;
  if (cpu.efer & efer_lma) {
    if (code & attribute_l) return CpuMode::long64;
    return wide ? CpuMode::compat32 : CpuMode::compat16;
  }
  if (cpu.rflags & flag_vm) return CpuMode::virtual_8086;
  return wide ? CpuMode::protected32 : CpuMode::protected16;
}

std::string_view to_text(CpuMode mode) {
  switch (mode) {
    case CpuMode::real:
      return "real mode";
    case CpuMode::virtual_8086:
      return "virtual-8086 mode";
    case CpuMode::protected16:
      return "16-bit protected mode";
    case CpuMode::protected32:
      return "32-bit protected mode";
    case CpuMode::compat16:
      return "16-bit compatibility mode";
    case CpuMode::compat32:
      return "32-bit compatibility mode";
    case CpuMode::long64:
      return "64-bit mode";
  }
  return "";
}

unsigned privilege_level(const CpuState& cpu) {
  const CpuMode mode = cpu_mode(cpu);
  if (mode == CpuMode::real) return 0;
  if (mode == CpuMode::virtual_8086) return 3;
  return cpu.segment[unsigned(SegmentName::ss)].attributes >> 5 & 3;
}

std::string flag_names(std::uint64_t rflags) {
  const auto iopl = static_cast<unsigned>(rflags >> 12 & 3);
  return names(rflags, flag_bits) + (iopl != 0 ? fmt::format(" IOPL {}", iopl) : "");
}

std::string system_text(const CpuState& cpu) {
  std::string text = fmt::format("{}, CPL {}, {}, {}\n", to_text(cpu_mode(cpu)), privilege_level(cpu), paging_of(cpu),
                                 activity_of(cpu.activity));
  if (cpu.interrupt_shadow) text += "interrupts wait for one instruction\n";
  if (cpu.nmi_blocked) text += "NMIs are blocked until IRET\n";
  if (cpu.nmi_pending) text += "an NMI is pending\n";
  if (cpu.debug_blocked) text += fmt::format("a debug exception waits for one instruction: {:#x}\n", cpu.pending_debug);

  text += fmt::format("cr0    {:#018x} {}\n", cpu.cr0, names(cpu.cr0, cr0_bits));
  text += fmt::format("cr2    {:#018x}\n", cpu.cr2);
  text += fmt::format("cr3    {:#018x} {}\n", cpu.cr3, names(cpu.cr3, cr3_bits));
  text += fmt::format("cr4    {:#018x} {}\n", cpu.cr4, names(cpu.cr4, cr4_bits));
  text += fmt::format("efer   {:#018x} {}\n", cpu.efer, names(cpu.efer, efer_bits));
  text += fmt::format("rflags {:#018x} {}\n", cpu.rflags, flag_names(cpu.rflags));
  static constexpr const char* segments[] = {"es", "cs", "ss", "ds", "fs", "gs", "ldtr", "tr"};
  for (unsigned i = 0; i < segment_count; ++i) {
    const Segment& s = cpu.segment[i];
    text += fmt::format("{:<4} {:04x} base {:#018x} limit {:#010x} {}\n", segments[i], s.selector, s.base, s.limit,
                        kind_of(s.attributes));
  }
  text += fmt::format("gdtr      base {:#018x} limit {:#06x}\n", cpu.gdtr.base, cpu.gdtr.limit);
  text += fmt::format("idtr      base {:#018x} limit {:#06x}\n", cpu.idtr.base, cpu.idtr.limit);
  for (unsigned i = 0; i < 4; ++i) text += fmt::format("dr{}    {:#018x}\n", i, cpu.dr[i]);
  text += fmt::format("dr6    {:#018x} {}\n", cpu.dr[6], names(cpu.dr[6], dr6_bits));
  text += fmt::format("dr7    {:#018x} {}\n", cpu.dr[7], breakpoints_of(cpu.dr[7]));
  for (const Register& msr : msrs) text += fmt::format("{:<14} {:#018x}\n", msr.name, cpu.*msr.value);
  for (unsigned i = 0; i < cpu.mtrr_variable.size(); i += 2) {
    if (cpu.mtrr_variable[i + 1] == 0) continue;
    text += fmt::format("mtrr {}         base {:#018x} mask {:#018x}\n", i / 2, cpu.mtrr_variable[i],
                        cpu.mtrr_variable[i + 1]);
  }
  return text;
}

}  // namespace lockstitch::debug

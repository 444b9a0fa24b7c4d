// See system_text.h. Names: SDM 3A 2.5, 3.4.5, SDM 4.
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
constexpr Bit cr4_bits[] = {{0, "VME"}, {1, "PVI"}, {2, "TSD"}, {3, "DE"},     {4, "PSE"},        {5, "PAE"},
                            {6, "MCE"}, {7, "PGE"}, {8, "PCE"}, {9, "OSFXSR"}, {10, "OSXMMEXCPT"}};
constexpr Bit efer_bits[] = {{0, "SCE"}, {8, "LME"}, {10, "LMA"}, {11, "NXE"}};
constexpr Bit flag_bits[] = {{0, "CF"},  {2, "PF"},   {4, "AF"},   {6, "ZF"},  {7, "SF"},  {8, "TF"},
                             {9, "IF"},  {10, "DF"},  {11, "OF"},  {14, "NT"}, {16, "RF"}, {17, "VM"},
                             {18, "AC"}, {19, "VIF"}, {20, "VIP"}, {21, "ID"}};

std::string names(std::uint64_t value, std::span<const Bit> bits) {
  std::string text;
  for (const Bit& bit : bits) {
    if (value >> bit.at & 1) text += fmt::format(" {}", bit.name);
  }
  return "[" + (text.empty() ? text : text.substr(1)) + "]";
}

std::string kind_of(std::uint32_t attributes) {
  if (attributes & 0x1'0000) return "unusable";
  if (!(attributes & 0x10)) return fmt::format("system type {}", attributes & 15);
  std::string text = attributes & 8 ? "code" : "data";
  if (attributes & 8) {
    text += attributes & 2 ? ", readable" : ", execute-only";
    if (attributes & 4) text += ", conforming";
    text += attributes & 0x2000 ? ", 64-bit" : attributes & 0x4000 ? ", 32-bit" : ", 16-bit";
  } else {
    text += attributes & 2 ? ", writable" : ", read-only";
    if (attributes & 4) text += ", expands down";
  }
  return text + fmt::format(", DPL {}{}", attributes >> 5 & 3, attributes & 0x80 ? "" : ", not present");
}

}  // namespace

std::string system_text(const CpuState& cpu) {
  std::string text;
  text += fmt::format("cr0  {:#018x} {}\n", cpu.cr0, names(cpu.cr0, cr0_bits));
  text += fmt::format("cr2  {:#018x}\ncr3  {:#018x}\n", cpu.cr2, cpu.cr3);
  text += fmt::format("cr4  {:#018x} {}\n", cpu.cr4, names(cpu.cr4, cr4_bits));
  text += fmt::format("efer {:#018x} {}\n", cpu.efer, names(cpu.efer, efer_bits));
  text += fmt::format("rflags {:#x} {} IOPL {}\n", cpu.rflags, names(cpu.rflags, flag_bits), cpu.rflags >> 12 & 3);
  static constexpr const char* segments[] = {"es", "cs", "ss", "ds", "fs", "gs", "ldtr", "tr"};
  for (unsigned i = 0; i < segment_count; ++i) {
    const Segment& s = cpu.segment[i];
    text += fmt::format("{:<4} {:04x} base {:#018x} limit {:#010x} {}\n", segments[i], s.selector, s.base, s.limit,
                        kind_of(s.attributes));
  }
  text += fmt::format("gdtr      base {:#018x} limit {:#06x}\n", cpu.gdtr.base, cpu.gdtr.limit);
  text += fmt::format("idtr      base {:#018x} limit {:#06x}\n", cpu.idtr.base, cpu.idtr.limit);
  for (unsigned i : {0u, 1u, 2u, 3u, 6u, 7u}) text += fmt::format("dr{}  {:#018x}\n", i, cpu.dr[i]);
  const std::pair<const char*, std::uint64_t> registers[] = {{"star", cpu.star},
                                                             {"lstar", cpu.lstar},
                                                             {"cstar", cpu.cstar},
                                                             {"fmask", cpu.fmask},
                                                             {"kernel_gs_base", cpu.kernel_gs_base},
                                                             {"tsc_aux", cpu.tsc_aux},
                                                             {"sysenter_cs", cpu.sysenter_cs},
                                                             {"sysenter_esp", cpu.sysenter_esp},
                                                             {"sysenter_eip", cpu.sysenter_eip},
                                                             {"pat", cpu.pat},
                                                             {"tsc_offset", cpu.tsc_offset}};
  for (const auto& [name, value] : registers) text += fmt::format("{:<14} {:#018x}\n", name, value);
  if (cpu.interrupt_shadow) text += "interrupts wait for one instruction\n";
  if (cpu.nmi_blocked) text += "NMIs are blocked until IRET\n";
  return text;
}

}  // namespace lockstitch::debug
